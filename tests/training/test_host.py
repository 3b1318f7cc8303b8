"""What a process asks of its machine, seen from a process of its own."""

import os
import subprocess
import sys

import pytest

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
CHANGED = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")


def devices(code, **environment):
    """How many devices JAX has after `code`."""
    kept = {name: value for name, value in os.environ.items() if name not in CHANGED}
    source = f"import jax; from research.training import host; {code}; print(jax.device_count())"
    return int(subprocess.check_output([sys.executable, "-c", source], env=kept | environment, text=True))


def test_each_core_is_a_device():
    assert devices("host.cores_as_devices()") == min(CORES, 8)


@pytest.mark.parametrize(
    "environment", [{"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}, {"JAX_NUM_CPU_DEVICES": "3"}]
)
def test_a_number_that_a_person_set_stays(environment):
    assert devices("host.cores_as_devices()", **environment) == 3


def test_once_jax_computes_nothing_changes():
    assert devices("jax.numpy.zeros(1); host.cores_as_devices()") == 1

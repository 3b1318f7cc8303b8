"""What a process asks of its machine, seen from a process of its own."""

import os
import platform
import subprocess
import sys

import pytest

from research.parallel import host

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
CHANGED = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")


def devices(code, which="jax.devices()", **environment):
    """How many devices there are after `code`."""
    kept = {name: value for name, value in os.environ.items() if name not in CHANGED}
    source = f"import jax; from research.parallel import host; {code}; print(len({which}))"
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


@pytest.mark.parametrize(("environment", "count"), [({}, 1), ({"JAX_NUM_CPU_DEVICES": "3"}, 3)])
def test_training_takes_the_cores_as_one_device_unless_a_person_says_otherwise(environment, count):
    assert devices("host.cores_as_devices()", "host.training_devices()", **environment) == count


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is no glibc to ask")
def test_freed_memory_is_kept():
    assert host.keep_freed_memory()

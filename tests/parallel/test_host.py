"""The settings of a process, each looked at in a process of its own."""

import ast
import os
import platform
import subprocess
import sys

import pytest

from research.parallel import host

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
CHANGED = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")


def devices(code, which="jax.devices()", **environment):
    """Return the number of devices after `code`, in a fresh process."""
    kept = {name: value for name, value in os.environ.items() if name not in CHANGED}
    source = f"import jax; from research.parallel import host; {code}; print(len({which}))"
    return int(subprocess.check_output([sys.executable, "-c", source], env=kept | environment, text=True))


def test_each_core_becomes_a_device():
    assert devices("host.cores_as_devices()") == min(CORES, 8)


@pytest.mark.parametrize(
    "environment", [{"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}, {"JAX_NUM_CPU_DEVICES": "3"}]
)
def test_a_number_that_the_user_set_stays(environment):
    assert devices("host.cores_as_devices()", **environment) == 3


def test_nothing_changes_once_jax_has_computed():
    assert devices("jax.numpy.zeros(1); host.cores_as_devices()") == 1


@pytest.mark.parametrize(("environment", "count"), [({}, 1), ({"JAX_NUM_CPU_DEVICES": "3"}, 3)])
def test_training_uses_one_cpu_device_unless_the_user_set_a_number(environment, count):
    assert devices("host.cores_as_devices()", "host.training_devices()", **environment) == count


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings are made on Linux only")
def test_memory_settings_are_made_on_cpu_hosts_only():
    """One fresh process tries values of JAX_PLATFORMS, with the device file of an accelerator and without."""
    cases = [("", "/no/such/file"), ("", "/dev/null"), ("cpu", "/dev/null"), ("cuda,cpu", "/no/such/file")]
    program = f"""if True:
        import jax
        from types import SimpleNamespace
        from research.parallel import host
        calls, found = [], []
        host.ctypes = SimpleNamespace(CDLL=lambda _: SimpleNamespace(mallopt=lambda *call: calls.append(call[0]) or 1))
        for platforms, file in {cases}:
            jax.config.update("jax_platforms", platforms)
            host.ACCELERATOR_FILES = ["/no/such/file", file]
            calls.clear()
            found.append((host.keep_freed_memory(), list(calls)))
        print(found)
    """
    set_all, set_none = (True, [host.MMAP_THRESHOLD, host.TRIM_THRESHOLD, host.ARENA_MAX]), (False, [])
    found = ast.literal_eval(subprocess.check_output([sys.executable, "-c", program], text=True))
    assert found == [set_all, set_none, set_all, set_none]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library is not glibc")
def test_glibc_accepts_the_memory_settings():
    assert host.keep_freed_memory()

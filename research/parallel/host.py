"""Settings of a process that are made before it computes: memory that stays, devices of a CPU, kept programs."""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

import jax

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # names of mallopt's parameters in malloc.h
NEVER = -1  # a threshold that is never reached: the greatest int is 2 GB, and a step of width 512 frees more
MACHINE_SETTING = "JAX_COMPILATION_CACHE_DIR"
MOST_CPU_DEVICES = 8  # a batch of 100 sentences gives each of them 13; fewer rows would leave small matmuls
# Files that the driver of an accelerator makes: NVIDIA, the same in Windows Subsystem for Linux, AMD, TPU (two kinds).
ACCELERATOR_FILES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/accel0", "/dev/vfio/0")


def prepare() -> None:
    """Make the settings that training and evaluation share. Call once, before the first program is compiled."""
    keep_freed_memory()
    keep_compiled_programs()


def computes_on_cpu() -> bool:
    """Tell whether JAX will compute on a CPU, without starting JAX's backends.

    JAX_PLATFORMS decides where it is set. Else a host with an accelerator's device file is taken to compute on it.
    """
    if platforms := jax.config.jax_platforms:  # type: ignore[attr-defined]
        return platforms.split(",")[0] == "cpu"
    return not any(os.path.exists(file) for file in ACCELERATOR_FILES)


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory in the process, and to keep all memory in one arena; on CPU hosts only.

    XLA on a CPU allocates its scratch space anew for each run of a program. Above glibc's thresholds, each allocation
    is an mmap, a page fault for every page touched, and a munmap. Arenas of other threads than the first give memory
    back whatever the thresholds are. This cost up to half of a training step. An accelerator has an allocator of its
    own, and its host is left as it is. Call before JAX computes: a thread that has an arena keeps it.

    Returns:
        True if every setting was made; False on a host with an accelerator, and where there is no glibc.
    """
    if not sys.platform.startswith("linux") or not computes_on_cpu():
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # An older glibc refuses a threshold above 32 MB; then larger blocks are given back.
    kept = bool(mallopt(MMAP_THRESHOLD, 2**30)) or bool(mallopt(MMAP_THRESHOLD, 2**25))
    return all([kept, mallopt(TRIM_THRESHOLD, NEVER), mallopt(ARENA_MAX, 1)])


def cores_as_devices() -> None:
    """Make each CPU core a device, for work whose rows are independent; a number that the user set stays.

    One device runs a program's operations one after another, and those of a search are too small to be split over
    cores: Transformer-Tiny with beam 5 was 1.7 times as fast on two devices of a core each. Call before JAX computes.
    """
    if number_is_set():
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(RuntimeError):  # JAX has started already
        jax.config.update("jax_num_cpu_devices", min(cores, MOST_CPU_DEVICES))


def training_devices() -> list[jax.Device]:
    """Return the devices to train on: all accelerators, or one CPU device a process unless the user set their number.

    XLA splits the matmuls of one CPU device over the cores. A device for each core would gain nothing, and would make
    the dropout masks depend on the number of cores.
    """
    devices = all_devices()
    return devices if devices[0].platform != "cpu" or number_is_set() or jax.process_count() > 1 else devices[:1]


def all_devices() -> list[jax.Device]:
    """Return the devices of all processes, those of the first process first."""
    return sorted(jax.devices(), key=lambda device: (device.process_index, device.id))


def number_is_set() -> bool:
    """Tell whether the environment sets the number of CPU devices."""
    return "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "") or (
        "JAX_NUM_CPU_DEVICES" in os.environ
    )


def keep_compiled_programs() -> None:
    """Cache compiled programs in ~/.cache/lookback/xla, so that a resumed run or an evaluation starts at once.

    The environment variable JAX_COMPILATION_CACHE_DIR names another folder.
    """
    if MACHINE_SETTING not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(Path("~/.cache/lookback/xla").expanduser()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)

"""What a process asks of its machine before it computes: memory that stays, programs that are kept, cores."""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

import jax

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # names of mallopt's parameters in malloc.h
MACHINE_SETTING = "JAX_COMPILATION_CACHE_DIR"
MOST_CPU_DEVICES = 8  # of a batch of 100 sentences each has 13 then; fewer would leave small matmuls


def prepare() -> None:
    """Call once, before the first program is compiled."""
    keep_freed_memory()
    keep_compiled_programs()


def keep_freed_memory() -> bool:
    """Have glibc keep memory that is freed, and all of it in one arena; False where there is no glibc to ask.

    XLA on a CPU allocates its scratch space anew for each run of a program. Above the thresholds that is an mmap, a
    page fault for every page touched, and a munmap; and the arenas of other threads than the first give memory back
    whatever the thresholds. It was up to half of a training step. An accelerator has its own allocator. To be called
    before JAX computes: threads that have an arena keep it.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # An older glibc refuses a threshold above 32 MB: then what is larger is given back.
    kept = bool(mallopt(MMAP_THRESHOLD, 2**30)) or bool(mallopt(MMAP_THRESHOLD, 2**25))
    return all([kept, mallopt(TRIM_THRESHOLD, 2**31 - 1), mallopt(ARENA_MAX, 1)])


def cores_as_devices() -> None:
    """On a CPU, make each core a device, where rows are spread that have nothing to do with each other.

    One device runs a program's operations one after another, and those of a search are too small to be cut over cores:
    Transformer-Tiny with beam 5 was 1.7 times as fast on two devices of a core each. To be called before JAX computes;
    a number that a person has set stays.
    """
    if number_is_set():
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(RuntimeError):  # JAX computes already
        jax.config.update("jax_num_cpu_devices", min(cores, MOST_CPU_DEVICES))


def training_devices() -> list[jax.Device]:
    """All local devices; of a CPU the first, whose matmuls XLA cuts over the cores, unless a person asked for several.

    Training gains nothing from a device for each core, and its dropout depends on their number.
    """
    devices = jax.local_devices()
    return devices if devices[0].platform != "cpu" or number_is_set() else devices[:1]


def number_is_set() -> bool:
    """Whether the environment says how many devices a CPU has."""
    return "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "") or (
        "JAX_NUM_CPU_DEVICES" in os.environ
    )


def keep_compiled_programs() -> None:
    """Keep compiled programs in ~/.cache/lookback/xla, so that a run that goes on, or an evaluation, starts at once.

    The environment variable JAX_COMPILATION_CACHE_DIR names another folder.
    """
    if MACHINE_SETTING not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(Path("~/.cache/lookback/xla").expanduser()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)

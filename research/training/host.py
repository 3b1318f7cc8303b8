"""What a process asks of its machine before it computes: memory that stays, and compiled programs that are kept."""

import ctypes
import os
import sys
from pathlib import Path

import jax

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # names of mallopt's parameters in malloc.h
MACHINE_SETTING = "JAX_COMPILATION_CACHE_DIR"


def prepare() -> None:
    """Call once, before the first program is compiled."""
    keep_freed_memory()
    keep_compiled_programs()


def keep_freed_memory() -> bool:
    """Raise glibc's thresholds for handing memory back to the kernel; False where there is no glibc to ask.

    XLA on a CPU allocates its scratch space anew for each run of a program. Above the thresholds that is an mmap, a
    page fault for every page touched, and a munmap: up to half of a training step. An accelerator has its own
    allocator.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(MMAP_THRESHOLD, 2**30)) and bool(mallopt(TRIM_THRESHOLD, 2**31 - 1))


def keep_compiled_programs() -> None:
    """Keep compiled programs in ~/.cache/lookback/xla, so that a run that goes on, or an evaluation, starts at once.

    The environment variable JAX_COMPILATION_CACHE_DIR names another folder.
    """
    if MACHINE_SETTING not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(Path("~/.cache/lookback/xla").expanduser()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)

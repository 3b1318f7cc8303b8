"""Measurements in turn, ours and theirs, each alone on the machine in a process of its own."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.matmul import LIBRARIES
from benchmarks.worker import SIDES

ROOT = Path(__file__).resolve().parent.parent
# PyTorch gains 14 to 68 % when glibc keeps freed memory. Our side asks for it itself, in research/parallel/host.py, and
# for one arena too, from which PyTorch did not gain (Transformer-Tiny: no faster in training or greedy search).
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
SETTINGS_OF_JAX = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES", "JAX_NUMPY_RANK_PROMOTION")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def environment(side: str, threads: int, cache: Path) -> dict[str, str]:
    """Return the environment of a process of `side`: its number of threads, and no inherited settings of JAX."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS_OF_JAX}
    kept |= dict.fromkeys(THREADS, str(threads))
    if side == "theirs":
        return kept | KEEP_MEMORY
    # The second round reads what the first one compiled.
    return kept | {"JAX_PLATFORMS": "cpu", "JAX_COMPILATION_CACHE_DIR": str(cache)}


def run(module: str, arguments: list[str], side: str, threads: int, cache: Path) -> dict[str, Any]:
    """Return the JSON that `python -m module` prints, run on `threads` CPUs."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(side, threads, cache),
        preexec_fn=lambda: _pin(threads),  # XLA takes as many threads as there are CPUs to run on
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ChildProcessError(f"python -m {module} {' '.join(arguments)} failed; what it said is above")
    return json.loads(done.stdout.splitlines()[-1])


def matmul(threads: int, cache: Path) -> dict[str, dict[str, float]]:
    """Return GFLOP/s by library and shape."""
    sides = {"jax": "ours", "torch": "theirs", "numpy": "theirs"}
    return {library: run("benchmarks.matmul", [library], sides[library], threads, cache) for library in LIBRARIES}


def in_turn(
    family: str, workload: Path, rounds: int, seconds: float, beams: list[int], threads: int, cache: Path
) -> list[dict[str, dict[str, Any]]]:
    """Measure ours, theirs, ours, theirs, ...; return the measurements of each round by side."""
    arguments = [family, f"--workload={workload}", f"--seconds={seconds}", "--beams", *map(str, beams)]
    return [
        {side: run("benchmarks.worker", [side, *arguments], side, threads, cache) for side in SIDES}
        for _ in range(rounds)
    ]


def summary(measured: list[dict[str, dict[str, Any]]], what: str) -> dict[str, float]:
    """Return the medians of both sides, and the median and least of the ratios of the rounds."""
    ratios = [each["ours"][what] / each["theirs"][what] for each in measured]
    medians = {side: statistics.median(each[side][what] for each in measured) for side in SIDES}
    return {**medians, "ratio": statistics.median(ratios), "least_ratio": min(ratios)}


def _pin(threads: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])

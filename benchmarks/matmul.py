"""The matmul rate of this machine: `python -m benchmarks.matmul jax` prints GFLOP/s by shape as JSON."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHAPES = {"square": (1_024, 1_024, 1_024), "vocabulary": (4_096, 128, 8_000)}
LIBRARIES = ("numpy", "torch", "jax")
SECONDS = 1.5


def rates(library: str, shapes: dict[str, tuple[int, int, int]], seconds: float) -> dict[str, float]:
    """Return GFLOP/s, float32, of the fastest product found in `seconds`, for each shape (M, K, N)."""
    multiply = {"numpy": _numpy, "torch": _torch, "jax": _jax}[library]
    random = np.random.default_rng(0)
    found = {}
    for name, (m, k, n) in shapes.items():
        product = multiply(random.random((m, k), np.float32), random.random((k, n), np.float32))
        product()
        best, begin = np.inf, time.perf_counter()
        while best == np.inf or time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            product()
            best = min(best, time.perf_counter() - start)
        found[name] = 2 * m * k * n / best / 1e9
    return found


def _numpy(a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
    out = np.empty((len(a), b.shape[1]), np.float32)
    return lambda: np.matmul(a, b, out=out)


def _torch(a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
    import torch

    left, right = torch.from_numpy(a), torch.from_numpy(b)
    out = torch.empty(len(a), b.shape[1])
    return lambda: torch.matmul(left, right, out=out)


def _jax(a: np.ndarray, b: np.ndarray) -> Callable[[], Any]:
    import jax

    left, right = jax.device_put(a), jax.device_put(b)
    multiply = jax.jit(lambda x, y: x @ y)
    return lambda: multiply(left, right).block_until_ready()


if __name__ == "__main__":
    print(json.dumps(rates(sys.argv[1], SHAPES, SECONDS)))

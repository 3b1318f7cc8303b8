"""Reading a cache with room for a whole translation, without reading the part that is not yet filled."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

Array = jax.Array
FIRST_STEPS = 8  # steps of decoding that the first size holds; finer sizes save little, and each is compiled


def read_filled(read: Callable[[int], Any], filled: Array, reserved: int, unit: int = 1) -> Any:
    """Return read(n) for the smallest n of `sizes` that holds all filled entries.

    Shapes stay fixed, and on a CPU the time grows with the filled part. An accelerator reads the whole cache: it would
    wait for its host to choose a size.

    Args:
        read: reads the first n entries; returns the same shapes for every n.
        filled: the number of filled entries.
        reserved: the number of entries in the cache.
        unit: the number of entries that each step of decoding adds.
    """
    ends = sizes(reserved, unit)
    if len(ends) == 1:
        return read(reserved)

    def read_some(filled: Array) -> Any:
        which = sum((filled > end).astype("int32") for end in ends[:-1])
        return jax.lax.switch(which, [partial(read, end) for end in ends])

    return jax.lax.platform_dependent(filled, cpu=read_some, default=lambda filled: read(reserved))


def sizes(reserved: int, unit: int = 1) -> list[int]:
    """Return 8, 16, 24, 32, 48, 72, … times `unit`, each at most twice the one before, and `reserved` at the end."""
    found, size = [], FIRST_STEPS
    while size * unit < reserved:
        found.append(size * unit)
        size += max(FIRST_STEPS, size // 2 // FIRST_STEPS * FIRST_STEPS)
    return [*found, reserved]

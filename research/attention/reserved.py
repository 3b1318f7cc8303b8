"""Places that are reserved and not yet filled, as in a cache with room for a whole translation: they are not read."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

Array = jax.Array
LEAST = 8  # of the first size, in steps of decoding; finer sizes save little and each costs a little compiling


def read_filled(read: Callable[[int], Any], filled: Array, reserved: int, unit: int = 1) -> Any:
    """read(n), for the least n of `sizes` that holds what is `filled`: shapes stay fixed, and time follows the filling.

    read: of the first n places; it returns the same shapes for every n. filled, unit: places; `filled` grows by `unit`.
    """
    ends = sizes(reserved, unit)
    which = sum((filled > end).astype("int32") for end in ends[:-1])
    return jax.lax.switch(which, [partial(read, end) for end in ends]) if len(ends) > 1 else read(reserved)


def sizes(reserved: int, unit: int = 1) -> list[int]:
    """Eight units, then half as much again each time, up to all that is reserved: about a third is read in vain."""
    found, size = [], LEAST
    while size * unit < reserved:
        found.append(size * unit)
        size += max(LEAST, size // 2 // LEAST * LEAST)
    return [*found, reserved]

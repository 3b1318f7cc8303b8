"""Places that are reserved and not yet filled, as in a cache with room for a whole translation: they are not read."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

Array = jax.Array
FIRST_STEPS = 8  # steps of decoding that the first size holds; finer sizes save little, and each is compiled


def read_filled(read: Callable[[int], Any], filled: Array, reserved: int, unit: int = 1) -> Any:
    """read(n), for the least n of `sizes` that holds what is `filled`: shapes stay fixed, and time follows the filling.

    read: of the first n places; it returns the same shapes for every n. filled, unit: places; `filled` grows by `unit`.
    An accelerator reads all that is reserved: it would wait for its host to choose a size.
    """
    ends = sizes(reserved, unit) if jax.default_backend() == "cpu" else [reserved]
    which = sum((filled > end).astype("int32") for end in ends[:-1])
    return jax.lax.switch(which, [partial(read, end) for end in ends]) if len(ends) > 1 else read(reserved)


def sizes(reserved: int, unit: int = 1) -> list[int]:
    """8, 16, 24, 32, 48, 72, … units, each at most twice the one before, up to all that is reserved."""
    found, size = [], FIRST_STEPS
    while size * unit < reserved:
        found.append(size * unit)
        size += max(FIRST_STEPS, size // 2 // FIRST_STEPS * FIRST_STEPS)
    return [*found, reserved]

"""Positions: what tells attention the order of the words."""

import jax
import jax.numpy as jnp
import numpy as np


def sinusoidal(length: int, width: int) -> jax.Array:
    """PE(t, 2i) = sin(t / 10000^(2i/D)), PE(t, 2i+1) = cos(t / 10000^(2i/D)). Vaswani et al. 2017, section 3.5.

    Returns positions_TD, float32. An odd width has one sine more than cosines.
    """
    # In NumPy: the table is a constant of the program, computed once in double precision.
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(0, width, 2)[None, :] / width)
    table_TD = np.zeros((length, width), np.float32)
    table_TD[:, 0::2] = np.sin(angles)
    table_TD[:, 1::2] = np.cos(angles[:, : width // 2])
    return jnp.asarray(table_TD)

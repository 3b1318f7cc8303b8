"""Windows: which positions may be read. Boolean masks, True where reading is allowed, combined with `&`."""

import jax
import jax.numpy as jnp

Array = jax.Array


def padding(mask_BS: Array) -> Array:
    """Real source positions only, mask_B1S, the same for every query."""
    return mask_BS[:, None, :]


def causal(length: int) -> Array:
    """Position t reads positions 0 … t, mask_1TT. Vaswani et al. 2017, section 3.2.3."""
    return jnp.tril(jnp.ones((1, length, length), bool))


def so_far(position: Array, length: int) -> Array:
    """The row of `causal` for one position (an int32 scalar), over a cache of `length`, mask_11T."""
    return (jnp.arange(length) <= position)[None, None, :]

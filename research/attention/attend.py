"""Attention in one sentence: mask the scores, normalise over the keys, read the values."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from research.attention.normalisers import Softmax

Array = jax.Array


def attend(
    scores_BTS: Array,
    values_BSE: Array,
    mask_BTS: Array,
    weigh: Callable[[Array, Array], Array] = Softmax.weigh,
    drop: Callable[[Array], Array] | None = None,
) -> tuple[Array, Array]:
    """Compute context_BTE = drop(weigh(scores, mask)) @ values.

    With heads, put H before T and S: scores_BHTS and values_BHSE.

    Args:
        scores_BTS: how well each query matches each key, unmasked.
        values_BSE: what is read.
        mask_BTS: True where reading is allowed.
        weigh: the normaliser, (scores, mask) -> weights.
        drop: dropout of the weights; None: no dropout.

    Returns:
        context_BTE, in the dtype of the values, and weights_BTS before dropout.
    """
    weights_BTS = weigh(scores_BTS, mask_BTS)
    return read(weights_BTS, values_BSE, drop), weights_BTS


def read(weights_BTS: Array, values_BSE: Array, drop: Callable[[Array], Array] | None = None) -> Array:
    """Return context_BTE = drop(weights) @ values; `drop` is None for no dropout."""
    read_BTS = (weights_BTS if drop is None else drop(weights_BTS)).astype(values_BSE.dtype)
    return jnp.einsum("...ts,...se->...te", read_BTS, values_BSE)

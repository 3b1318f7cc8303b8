"""Attention in one sentence: mask the scores, normalise over the keys, read the values."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Array = jax.Array


def normalise(scores_BTS: Array, mask_BTS: Array) -> Array:
    """Softmax over the keys that may be read: w_ts = m_ts exp(e_ts) / Σ_j m_tj exp(e_tj).

    scores: float32. mask: bool, broadcastable, True where reading is allowed. Rows sum to 1; a row with nothing to
    read is all zeros, not NaN. Axes before the last two are batch axes.
    """
    # float32 throughout: a bfloat16 softmax drops small weights on long sources.
    lowest = jnp.finfo(jnp.float32).min
    masked_BTS = jnp.where(mask_BTS, scores_BTS.astype(jnp.float32), lowest)
    peak_BT1 = jax.lax.stop_gradient(masked_BTS.max(axis=-1, keepdims=True))
    powers_BTS = jnp.where(mask_BTS, jnp.exp(masked_BTS - peak_BT1), 0.0)
    total_BT1 = powers_BTS.sum(axis=-1, keepdims=True)
    return powers_BTS / jnp.where(total_BT1 > 0, total_BT1, 1.0)


def attend(
    scores_BTS: Array, values_BSE: Array, mask_BTS: Array, drop: Callable[[Array], Array] | None = None
) -> tuple[Array, Array]:
    """context_BTE = drop(normalise(scores, mask)) @ values, and the weights_BTS, before any dropout.

    With heads, put H before T and S: scores_BHTS and values_BHSE. The context has the precision of the values.
    """
    weights_BTS = normalise(scores_BTS, mask_BTS)
    read_BTS = (weights_BTS if drop is None else drop(weights_BTS)).astype(values_BSE.dtype)
    return jnp.einsum("...ts,...se->...te", read_BTS, values_BSE), weights_BTS

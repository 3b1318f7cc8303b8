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


def lineage(ancestors_BNT: Array) -> Array:
    """The one position at each time that belongs to a hypothesis's own past, mask_BNS over times x N: S = T N.

    ancestors_BNT: which of its sentence's N hypotheses wrote at time t what hypothesis n goes on from; -1: nothing yet.
    With one hypothesis it is a row of `causal`.
    """
    batch, hypotheses, length = ancestors_BNT.shape
    mask_BNTM = ancestors_BNT[..., None] == jnp.arange(hypotheses)[None, None, None]
    return mask_BNTM.reshape(batch, hypotheses, length * hypotheses)

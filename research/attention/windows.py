"""Windows: which positions may be read. Boolean masks, True where reading is allowed, combined with `&`."""

import flax.struct
import jax
import jax.numpy as jnp

Array = jax.Array


def padding(mask_BS: Array) -> Array:
    """Return mask_B1S, the real source positions, the same for every query."""
    return mask_BS[:, None, :]


def lineage(ancestors_BNT: Array) -> Array:
    """Return the cache entries that belong to each hypothesis's own history, as mask_BNS over S = T·N entries.

    At each time one entry belongs to a hypothesis. With one hypothesis the mask is a row of a causal window.

    Args:
        ancestors_BNT: for hypothesis n and time t, which of the sentence's N hypotheses wrote the token at t that n
            continues; -1 for times to come.
    """
    batch, hypotheses, length = ancestors_BNT.shape
    mask_BNTM = ancestors_BNT[..., None] == jnp.arange(hypotheses)[None, None, None]
    return mask_BNTM.reshape(batch, hypotheses, length * hypotheses)


@flax.struct.dataclass
class Window:
    """A rule for the positions that may be read; long sequences apply it block by block and never hold the whole mask.

    Position t reads positions t - before … t + after. after=0 is causal (Vaswani et al. 2017, section 3.2.3); with
    `before` the window also slides (Beltagy et al. 2020).

    Args:
        words_BS: True at the real positions of the memory; None: all are real.
        before: positions back; None: up to the beginning.
        after: positions ahead; None: up to the end.
    """

    words_BS: Array | None = None
    before: int | None = flax.struct.field(pytree_node=False, default=None)
    after: int | None = flax.struct.field(pytree_node=False, default=None)

    def mask(self, query_positions_T: Array, key_positions_S: Array) -> Array:
        """Return mask_BTS of queries and keys at these positions; an axis has length 1 where all are the same."""
        mask_BTS = jnp.ones((1, 1, 1), bool)
        if self.words_BS is not None:
            mask_BTS = padding(jnp.take(self.words_BS, key_positions_S, axis=1))
        distance_TS = key_positions_S[None, :] - query_positions_T[:, None]
        if self.before is not None:
            mask_BTS = mask_BTS & (distance_TS >= -self.before)[None]
        if self.after is not None:
            mask_BTS = mask_BTS & (distance_TS <= self.after)[None]
        return mask_BTS

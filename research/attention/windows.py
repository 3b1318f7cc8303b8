"""Windows: which positions may be read. Boolean masks, True where reading is allowed, combined with `&`."""

import flax.struct
import jax
import jax.numpy as jnp

Array = jax.Array


def padding(mask_BS: Array) -> Array:
    """Real source positions only, mask_B1S, the same for every query."""
    return mask_BS[:, None, :]


def lineage(ancestors_BNT: Array) -> Array:
    """The one position at each time that belongs to a hypothesis's own past, mask_BNS over times x N: S = T N.

    ancestors_BNT: which of its sentence's N hypotheses wrote at time t what hypothesis n goes on from; -1: nothing yet.
    With one hypothesis it is a row of a causal window.
    """
    batch, hypotheses, length = ancestors_BNT.shape
    mask_BNTM = ancestors_BNT[..., None] == jnp.arange(hypotheses)[None, None, None]
    return mask_BNTM.reshape(batch, hypotheses, length * hypotheses)


@flax.struct.dataclass
class Window:
    """Which positions may be read, as a rule: long sequences are read block by block, and never hold it as a map.

    words_BS: real positions of what is read; None: all are. Position t reads positions t - before … t + after; None: up
    to that end. after=0 is causal (Vaswani et al. 2017, section 3.2.3); with `before` too the window slides (Beltagy et
    al. 2020).
    """

    words_BS: Array | None = None
    before: int | None = flax.struct.field(pytree_node=False, default=None)
    after: int | None = flax.struct.field(pytree_node=False, default=None)

    def mask(self, query_places_T: Array, key_places_S: Array) -> Array:
        """mask_BTS of queries and keys at these positions; axes of length 1 where all are alike."""
        mask_BTS = jnp.ones((1, 1, 1), bool)
        if self.words_BS is not None:
            mask_BTS = padding(jnp.take(self.words_BS, key_places_S, axis=1))
        distance_TS = key_places_S[None, :] - query_places_T[:, None]
        if self.before is not None:
            mask_BTS = mask_BTS & (distance_TS >= -self.before)[None]
        if self.after is not None:
            mask_BTS = mask_BTS & (distance_TS <= self.after)[None]
        return mask_BTS

"""Self-attention: a sequence reads itself, all at once or one position after another, told the order or not."""

import jax
import jax.numpy as jnp

from research.attention.heads import KeysValues, MultiHeadAttention
from research.attention.normalisers import NORMALISERS
from research.attention.positions import RELATIONS, Relation, edge_of
from research.attention.reserved import read_filled
from research.attention.windows import Window

Array = jax.Array


class SelfAttention(MultiHeadAttention):
    """Queries, keys and values of one sequence. positions: a name in `POSITIONS`; those in `RELATIONS` act here.

    reach: of "relative".
    """

    positions: str
    reach: int

    def setup(self) -> None:
        super().setup()
        self.relation = RELATIONS.get(self.positions, Relation)(self.heads, self.head_size, self.reach)
        scorer = type(self.scorer)
        if not scorer.reads_keys or self.normaliser == "softmax_over_queries":
            raise ValueError(
                f"self-attention has no score 'location' and no normaliser 'softmax_over_queries', and was given "
                f"{self.score!r} and {self.normaliser!r}: they are for reading the source"
            )
        if self.positions == "relative" and not scorer.bilinear:
            raise ValueError(f"positions 'relative' need a score that is linear in the key, not {self.score!r}")
        if self.positions == "rotary" and scorer.own_matrices:
            raise ValueError(
                f"positions 'rotary' turn what is compared, and score {self.score!r} multiplies it by matrices: choose "
                "scaled_dot, dot or learned_scale_dot"
            )
        if self.form != "reference" and (not self.is_plain or self.positions == "relative"):
            raise ValueError(
                f"model.form={self.form!r} is scaled dot-product attention with a softmax, without relative positions; "
                "set model.form='reference', or those"
            )

    def __call__(self, x_BTD: Array, window: Window) -> Array:
        """read_BTD of all positions at once."""
        places_T = jnp.arange(x_BTD.shape[1])
        query_BHTK, keys_BGTK, values_BGTK = self._projected(x_BTD, places_T)
        if not self.holds_weights:
            return self.formed(query_BHTK, (keys_BGTK, values_BGTK), window, self.relation.bias)
        mask_BTT = window.mask(places_T, places_T)
        return self._output(*self._attend(query_BHTK, keys_BGTK, values_BGTK, mask_BTT, places_T, places_T))

    def reserve(self, batch: int, places: int, dtype: jnp.dtype) -> KeysValues:
        """A cache for `step`, keys_BGKS and values_BGSK, each as its matmul reads it."""
        shape = batch, self.kv_heads, places, self.head_size
        return jnp.zeros(shape, dtype).swapaxes(2, 3), jnp.zeros(shape, dtype)

    def step(self, states_BND: Array, cache: KeysValues, mask_BNS: Array, place: Array) -> tuple[Array, KeysValues]:
        """read_BND for N states at one place, that are written into the cache and then ask it, and the next cache.

        place: from 0; `place` times N of the cache were taken before. mask_BNS: which ones each of the N may read,
        itself included and none of those that are still empty. Raises ValueError where weights are dropped: that is for
        training.
        """
        self.refuse_to_drop()
        reserved, added = mask_BNS.shape[2], mask_BNS.shape[1]
        filled, place_1 = place * added, jnp.reshape(place, (1,))
        query_BHNK, keys_BGNK, values_BGNK = self._projected(states_BND, place_1)
        keys_BGKS = jax.lax.dynamic_update_slice_in_dim(cache[0], keys_BGNK.swapaxes(2, 3), filled, axis=3)
        values_BGSK = jax.lax.dynamic_update_slice_in_dim(cache[1], values_BGNK, filled, axis=2)

        def read(places: int) -> tuple[Array, Array]:
            # Turned in here: outside, the whole cache would be written anew at every step.
            keys_BGSK, values = keys_BGKS[..., :places].swapaxes(2, 3), values_BGSK[:, :, :places]
            key_places_S = jnp.arange(places) // added
            context_BHNK, weights_BHNS = self._attend(
                query_BHNK, keys_BGSK, values, mask_BNS[..., :places], place_1, key_places_S
            )
            return context_BHNK, jnp.pad(weights_BHNS, [(0, 0)] * 3 + [(0, reserved - places)])

        return self._output(*read_filled(read, filled + added, reserved, added)), (keys_BGKS, values_BGSK)

    def _projected(self, x_BTD: Array, places_T: Array) -> tuple[Array, Array, Array]:
        query_BHTK = self.relation.turned(self._split(self.query(x_BTD)), places_T)
        keys_BGTK = self.scorer.keys(self.relation.turned(self._split(self.key(x_BTD)), places_T))
        return query_BHTK, keys_BGTK, self._split(self.value(x_BTD))

    def _attend(
        self,
        query_BHTK: Array,
        keys_BGSK: Array,
        values_BGSK: Array,
        mask_BTS: Array,
        query_places_T: Array,
        key_places_S: Array,
    ) -> tuple[Array, Array]:
        """context_BHTK and weights_BHTS. One query place stands for all queries, where there is but one."""
        scores_BHTS = self.scores(query_BHTK, keys_BGSK)
        if self.relation.bias is not None:
            scores_BHTS += self.relation.bias(query_places_T, key_places_S)[None]
        edges = self.relation.edges()
        if edges is None:
            weights_BHTS = NORMALISERS[self.normaliser].weigh(scores_BHTS, mask_BTS[:, None])
            return self.read(self.drop(weights_BHTS), values_BGSK), weights_BHTS
        key_edges_RK, value_edges_RK = edges
        edge_TS = jnp.broadcast_to(
            edge_of(self.reach, query_places_T, key_places_S), (query_BHTK.shape[2], keys_BGSK.shape[2])
        )
        scores_BHTR = self.scorer(query_BHTK, key_edges_RK.astype(query_BHTK.dtype)[None, None])
        edge_BHTS = jnp.broadcast_to(edge_TS, scores_BHTS.shape)
        scores_BHTS += jnp.take_along_axis(scores_BHTR, edge_BHTS, axis=-1)
        weights_BHTS = NORMALISERS[self.normaliser].weigh(scores_BHTS, mask_BTS[:, None])
        dropped_BHTS = self.drop(weights_BHTS)
        # How much each distance is given, and that much of its vector.
        is_edge_TSR = jax.nn.one_hot(edge_TS, len(value_edges_RK), dtype=weights_BHTS.dtype)
        given_BHTR = jnp.einsum("bhts,tsr->bhtr", dropped_BHTS, is_edge_TSR)
        relations_BHTK = jnp.einsum("bhtr,rk->bhtk", given_BHTR, value_edges_RK).astype(values_BGSK.dtype)
        return self.read(dropped_BHTS, values_BGSK) + relations_BHTK, weights_BHTS

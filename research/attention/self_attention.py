"""Self-attention: a sequence reads itself, all at once or one position after another."""

import jax
import jax.numpy as jnp

from research.attention.heads import KeysValues, MultiHeadAttention
from research.attention.normalisers import NORMALISERS
from research.attention.positions import RELATIONS, Relation, edge_of
from research.attention.reserved import read_filled
from research.attention.windows import Window

Array = jax.Array


class SelfAttention(MultiHeadAttention):
    """Attention with queries, keys and values of one sequence.

    Args:
        positions: a name in `POSITIONS`; those in `RELATIONS` act here.
        reach: the distance beyond which "relative" positions treat all distances alike.
        others: see `MultiHeadAttention`.
    """

    positions: str
    reach: int

    def setup(self) -> None:
        super().setup()
        self.relation = RELATIONS.get(self.positions, Relation)(self.heads, self.head_size, self.reach)
        scorer = type(self.scorer)
        if not scorer.reads_keys or NORMALISERS[self.normaliser].over_queries:
            raise ValueError(
                f"model.self_score={self.score!r} and model.self_normaliser={self.normaliser!r}: 'location' and "
                "a softmax over queries are for reading the source, not for self-attention"
            )
        if self.positions == "relative" and not scorer.bilinear:
            raise ValueError(
                f"positions 'relative' need a score that is linear in the key, not {self.score!r}: choose "
                "model.self_score=scaled_dot, dot or general"
            )
        if self.positions == "rotary" and scorer.own_matrices:
            raise ValueError(
                f"positions 'rotary' rotate queries and keys, which score {self.score!r} multiplies by matrices: "
                "choose model.self_score=scaled_dot, dot or learned_scale_dot"
            )
        if self.kernel != "reference" and (not self.is_plain or self.positions == "relative"):
            raise ValueError(
                f"model.kernel={self.kernel!r} computes self-attention with the score scaled_dot, a softmax and no "
                "relative positions: choose these, or set model.kernel='reference'"
            )

    def __call__(self, x_BTD: Array, window: Window) -> Array:
        """Return read_BTD of all positions at once."""
        positions_T = jnp.arange(x_BTD.shape[1])
        query_BHTK, keys_BGTK, values_BGTK = self._projected(x_BTD, positions_T)
        if not self.holds_weights:
            return self.by_kernel(query_BHTK, (keys_BGTK, values_BGTK), window, self.relation.bias)
        mask_BTT = window.mask(positions_T, positions_T)
        return self._output(*self._attend(query_BHTK, keys_BGTK, values_BGTK, mask_BTT, positions_T, positions_T))

    def reserve(self, batch: int, entries: int, dtype: jnp.dtype) -> KeysValues:
        """Return an empty cache for `step`: keys_BGKS and values_BGSK, laid out as their products read them.

        Args:
            batch: B.
            entries: S, the number of positions times the hypotheses of a sentence.
            dtype: of the keys and values.
        """
        shape = batch, self.kv_heads, entries, self.head_size
        return jnp.zeros(shape, dtype).swapaxes(2, 3), jnp.zeros(shape, dtype)

    def step(self, states_BND: Array, cache: KeysValues, mask_BNS: Array, position: Array) -> tuple[Array, KeysValues]:
        """Write N states at one position into the cache, and read it.

        Args:
            states_BND: the states of the N hypotheses of a sentence.
            cache: keys and values; its first N · position entries are filled.
            mask_BNS: the entries that each of the N may read: its own included, empty ones excluded.
            position: the position of the states, from 0.

        Returns:
            read_BND and the next cache.

        Raises:
            ValueError: dropout is on.
        """
        self.refuse_to_drop()
        reserved, added = mask_BNS.shape[2], mask_BNS.shape[1]
        filled, position_1 = position * added, jnp.reshape(position, (1,))
        query_BHNK, keys_BGNK, values_BGNK = self._projected(states_BND, position_1)
        keys_BGKS = jax.lax.dynamic_update_slice_in_dim(cache[0], keys_BGNK.swapaxes(2, 3), filled, axis=3)
        values_BGSK = jax.lax.dynamic_update_slice_in_dim(cache[1], values_BGNK, filled, axis=2)

        def read(entries: int) -> tuple[Array, Array]:
            # Transposed in here: outside, the whole cache would be written anew at every step.
            keys_BGSK, values = keys_BGKS[..., :entries].swapaxes(2, 3), values_BGSK[:, :, :entries]
            key_positions_S = jnp.arange(entries) // added
            context_BHNK, weights_BHNS = self._attend(
                query_BHNK, keys_BGSK, values, mask_BNS[..., :entries], position_1, key_positions_S
            )
            return context_BHNK, jnp.pad(weights_BHNS, [(0, 0)] * 3 + [(0, reserved - entries)])

        return self._output(*read_filled(read, filled + added, reserved, added)), (keys_BGKS, values_BGSK)

    def _projected(self, x_BTD: Array, positions_T: Array) -> tuple[Array, Array, Array]:
        query_BHTK = self.relation.rotate(self._split(self.query(x_BTD)), positions_T)
        keys_BGTK = self.scorer.keys(self.relation.rotate(self._split(self.key(x_BTD)), positions_T))
        return query_BHTK, keys_BGTK, self._split(self.value(x_BTD))

    def _attend(
        self,
        query_BHTK: Array,
        keys_BGSK: Array,
        values_BGSK: Array,
        mask_BTS: Array,
        query_positions_T: Array,
        key_positions_S: Array,
    ) -> tuple[Array, Array]:
        """Return context_BHTK and weights_BHTS. A single query position stands for all queries."""
        scores_BHTS = self.scores(query_BHTK, keys_BGSK)
        if self.relation.bias is not None:
            scores_BHTS += self.relation.bias(query_positions_T, key_positions_S)[None]
        edges = self.relation.edges()
        if edges is None:
            weights_BHTS = NORMALISERS[self.normaliser].weigh(scores_BHTS, mask_BTS[:, None])
            return self.read(self.drop(weights_BHTS), values_BGSK), weights_BHTS
        key_edges_RK, value_edges_RK = edges
        edge_TS = jnp.broadcast_to(
            edge_of(self.reach, query_positions_T, key_positions_S), (query_BHTK.shape[2], keys_BGSK.shape[2])
        )
        scores_BHTR = self.scorer(query_BHTK, key_edges_RK.astype(query_BHTK.dtype)[None, None])
        edge_BHTS = jnp.broadcast_to(edge_TS, scores_BHTS.shape)
        scores_BHTS += jnp.take_along_axis(scores_BHTR, edge_BHTS, axis=-1)
        weights_BHTS = NORMALISERS[self.normaliser].weigh(scores_BHTS, mask_BTS[:, None])
        dropped_BHTS = self.drop(weights_BHTS)
        # The weight that each distance gets, times the vector of that distance.
        is_edge_TSR = jax.nn.one_hot(edge_TS, len(value_edges_RK), dtype=values_BGSK.dtype)
        dtype = values_BGSK.dtype
        given_BHTR = jnp.einsum("bhts,tsr->bhtr", dropped_BHTS.astype(dtype), is_edge_TSR)
        relations_BHTK = jnp.einsum("bhtr,rk->bhtk", given_BHTR, value_edges_RK.astype(dtype))
        return self.read(dropped_BHTS, values_BGSK) + relations_BHTK, weights_BHTS

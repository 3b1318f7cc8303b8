"""A reader: how a recurrent decoder reads the source. Score, window, coverage and normaliser are chosen by name."""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.attend import attend, read
from research.attention.coverage import COVERAGES, Product
from research.attention.local import CENTRES, window
from research.attention.normalisers import NORMALISERS
from research.attention.scores import SCORES

Array = jax.Array


@flax.struct.dataclass
class ReaderState:
    """The state of a reader between two positions, with a row for each hypothesis; float32 in any precision.

    Args:
        position_X: the next position, from 0.
        normaliser: the state of the normaliser.
        coverage: the state of the coverage.
    """

    position_X: Array
    normaliser: Any
    coverage: Any


class Reader(nn.Module):
    """c_t = Σ_s w_ts v_s, w_t = weigh(score(q_t, k_s + V C_s)) in the window around p_t.

    Args:
        query_width: D.
        memory_width: E.
        width: K of the score `concat`.
        score: a name in `SCORES`.
        normaliser: a name in `NORMALISERS`.
        window: a name in `WINDOWS`.
        radius: positions that a local window reaches each way.
        coverage: a name in `COVERAGES`.
        channels: C of the coverage.
        learned_positions: P of the score `location`.
    """

    query_width: int
    memory_width: int
    width: int
    score: str
    normaliser: str
    window: str
    radius: int
    coverage: str
    channels: int
    learned_positions: int

    def setup(self) -> None:
        if self.coverage != "none" and not SCORES[self.score].reads_keys:
            raise ValueError(
                f"model.coverage={self.coverage!r} changes the keys, which model.score={self.score!r} does not use: "
                "choose another score, or model.coverage=none"
            )
        self.scorer = SCORES[self.score](self.query_width, self.memory_width, self.width, self.learned_positions)
        key_width = self.width if self.score == "concat" else self.query_width
        self.cover = COVERAGES[self.coverage](self.query_width, self.memory_width, key_width, self.channels)
        if self.window in CENTRES:
            self.centre = CENTRES[self.window](self.query_width)

    @property
    def has_state(self) -> bool:
        """True if reading a position needs state from earlier positions; positions are then read one after another."""
        return self.coverage != "none"

    def keys(self, memory_BSE: Array) -> Array:
        """Return keys_BSK. They depend on the memory alone and are computed once a sentence."""
        return self.scorer.keys(memory_BSE)

    def matrices(self) -> dict[str, Array]:
        """Return the matrices that multiply something at every position, by their names for `times` of `read_next`."""
        named = {"query": self.scorer.query_matrix()}
        if self.window in CENTRES:
            named["centre"] = self.centre.query_matrix()
        return {**{name: matrix for name, matrix in named.items() if matrix is not None}, **self.cover.matrices()}

    def constants(self, keys_BSK: Array, values_BSE: Array, words_BS: Array) -> dict[str, Any]:
        """Return all other values that `read_next` needs, as floats.

        Args:
            keys_BSK: from `keys`.
            values_BSE: the memory.
            words_BS: True at the real positions of the memory.
        """
        return {
            "memory": (keys_BSK, values_BSE, words_BS.astype(values_BSE.dtype)),
            "score": self.scorer.constants(),
            "centre": self.centre.constants() if self.window in CENTRES else (),
            "coverage": self.cover.constants(values_BSE),
        }

    def start(self, keys_BSK: Array, hypotheses: int) -> ReaderState:
        """Return the state before the first position, for N hypotheses a sentence."""
        batch, sources, _ = keys_BSK.shape
        rows = batch * hypotheses
        normaliser = NORMALISERS[self.normaliser].start((rows,), sources)
        return ReaderState(jnp.zeros(rows, jnp.float32), normaliser, self.cover.start(rows, sources))

    def read_next(
        self, times: Product, constants: dict[str, Any], query_XD: Array, state: ReaderState
    ) -> tuple[Array, Array, ReaderState]:
        """Read one position; the N hypotheses of a sentence are N queries of its memory.

        Args:
            times: multiplies by a matrix of `matrices`.
            constants: from `constants`.
            query_XD: the queries, in the dtype of the memory.
            state: the state before this position.

        Returns:
            context_XE, weights_BNS and the next state.
        """
        keys_BSK, values_BSE, words_BS = constants["memory"]
        batch, sources, _ = keys_BSK.shape
        query_BNK = self._query(times, query_XD, batch)
        added_BNSK = COVERAGES[self.coverage].added(times, state.coverage, batch)
        compare = SCORES[self.score].compare
        if added_BNSK is None:
            scores_BNS = compare(constants["score"], query_BNK, keys_BSK)
        else:
            covered_BNSK = keys_BSK[:, None] + added_BNSK.astype(keys_BSK.dtype)
            scores_BNS = compare(constants["score"], query_BNK[:, :, None], covered_BNSK)[:, :, 0]
        positions_BN = state.position_X.reshape(batch, -1)
        mask_BNS, factor_BNS = self._window(times, constants, query_XD, positions_BN, words_BS > 0)
        normaliser = jax.tree.map(lambda leaf_XS: leaf_XS.reshape(batch, -1, sources), state.normaliser)
        weights_BNS, normaliser = NORMALISERS[self.normaliser].weigh_next(scores_BNS, mask_BNS, normaliser)
        weights_BNS = weights_BNS if factor_BNS is None else weights_BNS * factor_BNS
        context_XE = read(weights_BNS, values_BSE).reshape(query_XD.shape[0], -1)
        normaliser = jax.tree.map(lambda leaf_BNS: leaf_BNS.reshape(-1, sources), normaliser)
        advance = COVERAGES[self.coverage].advance
        coverage = advance(times, constants["coverage"], state.coverage, query_XD, weights_BNS)
        return context_XE, weights_BNS, ReaderState(state.position_X + 1, normaliser, coverage)

    def __call__(self, query_BTD: Array, keys_BSK: Array, values_BSE: Array, words_BS: Array) -> tuple[Array, Array]:
        """Read all positions at once, which a reader without state can do.

        Args:
            query_BTD: the queries, in the dtype of the memory.
            keys_BSK: from `keys`.
            values_BSE: the memory.
            words_BS: True at the real positions of the memory.

        Returns:
            context_BTE and weights_BTS.
        """
        matrices, constants = self.matrices(), self.constants(keys_BSK, values_BSE, words_BS)
        batch, length, _ = query_BTD.shape

        def times(name: str, x: Array) -> Array:
            return x @ matrices[name].astype(x.dtype)

        scores_BTS = self.scorer.compare(constants["score"], self._query(times, query_BTD, batch), keys_BSK)
        positions_BT = jnp.broadcast_to(jnp.arange(length), (batch, length))
        mask_BTS, factor_BTS = self._window(times, constants, query_BTD, positions_BT, words_BS)

        def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
            weights_BTS = NORMALISERS[self.normaliser].weigh(scores_BTS, mask_BTS)
            return weights_BTS if factor_BTS is None else weights_BTS * factor_BTS

        return attend(scores_BTS, values_BSE, mask_BTS, weigh)

    def _query(self, times: Product, query: Array, batch: int) -> Array:
        """Return query_BNK from rows of N hypotheses, or from N positions."""
        projected = times("query", query) if self.scorer.query_matrix() is not None else query
        return projected.reshape(batch, -1, projected.shape[-1])

    def _window(
        self, times: Product, constants: dict[str, Any], query: Array, positions_BN: Array, words_BS: Array
    ) -> tuple[Array, Array | None]:
        """Return mask_BNS of the positions that may be read, and the factors of the weights or None."""
        batch, sources = words_BS.shape
        projects = self.window in CENTRES and self.centre.query_matrix() is not None
        projected = times("centre", query) if projects else query
        query_BNK = projected.reshape(batch, -1, projected.shape[-1])
        known = self.scorer.known(sources)
        return window(self.window, constants["centre"], query_BNK, positions_BN, words_BS, known, self.radius)

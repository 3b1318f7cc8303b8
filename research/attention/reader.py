"""A reader: how a recurrent decoder asks the source. Score, window, coverage and normaliser, each by its name."""

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
class Past:
    """What a reader keeps from one position to the next, a row for each hypothesis.

    place_X: the position to come, from 0, float32. asked: the normaliser's; covered: the coverage's.
    """

    place_X: Array
    asked: Any
    covered: Any


class Reader(nn.Module):
    """c_t = Σ_s w_ts v_s, w_t = weigh(score(q_t, k_s + V C_s)) in the window around p_t.

    query_width, memory_width, width: D, E, and K of `concat`. score, normaliser, window, coverage: names in `SCORES`,
    `NORMALISERS`, `WINDOWS`, `COVERAGES`. radius: how far a local window reaches each way, in positions. places: P of
    the score `location`. channels: C of the coverage.
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
    places: int

    def setup(self) -> None:
        if self.coverage != "none" and not SCORES[self.score].reads_keys:
            raise ValueError(
                f"model.coverage={self.coverage!r} changes the keys, which model.score={self.score!r} does not look at"
            )
        self.scorer = SCORES[self.score](self.query_width, self.memory_width, self.width, self.places)
        key_width = self.width if self.score == "concat" else self.query_width
        self.cover = COVERAGES[self.coverage](self.query_width, self.memory_width, key_width, self.channels)
        if self.window in CENTRES:
            self.centre = CENTRES[self.window](self.query_width)

    @property
    def remembers(self) -> bool:
        """What it reads at a position depends on what it read before, so that positions come one after another."""
        return self.coverage != "none"

    def keys(self, memory_BSE: Array) -> Array:
        """What depends on the memory alone, once a sentence: keys_BSK."""
        return self.scorer.keys(memory_BSE)

    def matrices(self) -> dict[str, Array]:
        """What is multiplied at every position, by the name that `times` of `read_next` knows it under."""
        named = {"query": self.scorer.query_matrix()}
        if self.window in CENTRES:
            named["centre"] = self.centre.query_matrix()
        return {**{name: matrix for name, matrix in named.items() if matrix is not None}, **self.cover.matrices()}

    def constants(self, keys_BSK: Array, values_BSE: Array, words_BS: Array) -> dict[str, Any]:
        """All else that `read_next` reads; floats throughout. words_BS: bool, real positions."""
        return {
            "memory": (keys_BSK, values_BSE, words_BS.astype(values_BSE.dtype)),
            "score": self.scorer.constants(),
            "centre": self.centre.constants() if self.window in CENTRES else (),
            "coverage": self.cover.constants(values_BSE),
        }

    def start(self, keys_BSK: Array, hypotheses: int) -> Past:
        """Before the first position, of N hypotheses a sentence."""
        batch, sources, _ = keys_BSK.shape
        rows = batch * hypotheses
        asked = NORMALISERS[self.normaliser].start((rows,), sources)
        return Past(jnp.zeros(rows, jnp.float32), asked, self.cover.start(rows, sources))

    def read_next(
        self, times: Product, constants: dict[str, Any], query_XD: Array, past: Past
    ) -> tuple[Array, Array, Past]:
        """context_XE, weights_BNS and the next past: N hypotheses of a sentence ask its memory as N queries."""
        keys_BSK, values_BSE, words_BS = constants["memory"]
        batch, sources, _ = keys_BSK.shape
        query_BNK = self._query(times, query_XD, batch)
        added_BNSK = COVERAGES[self.coverage].added(times, past.covered, batch)
        compare = SCORES[self.score].compare
        if added_BNSK is None:
            scores_BNS = compare(constants["score"], query_BNK, keys_BSK)
        else:
            covered_BNSK = keys_BSK[:, None] + added_BNSK.astype(keys_BSK.dtype)
            scores_BNS = compare(constants["score"], query_BNK[:, :, None], covered_BNSK)[:, :, 0]
        places_BN = past.place_X.reshape(batch, -1)
        mask_BNS, factor_BNS = self._window(times, constants, query_XD, places_BN, words_BS > 0)
        asked = jax.tree.map(lambda leaf_XS: leaf_XS.reshape(batch, -1, sources), past.asked)
        weights_BNS, asked = NORMALISERS[self.normaliser].weigh_next(scores_BNS, mask_BNS, asked)
        weights_BNS = weights_BNS if factor_BNS is None else weights_BNS * factor_BNS
        context_XE = read(weights_BNS, values_BSE).reshape(len(query_XD), -1)
        asked = jax.tree.map(lambda leaf_BNS: leaf_BNS.reshape(-1, sources), asked)
        covered = COVERAGES[self.coverage].advance(times, constants["coverage"], past.covered, query_XD, weights_BNS)
        return context_XE, weights_BNS, Past(past.place_X + 1, asked, covered)

    def __call__(self, query_BTD: Array, keys_BSK: Array, values_BSE: Array, words_BS: Array) -> tuple[Array, Array]:
        """context_BTE and weights_BTS of all positions at once: for a reader that remembers nothing."""
        matrices, constants = self.matrices(), self.constants(keys_BSK, values_BSE, words_BS)
        batch, length, _ = query_BTD.shape

        def times(name: str, x: Array) -> Array:
            return x @ matrices[name]

        scores_BTS = self.scorer.compare(constants["score"], self._query(times, query_BTD, batch), keys_BSK)
        places_BT = jnp.broadcast_to(jnp.arange(length), (batch, length))
        mask_BTS, factor_BTS = self._window(times, constants, query_BTD, places_BT, words_BS)

        def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
            weights_BTS = NORMALISERS[self.normaliser].weigh(scores_BTS, mask_BTS)
            return weights_BTS if factor_BTS is None else weights_BTS * factor_BTS

        return attend(scores_BTS, values_BSE, mask_BTS, weigh)

    def _query(self, times: Product, query: Array, batch: int) -> Array:
        """query_BNK out of rows of N hypotheses, or out of N positions."""
        projected = times("query", query) if self.scorer.query_matrix() is not None else query
        return projected.reshape(batch, -1, projected.shape[-1])

    def _window(
        self, times: Product, constants: dict[str, Any], query: Array, places_BN: Array, words_BS: Array
    ) -> tuple[Array, Array | None]:
        """mask_BNS of what may be read, and what weights are multiplied by."""
        batch, sources = words_BS.shape
        asks = self.window in CENTRES and self.centre.query_matrix() is not None
        projected = times("centre", query) if asks else query
        query_BNK = projected.reshape(batch, -1, projected.shape[-1])
        known = self.scorer.known(sources)
        return window(self.window, constants["centre"], query_BNK, places_BN, words_BS, known, self.radius)

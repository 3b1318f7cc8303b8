"""Scores: how well does a query match each key? Linen modules in one table, `SCORES`.

To add one: a class with `compare` (and `keys`, `query_matrix`, `constants`, `projections` where it has weights) and a
line in `SCORES`.
"""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array


class Score(nn.Module):
    """score(q, k), split so that each part is computed where it is cheapest.

    What depends on the memory alone is `keys`, done once a sentence. What multiplies the query is `query_matrix`,
    which a recurrence may merge with its own matmuls. What is left is `compare`, a pure function without weights.
    query_width, memory_width: D and E. width: K, of the space where `concat` compares them. places: P, positions that
    `location` tells apart. heads: (H,) for weights of its own for each head, else ().
    """

    query_width: int
    memory_width: int
    width: int
    places: int
    heads: tuple[int, ...] = ()

    bilinear: ClassVar[bool] = True
    """score(q, k + a) = score(q, k) + score(q, a)."""
    reads_keys: ClassVar[bool] = True
    """What is said at a position has a part in its score."""
    own_matrices: ClassVar[bool] = False
    """It multiplies queries or keys by matrices that it learns."""

    def keys(self, memory_BSE: Array) -> Array:
        """What the query is compared with, keys_BSK."""
        return memory_BSE

    def query_matrix(self) -> Array | None:
        """The matrix_DK that the query is multiplied by; None: the query as it is."""
        return None

    def constants(self) -> Any:
        """Whatever else `compare` needs."""
        return ()

    def known(self, sources: int) -> int:
        """How many of a memory's first positions it can score: those that follow must not be read."""
        return sources

    @staticmethod
    def projections(query_width: int, memory_width: int, width: int, places: int) -> tuple[int, int]:
        """Multiply-adds of `query_matrix`, for a query, and of `keys`, for a position of the memory."""
        return 0, 0

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        """scores_BTS, float32, unmasked. Axes before the last two are batch axes, so heads are welcome."""
        raise NotImplementedError

    def __call__(self, query_BTD: Array, keys_BSK: Array) -> Array:
        matrix_DK = self.query_matrix()
        query_BTK = query_BTD if matrix_DK is None else query_BTD @ matrix_DK
        return self.compare(self.constants(), query_BTK, keys_BSK)

    def _matrix(self, name: str, rows: int, columns: int) -> Array:
        kernel = nn.initializers.variance_scaling(1.0, "fan_avg", "uniform", batch_axis=tuple(range(len(self.heads))))
        return self.param(name, kernel, (*self.heads, rows, columns))


class Dot(Score):
    """qᵀ k. Luong et al. 2015, section 3.1. Query and memory must have the same width."""

    def setup(self) -> None:
        if self.query_width != self.memory_width:
            raise ValueError(
                f"score 'dot' compares a query of width {self.query_width} with a memory of width {self.memory_width}; "
                "make them equal or use score 'general'"
            )

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        return jnp.einsum("...tk,...sk->...ts", query_BTK, keys_BSK, preferred_element_type=jnp.float32)


class ScaledDot(Dot):
    """qᵀ k / √K. Vaswani et al. 2017, equation 1."""

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        return Dot.compare(constants, query_BTK, keys_BSK) * query_BTK.shape[-1] ** -0.5


class LearnedScaleDot(Dot):
    """g qᵀ k, g learnt, from 1. The scaled attention of Luong et al. 2017 (their toolkit), with W = I."""

    def setup(self) -> None:
        super().setup()
        self.scale = self.param("scale", nn.initializers.ones, self.heads)

    def constants(self) -> Array:
        return self.scale

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        scores_BTS = Dot.compare((), query_BTK, keys_BSK)
        return jnp.einsum("...ts,...->...ts", scores_BTS, constants.astype(jnp.float32))


class General(Score):
    """qᵀ W k. Luong et al. 2015, section 3.1. W multiplies the memory, once, and the rest is a dot product."""

    own_matrices = True

    def setup(self) -> None:
        self.key_ED = self._matrix("key", self.memory_width, self.query_width)

    def keys(self, memory_BSE: Array) -> Array:
        return memory_BSE @ self.key_ED

    @staticmethod
    def projections(query_width: int, memory_width: int, width: int, places: int) -> tuple[int, int]:
        return 0, memory_width * query_width

    compare = staticmethod(Dot.compare)


class LearnedScaleGeneral(General):
    """g qᵀ W k, g learnt, from 1. The scaled attention of Luong et al. 2017 (their toolkit)."""

    def setup(self) -> None:
        super().setup()
        self.scale = self.param("scale", nn.initializers.ones, self.heads)

    def constants(self) -> Array:
        return self.scale

    compare = staticmethod(LearnedScaleDot.compare)


class Concat(Score):
    """vᵀ tanh(W q + U k). Bahdanau et al. 2015, A.1.2; Luong's vᵀ tanh(W [q; k]) is the same with W split in two."""

    bilinear = False
    own_matrices = True

    def setup(self) -> None:
        self.query_DK = self._matrix("query", self.query_width, self.width)
        self.key_EK = self._matrix("key", self.memory_width, self.width)
        self.scale_K = self.param("scale", nn.initializers.normal(self.width**-0.5), (*self.heads, self.width))

    def keys(self, memory_BSE: Array) -> Array:
        return memory_BSE @ self.key_EK

    def query_matrix(self) -> Array:
        return self.query_DK

    def constants(self) -> Array:
        return self.scale_K

    @staticmethod
    def projections(query_width: int, memory_width: int, width: int, places: int) -> tuple[int, int]:
        return query_width * width, memory_width * width

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        hidden_BTSK = jnp.tanh(query_BTK[..., :, None, :] + keys_BSK[..., None, :, :])
        return jnp.einsum("...tsk,...k->...ts", hidden_BTSK, constants, preferred_element_type=jnp.float32)


class Location(Score):
    """W q: the query alone says where to look. Luong et al. 2015, equation 8.

    W has a row for each of the first P positions; in a longer sentence those that follow are never read, as there.
    """

    bilinear = False
    reads_keys = False
    own_matrices = True

    def setup(self) -> None:
        self.query_DP = self._matrix("query", self.query_width, self.places)

    def known(self, sources: int) -> int:
        return min(sources, self.places)

    def query_matrix(self) -> Array:
        return self.query_DP

    @staticmethod
    def projections(query_width: int, memory_width: int, width: int, places: int) -> tuple[int, int]:
        return query_width * places, 0

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        sources, places = keys_BSK.shape[-2], query_BTK.shape[-1]
        scores_BTP = query_BTK[..., :sources].astype(jnp.float32)
        beyond = [(0, 0)] * (scores_BTP.ndim - 1) + [(0, max(0, sources - places))]
        return jnp.pad(scores_BTP, beyond)


SCORES: dict[str, type[Score]] = {
    "dot": Dot,
    "scaled_dot": ScaledDot,
    "learned_scale_dot": LearnedScaleDot,
    "general": General,
    "learned_scale_general": LearnedScaleGeneral,
    "concat": Concat,
    "location": Location,
}

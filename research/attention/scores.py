"""Scores: how well does a query match each key? Linen modules in one table, `SCORES`.

To add one: write a class with `compare` (and with `keys`, `query_matrix` and `constants` if it has weights) and add a
line to `SCORES`.
"""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array


class Score(nn.Module):
    """score(q, k), split into parts so that each is computed where it is cheapest.

    `keys` depends on the memory alone and is computed once a sentence. `query_matrix` multiplies the query, in a
    recurrence together with the recurrence's own products. `compare` is the rest, a pure function. Weights are float32
    and are cast to the dtype of what they multiply.

    Args:
        query_width: D.
        memory_width: E.
        width: K, the width of the space in which `concat` compares.
        learned_positions: P, the number of positions that `location` has weights for.
        heads: (H,) for separate weights for each head, else ().
    """

    query_width: int
    memory_width: int
    width: int
    learned_positions: int
    heads: tuple[int, ...] = ()

    bilinear: ClassVar[bool] = True
    """score(q, k + a) = score(q, k) + score(q, a), which relative positions need."""
    reads_keys: ClassVar[bool] = True
    """The score depends on the keys, and not on the query alone."""
    own_matrices: ClassVar[bool] = False
    """Queries or keys are multiplied by learned matrices; rotary positions and shared heads refuse such a score."""

    def keys(self, memory_BSE: Array) -> Array:
        """Return keys_BSK, the form of the memory that queries are compared with."""
        return memory_BSE

    def query_matrix(self) -> Array | None:
        """Return the matrix_DK that multiplies the query; None: the query stays as it is."""
        return None

    def constants(self) -> Any:
        """Return the learned weights that `compare` takes as its first argument."""
        return ()

    def known(self, sources: int) -> int:
        """Return how many of the first `sources` positions can be scored: later ones must not be read."""
        return sources

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        """Return scores_BTS, float32, unmasked. Axes before the last two are batch axes; heads may be one of them."""
        raise NotImplementedError

    def __call__(self, query_BTD: Array, keys_BSK: Array) -> Array:
        """Return scores_BTS, float32, unmasked, of queries and of keys from `keys`."""
        matrix_DK = self.query_matrix()
        query_BTK = query_BTD if matrix_DK is None else query_BTD @ matrix_DK.astype(query_BTD.dtype)
        return self.compare(self.constants(), query_BTK, keys_BSK)

    def _matrix(self, name: str, rows: int, columns: int) -> Array:
        kernel = nn.initializers.variance_scaling(1.0, "fan_avg", "uniform", batch_axis=tuple(range(len(self.heads))))
        return self.param(name, kernel, (*self.heads, rows, columns))


class Dot(Score):
    """qᵀ k. Query and memory must have the same width.

    Reference: Luong et al. 2015, section 3.1.
    """

    def setup(self) -> None:
        if self.query_width != self.memory_width:
            raise ValueError(
                f"this score compares a query of width {self.query_width} with a memory of width {self.memory_width}; "
                "make them equal or use score 'general'"
            )

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        return jnp.einsum("...tk,...sk->...ts", query_BTK, keys_BSK, preferred_element_type=jnp.float32)


class ScaledDot(Dot):
    """qᵀ k / √K.

    Reference: Vaswani et al. 2017, equation 1.
    """

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        return Dot.compare(constants, query_BTK, keys_BSK) * query_BTK.shape[-1] ** -0.5


class LearnedScaleDot(Dot):
    """g qᵀ k, with a learned scale g that starts at 1.

    Reference: the scaled attention of Luong et al. 2017 (their toolkit), with W = I.
    """

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
    """qᵀ W k. W multiplies the memory once a sentence, and the rest is a dot product.

    Reference: Luong et al. 2015, section 3.1.
    """

    own_matrices = True

    def setup(self) -> None:
        self.key_ED = self._matrix("key", self.memory_width, self.query_width)

    def keys(self, memory_BSE: Array) -> Array:
        return memory_BSE @ self.key_ED.astype(memory_BSE.dtype)

    compare = staticmethod(Dot.compare)


class LearnedScaleGeneral(General):
    """g qᵀ W k, with a learned scale g that starts at 1.

    Reference: the scaled attention of Luong et al. 2017 (their toolkit).
    """

    def setup(self) -> None:
        super().setup()
        self.scale = self.param("scale", nn.initializers.ones, self.heads)

    def constants(self) -> Array:
        return self.scale

    compare = staticmethod(LearnedScaleDot.compare)


class Concat(Score):
    """vᵀ tanh(W q + U k). Luong's vᵀ tanh(W [q; k]) is the same with W split in two.

    Reference: Bahdanau et al. 2015, A.1.2.
    """

    bilinear = False
    own_matrices = True

    def setup(self) -> None:
        self.query_DK = self._matrix("query", self.query_width, self.width)
        self.key_EK = self._matrix("key", self.memory_width, self.width)
        self.scale_K = self.param("scale", nn.initializers.normal(self.width**-0.5), (*self.heads, self.width))

    def keys(self, memory_BSE: Array) -> Array:
        return memory_BSE @ self.key_EK.astype(memory_BSE.dtype)

    def query_matrix(self) -> Array:
        return self.query_DK

    def constants(self) -> Array:
        return self.scale_K

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        hidden_BTSK = jnp.tanh(query_BTK[..., :, None, :] + keys_BSK[..., None, :, :])
        scale_K = constants.astype(hidden_BTSK.dtype)
        return jnp.einsum("...tsk,...k->...ts", hidden_BTSK, scale_K, preferred_element_type=jnp.float32)


class Location(Score):
    """W q: the score of a position depends on the query alone.

    W has a row for each of the first P positions. In a longer sentence later positions are never read, as in the paper.

    Reference: Luong et al. 2015, equation 8.
    """

    bilinear = False
    reads_keys = False
    own_matrices = True

    def setup(self) -> None:
        self.query_DP = self._matrix("query", self.query_width, self.learned_positions)

    def known(self, sources: int) -> int:
        return min(sources, self.learned_positions)

    def query_matrix(self) -> Array:
        return self.query_DP

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        sources, scored = keys_BSK.shape[-2], query_BTK.shape[-1]
        scores_BTP = query_BTK[..., :sources].astype(jnp.float32)
        beyond = [(0, 0)] * (scores_BTP.ndim - 1) + [(0, max(0, sources - scored))]
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

"""Scores: how well does a query match each key? Linen modules in one table, `SCORES`.

To add one: a class with `compare` (and `keys`, `query_matrix`, `constants`, `projections` where it has weights) and a
line in `SCORES`.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array


class Score(nn.Module):
    """score(q, k), split so that each part is computed where it is cheapest.

    What depends on the memory alone is `keys`, done once a sentence. What multiplies the query is `query_matrix`,
    which a recurrence may merge with its own matmuls. What is left is `compare`, a pure function without weights.
    query_width, memory_width: D and E. width: K, of the space where `concat` compares them.
    """

    query_width: int
    memory_width: int
    width: int

    def keys(self, memory_BSE: Array) -> Array:
        """What the query is compared with, keys_BSK."""
        return memory_BSE

    def query_matrix(self) -> Array | None:
        """The matrix_DK that the query is multiplied by; None: the query as it is."""
        return None

    def constants(self) -> Any:
        """Whatever else `compare` needs."""
        return ()

    @staticmethod
    def projections(query_width: int, memory_width: int, width: int) -> tuple[int, int]:
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


class General(Score):
    """qᵀ W k. Luong et al. 2015, section 3.1. W multiplies the memory, once, and the rest is a dot product."""

    def setup(self) -> None:
        self.key_ED = self.param("key", nn.initializers.glorot_uniform(), (self.memory_width, self.query_width))

    def keys(self, memory_BSE: Array) -> Array:
        return memory_BSE @ self.key_ED

    @staticmethod
    def projections(query_width: int, memory_width: int, width: int) -> tuple[int, int]:
        return 0, memory_width * query_width

    compare = staticmethod(Dot.compare)


class Concat(Score):
    """vᵀ tanh(W q + U k). Bahdanau et al. 2015, A.1.2; Luong's vᵀ tanh(W [q; k]) is the same with W split in two."""

    def setup(self) -> None:
        kernel = nn.initializers.glorot_uniform()
        self.query_DK = self.param("query", kernel, (self.query_width, self.width))
        self.key_EK = self.param("key", kernel, (self.memory_width, self.width))
        self.scale_K = self.param("scale", nn.initializers.normal(self.width**-0.5), (self.width,))

    def keys(self, memory_BSE: Array) -> Array:
        return memory_BSE @ self.key_EK

    def query_matrix(self) -> Array:
        return self.query_DK

    def constants(self) -> Array:
        return self.scale_K

    @staticmethod
    def projections(query_width: int, memory_width: int, width: int) -> tuple[int, int]:
        return query_width * width, memory_width * width

    @staticmethod
    def compare(constants: Any, query_BTK: Array, keys_BSK: Array) -> Array:
        hidden_BTSK = jnp.tanh(query_BTK[..., :, None, :] + keys_BSK[..., None, :, :])
        return jnp.einsum("...tsk,k->...ts", hidden_BTSK, constants, preferred_element_type=jnp.float32)


SCORES: dict[str, type[Score]] = {
    "dot": Dot,
    "scaled_dot": ScaledDot,
    "general": General,
    "concat": Concat,
}

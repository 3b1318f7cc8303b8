"""Positions: how attention knows the order of the words.

`VECTORS` are added to the embeddings. `RELATIONS` between the positions of a query and a key act inside self-attention.
A side of a translator has one of either, or "none".
"""

import math
from collections.abc import Callable
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


class Vectors(nn.Module):
    """No vectors: the base of position vectors.

    Args:
        width: D.
        learned_positions: P, the number of positions with a vector of their own.
    """

    width: int
    learned_positions: int

    def __call__(self, length: int) -> Array | None:
        """Return vectors_TD of positions 0 … length - 1, float32; None: nothing is added."""
        return None


class Sinusoidal(Vectors):
    """PE(t, 2i) = sin(t / 10000^(2i/D)), PE(t, 2i+1) = cos(t / 10000^(2i/D)).

    Reference: Vaswani et al. 2017, section 3.5.
    """

    def __call__(self, length: int) -> Array:
        return sinusoidal(length, self.width)


class Learned(Vectors):
    """A learned vector for each position. Positions from P on share the last one.

    Reference: Gehring et al. 2017.
    """

    def setup(self) -> None:
        self.vectors_PD = self.param("places", nn.initializers.normal(0.02), (self.learned_positions, self.width))

    def __call__(self, length: int) -> Array:
        return self.vectors_PD[np.minimum(np.arange(length), self.learned_positions - 1)]


def sinusoidal(length: int, width: int) -> Array:
    """Return vectors_TD of `Sinusoidal`, float32. An odd width has one sine more than cosines."""
    # In NumPy: the table is a constant of the program, computed once in double precision.
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(0, width, 2)[None, :] / width)
    table_TD = np.zeros((length, width), np.float32)
    table_TD[:, 0::2] = np.sin(angles)
    table_TD[:, 1::2] = np.cos(angles[:, : width // 2])
    return jnp.asarray(table_TD)


class Relation(nn.Module):
    """No relation: the base of relations between a query's position and a key's.

    Args:
        heads: H.
        head_width: K.
        reach: the distance beyond which `Relative` treats all distances alike, in positions.
    """

    heads: int
    head_width: int
    reach: int

    bias: ClassVar[Callable[..., Array] | None] = None
    """(query_positions_T, key_positions_S) -> bias_HTS, added to the scores; None: no bias."""

    def rotate(self, x_BHTK: Array, positions_T: Array) -> Array:
        """Return queries or keys in the form in which they are compared."""
        return x_BHTK

    def edges(self) -> tuple[Array, Array] | None:
        """Return the vectors of the R distances -reach … reach: edges_RK for keys and for values; None: no vectors."""
        return None


class Rotary(Relation):
    """Pairs (x_i, x_i+K/2) rotated by t / 10000^(2i/K), so that position enters qᵀk as a distance only.

    Reference: Su et al. 2021.
    """

    def setup(self) -> None:
        if self.head_width % 2:
            raise ValueError(
                f"positions 'rotary' rotates pairs of numbers, and a head has {self.head_width}: "
                "make model.head_width even"
            )

    def rotate(self, x_BHTK: Array, positions_T: Array) -> Array:
        rates_I = jnp.asarray(10_000.0 ** -(np.arange(0, self.head_width, 2) / self.head_width), jnp.float32)
        angles_11TI = (positions_T.astype(jnp.float32)[:, None] * rates_I[None])[None, None]
        cosine, sine = jnp.cos(angles_11TI).astype(x_BHTK.dtype), jnp.sin(angles_11TI).astype(x_BHTK.dtype)
        first, second = jnp.split(x_BHTK, 2, axis=-1)
        return jnp.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)


class Alibi(Relation):
    """-m_h |t - s| added to the scores, with a slope m_h for each head; symmetric, so that encoders can use it too.

    Reference: Press et al. 2022.
    """

    def bias(self, query_positions_T: Array, key_positions_S: Array) -> Array:
        """Return bias_HTS = -m_h |t - s|."""
        return alibi(jnp.asarray(alibi_slopes(self.heads)), query_positions_T, key_positions_S)


def alibi(slopes_H: Array, query_positions_T: Array, key_positions_S: Array) -> Array:
    """Return bias_HTS = -m_h |t - s|."""
    distance_TS = jnp.abs(query_positions_T[:, None] - key_positions_S[None, :]).astype(jnp.float32)
    return -slopes_H[:, None, None] * distance_TS[None]


def alibi_slopes(heads: int) -> np.ndarray:
    """Return the slopes m_h = 2^(-8h/H), h = 1 … H, if H is a power of two.

    Otherwise the slopes are those of the power of two below H, and then every second one of the power above.
    """
    below = 2 ** math.floor(math.log2(heads))

    def powers(count: int) -> np.ndarray:
        return 2.0 ** (-8.0 * np.arange(1, count + 1) / count)

    return np.concatenate([powers(below), powers(2 * below)[::2][: heads - below]]).astype(np.float32)


class Relative(Relation):
    """score(q_t, k_s + a_s-t), context Σ_s w_ts (v_s + b_s-t), distances cut at ±reach.

    The heads of a layer share the vectors a and b.

    Reference: Shaw et al. 2018, equations 3 to 5.
    """

    def setup(self) -> None:
        table, shape = nn.initializers.normal(self.head_width**-0.5), (2 * self.reach + 1, self.head_width)
        self.key_edges_RK = self.param("key", table, shape)
        self.value_edges_RK = self.param("value", table, shape)

    def edges(self) -> tuple[Array, Array]:
        return self.key_edges_RK, self.value_edges_RK


def edge_of(reach: int, query_positions_T: Array, key_positions_S: Array) -> Array:
    """Return edges_TS: for each query and key, the row of their distance, clipped to ±reach, in the table of edges."""
    return jnp.clip(key_positions_S[None, :] - query_positions_T[:, None], -reach, reach) + reach


VECTORS: dict[str, type[Vectors]] = {"sinusoidal": Sinusoidal, "learned": Learned}
RELATIONS: dict[str, type[Relation]] = {"relative": Relative, "rotary": Rotary, "alibi": Alibi}
POSITIONS = ("none", *VECTORS, *RELATIONS)

"""Positions: what tells attention the order of the words.

Vectors that are added to the embeddings are in `VECTORS`; relations between a query's place and a key's, which act
inside self-attention, in `RELATIONS`. A side of a translator has one of either, or "none".
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
    """No vectors. width: D. places: P, how many have vectors of their own."""

    width: int
    places: int

    def __call__(self, length: int) -> Array | None:
        """vectors_TD of places 0 … length - 1, float32; None: nothing is added."""
        return None


class Sinusoidal(Vectors):
    """PE(t, 2i) = sin(t / 10000^(2i/D)), PE(t, 2i+1) = cos(t / 10000^(2i/D)). Vaswani et al. 2017, section 3.5."""

    def __call__(self, length: int) -> Array:
        return sinusoidal(length, self.width)


class Learned(Vectors):
    """A vector for each place, learnt (Gehring et al. 2017). Places from P on share the last one."""

    def setup(self) -> None:
        self.places_PD = self.param("places", nn.initializers.normal(0.02), (self.places, self.width))

    def __call__(self, length: int) -> Array:
        return self.places_PD[np.minimum(np.arange(length), self.places - 1)]


def sinusoidal(length: int, width: int) -> Array:
    """positions_TD of `Sinusoidal`, float32. An odd width has one sine more than cosines."""
    # In NumPy: the table is a constant of the program, computed once in double precision.
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(0, width, 2)[None, :] / width)
    table_TD = np.zeros((length, width), np.float32)
    table_TD[:, 0::2] = np.sin(angles)
    table_TD[:, 1::2] = np.cos(angles[:, : width // 2])
    return jnp.asarray(table_TD)


class Relation(nn.Module):
    """No relation. heads, head_width: H, K. reach: the distance from which on all are alike to `Relative`."""

    heads: int
    head_width: int
    reach: int

    bias: ClassVar[Callable[..., Array] | None] = None
    """(query_places_T, key_places_S) -> bias_HTS that is added to the scores; None: nothing is."""

    def turned(self, x_BHTK: Array, places_T: Array) -> Array:
        """Queries or keys, as they are compared."""
        return x_BHTK

    def edges(self) -> tuple[Array, Array] | None:
        """Vectors of each distance -reach … reach, R of them, beside the keys and the values: edges_RK twice."""
        return None


class Rotary(Relation):
    """Pairs (x_i, x_i+K/2) turned by t / 10000^(2i/K), so that qᵀk depends on the distance alone. Su et al. 2021."""

    def setup(self) -> None:
        if self.head_width % 2:
            raise ValueError(f"positions 'rotary' turn pairs, and a head has {self.head_width} numbers: make it even")

    def turned(self, x_BHTK: Array, places_T: Array) -> Array:
        rates_I = jnp.asarray(10_000.0 ** -(np.arange(0, self.head_width, 2) / self.head_width), jnp.float32)
        angles_11TI = (places_T.astype(jnp.float32)[:, None] * rates_I[None])[None, None]
        cosine, sine = jnp.cos(angles_11TI).astype(x_BHTK.dtype), jnp.sin(angles_11TI).astype(x_BHTK.dtype)
        first, second = jnp.split(x_BHTK, 2, axis=-1)
        return jnp.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)


class Alibi(Relation):
    """-m_h |t - s| added to the scores, m_h a slope of each head. Press et al. 2022; symmetric, for encoders too."""

    def bias(self, query_places_T: Array, key_places_S: Array) -> Array:
        return alibi(jnp.asarray(alibi_slopes(self.heads)), query_places_T, key_places_S)


def alibi(slopes_H: Array, query_places_T: Array, key_places_S: Array) -> Array:
    """bias_HTS = -m_h |t - s|."""
    distance_TS = jnp.abs(query_places_T[:, None] - key_places_S[None, :]).astype(jnp.float32)
    return -slopes_H[:, None, None] * distance_TS[None]


def alibi_slopes(heads: int) -> np.ndarray:
    """2^(-8h/H) for h = 1 … H where H is a power of two; else that of the power below, filled up from the one above."""
    below = 2 ** math.floor(math.log2(heads))

    def powers(count: int) -> np.ndarray:
        return 2.0 ** (-8.0 * np.arange(1, count + 1) / count)

    return np.concatenate([powers(below), powers(2 * below)[::2][: heads - below]]).astype(np.float32)


class Relative(Relation):
    """score(q_t, k_s + a_s-t), context Σ_s w_ts (v_s + b_s-t), distances cut at ±reach. Shaw et al. 2018, eq. 3 to 5.

    The vectors are shared by the heads of a layer, as there.
    """

    def setup(self) -> None:
        table, shape = nn.initializers.normal(self.head_width**-0.5), (2 * self.reach + 1, self.head_width)
        self.key_edges_RK = self.param("key", table, shape)
        self.value_edges_RK = self.param("value", table, shape)

    def edges(self) -> tuple[Array, Array]:
        return self.key_edges_RK, self.value_edges_RK


def edge_of(reach: int, query_places_T: Array, key_places_S: Array) -> Array:
    """Which of the 2·reach + 1 edges leads from each query to each key: edges_TS."""
    return jnp.clip(key_places_S[None, :] - query_places_T[:, None], -reach, reach) + reach


VECTORS: dict[str, type[Vectors]] = {"sinusoidal": Sinusoidal, "learned": Learned}
RELATIONS: dict[str, type[Relation]] = {"relative": Relative, "rotary": Rotary, "alibi": Alibi}
POSITIONS = ("none", *VECTORS, *RELATIONS)

"""Heads: queries, keys and values in H parts of width K; the base of self- and cross-attention."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.attention.attend import read
from research.attention.dropout import Dropout
from research.attention.kernels import KERNELS
from research.attention.scores import SCORES
from research.attention.windows import Window

Array = jax.Array
KeysValues = tuple[Array, Array]


class MultiHeadAttention(nn.Module):
    """Concat(head_1 … head_H) W_O, head_i = attend(Q W_Qi, K W_Ki, V W_Vi).

    Sows weights_BHTS as "weights" in the collection "attention", and context_BHTK, what each head read, as "context" in
    the collection "heads".

    Args:
        width: D of queries, memory and result.
        heads: H.
        kv_heads: G, the number of heads of keys and values; each is read by H / G heads of queries (Ainslie et al.
            2023), and 1 is multi-query attention (Shazeer 2019).
        head_width: K; 0: D / H, and then H must divide D.
        head_spread: how different the heads are at the start, from 0 (all the same) to 1 (independent); see
            `spread_heads`.
        score: a name in `SCORES`.
        learned_positions: P of the score `location`.
        normaliser: a name in `NORMALISERS`.
        kernel: a name in `KERNELS`. Kernels other than "reference" never hold the weights; where the weights are asked
            for, the reference is computed instead.
        dropout: rate of dropout of the weights.
        deterministic: True for no dropout.
        dtype: of the computation. Parameters, scores and weights are float32.

    Reference: Vaswani et al. 2017, section 3.2.2.
    """

    width: int
    heads: int
    kv_heads: int
    head_width: int
    head_spread: float
    score: str
    learned_positions: int
    normaliser: str
    kernel: str
    dropout: float
    deterministic: bool
    dtype: Any

    def setup(self) -> None:
        check_heads(self.heads, self.width, self.kv_heads, self.head_width)
        if SCORES[self.score].own_matrices and (self.kv_heads != self.heads or self.head_spread != 1):
            raise ValueError(
                f"score {self.score!r} has separate matrices for each of {self.heads} heads, which can be neither "
                "shared nor initialised alike: set model.kv_heads to model.heads and model.head_spread to 1, or choose "
                "the score scaled_dot, dot or learned_scale_dot"
            )
        if self.kernel != "reference" and self.dropout and not self.deterministic:
            raise ValueError(
                f"model.kernel={self.kernel!r} has no dropout of attention weights: set model.attention_dropout=0 or "
                "model.kernel='reference'"
            )
        draw, size = nn.initializers.glorot_uniform(), self.head_size
        of_heads = spread_heads(draw, self.heads, self.head_spread, axis=1)
        of_groups = spread_heads(draw, self.kv_heads, self.head_spread, axis=1)
        self.query = nn.Dense(self.heads * size, kernel_init=of_heads, dtype=self.dtype)
        self.key = nn.Dense(self.kv_heads * size, kernel_init=of_groups, dtype=self.dtype)
        self.value = nn.Dense(self.kv_heads * size, kernel_init=of_groups, dtype=self.dtype)
        of_output = spread_heads(draw, self.heads, self.head_spread, axis=0)
        self.output = nn.Dense(self.width, kernel_init=of_output, dtype=self.dtype)
        self.scorer = SCORES[self.score](size, size, size, self.learned_positions, (self.heads,))
        self.drop = Dropout(self.dropout, self.deterministic)

    @property
    def head_size(self) -> int:
        """Return K, the width of a head."""
        return self.head_width or self.width // self.heads

    def keys_values(self, memory_BSD: Array) -> KeysValues:
        """Return keys_BGSK, ready to be scored, and values_BGSK. They depend on the memory alone."""
        values_BGSK = self._split(self.value(memory_BSD))
        if not self.scorer.reads_keys:
            return values_BGSK, values_BGSK  # the score uses only the number of keys
        return self.scorer.keys(self._split(self.key(memory_BSD))), values_BGSK

    def scores(self, query_BHTK: Array, keys_BGSK: Array) -> Array:
        """Return scores_BHTS, float32."""
        return self.scorer(query_BHTK, self.shared(keys_BGSK))

    def shared(self, x_BGSK: Array) -> Array:
        """Return keys or values with an axis H, each of the G heads repeated H / G times."""
        return x_BGSK if self.kv_heads == self.heads else jnp.repeat(x_BGSK, self.heads // self.kv_heads, axis=1)

    def read(self, weights_BHTS: Array, values_BGSK: Array) -> Array:
        """Return context_BHTK."""
        return read(weights_BHTS, self.shared(values_BGSK))

    @property
    def is_plain(self) -> bool:
        """True if it is what `KERNELS` compute: scaled dot products and a softmax over the keys."""
        return self.score == "scaled_dot" and self.normaliser == "softmax"

    @property
    def holds_weights(self) -> bool:
        """True if the weights are computed and held, as the reference does."""
        return self.kernel == "reference" or not self.is_plain or self.is_mutable_collection("attention")

    def by_kernel(
        self, query_BHTK: Array, keys_values: KeysValues, window: Window, bias: Callable[..., Array] | None
    ) -> Array:
        """Return the attention output read_BTD, computed by the kernel `KERNELS[self.kernel]`."""
        keys_BHSK, values_BHSK = map(self.shared, keys_values)
        return self._output(KERNELS[self.kernel](query_BHTK, keys_BHSK, values_BHSK, window, bias), None)

    def refuse_to_drop(self) -> None:
        """Raise ValueError if dropout is on: a step of decoding has none."""
        if self.dropout and not self.deterministic:
            raise ValueError("a step of decoding has no dropout: clone the model with deterministic=True")

    def _output(self, context_BHTK: Array, weights_BHTS: Array | None) -> Array:
        """Return read_BTD from the contexts of the heads, and sow weights and contexts."""
        if weights_BHTS is not None:
            self.sow("attention", "weights", weights_BHTS)
        self.sow("heads", "context", context_BHTK)
        batch, _, time, _ = context_BHTK.shape
        return self.output(context_BHTK.transpose(0, 2, 1, 3).reshape(batch, time, -1))

    def _split(self, states_BTX: Array) -> Array:
        batch, time, _ = states_BTX.shape
        return states_BTX.reshape(batch, time, -1, self.head_size).transpose(0, 2, 1, 3)


def spread_heads(initialise: Callable[..., Any], heads: int, spread: float, axis: int) -> Callable[..., Any]:
    """Return an initialiser whose heads start more or less alike: W_0, and √(1 - ε²) W_0 + ε W_i for the other heads.

    Every head has the variance of `initialise`, whatever ε is.

    Args:
        initialise: draws weights of all heads together.
        heads: H.
        spread: ε, from 0 (all heads the same) to 1 (independent).
        axis: the axis along which the heads lie side by side.
    """
    if not 0 <= spread <= 1:
        raise ValueError(f"model.head_spread={spread} must be from 0 (all heads the same) to 1 (independent)")

    def spread_out(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
        drawn = initialise(key, shape, dtype)
        if spread == 1:
            return drawn
        first, *others = jnp.split(drawn, heads, axis=axis)
        return jnp.concatenate([first, *((1 - spread**2) ** 0.5 * first + spread * own for own in others)], axis=axis)

    return spread_out


def check_heads(heads: int, width: int, kv_heads: int, head_width: int) -> None:
    """Raise ValueError, with the nearest numbers that work, unless `heads` divides `width` and `kv_heads` `heads`."""
    if heads < 1 or (width % heads and not head_width):
        raise ValueError(
            f"model.heads={heads} does not divide model.width={width}; try one of {_divisors(width, heads)}"
        )
    if kv_heads < 1 or heads % kv_heads:
        raise ValueError(
            f"model.kv_heads={kv_heads} does not divide model.heads={heads}; try one of {_divisors(heads, kv_heads)}"
        )


def _divisors(number: int, near: int) -> str:
    fits = sorted((d for d in range(1, number + 1) if number % d == 0), key=lambda d: (abs(d - near), d))[:3]
    return ", ".join(map(str, sorted(fits)))

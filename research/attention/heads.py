"""Heads: queries, keys and values in H parts of K, read side by side; what self- and cross-attention share."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.attention.attend import read
from research.attention.dropout import Dropout
from research.attention.forms import FORMS
from research.attention.scores import SCORES
from research.attention.windows import Window

Array = jax.Array
KeysValues = tuple[Array, Array]


class MultiHeadAttention(nn.Module):
    """Concat(head_1 … head_H) W_O, head_i = attend(Q W_Qi, K W_Ki, V W_Vi). Vaswani et al. 2017, section 3.2.2.

    width: D of queries, memory and result. heads: H. head_width: K; 0: D / H, which H must divide. kv_heads: G heads of
    keys and values, each asked by H / G heads of queries (Ainslie et al. 2023); 1 is multi-query (Shazeer 2019).
    head_spread: how far apart heads begin: 1 independent, 0 all alike; see `apart`. score, normaliser: names in
    `SCORES`, `NORMALISERS`. places: P of the score `location`. form: a name in `FORMS`; those that are not "reference"
    never hold the weights, and step aside where the weights are asked for. dropout: of the weights.

    Sows weights_BHTS as "weights" in the collection "attention", and context_BHTK, what each head read, as "context" in
    the collection "heads".
    """

    width: int
    heads: int
    kv_heads: int
    head_width: int
    head_spread: float
    score: str
    places: int
    normaliser: str
    form: str
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        check_heads(self.heads, self.width, self.kv_heads, self.head_width)
        if SCORES[self.score].own_matrices and (self.kv_heads != self.heads or self.head_spread != 1):
            raise ValueError(
                f"score {self.score!r} has matrices of its own for each of {self.heads} heads, which are not shared, "
                "nor do they begin alike: set kv_heads to heads and head_spread to 1, or choose scaled_dot, dot or "
                "learned_scale_dot"
            )
        if self.form != "reference" and self.dropout and not self.deterministic:
            raise ValueError(
                f"model.form={self.form!r} drops no weights: set model.attention_dropout=0 or form='reference'"
            )
        kernel, size = nn.initializers.glorot_uniform(), self.head_size
        of_heads = apart(kernel, self.heads, self.head_spread, axis=1)
        of_groups = apart(kernel, self.kv_heads, self.head_spread, axis=1)
        self.query = nn.Dense(self.heads * size, kernel_init=of_heads)
        self.key = nn.Dense(self.kv_heads * size, kernel_init=of_groups)
        self.value = nn.Dense(self.kv_heads * size, kernel_init=of_groups)
        self.output = nn.Dense(self.width, kernel_init=apart(kernel, self.heads, self.head_spread, axis=0))
        self.scorer = SCORES[self.score](size, size, size, self.places, (self.heads,))
        self.drop = Dropout(self.dropout, self.deterministic)

    @property
    def head_size(self) -> int:
        """K."""
        return self.head_width or self.width // self.heads

    def keys_values(self, memory_BSD: Array) -> KeysValues:
        """What depends on the memory alone: keys_BGSK, as they are scored, and values_BGSK."""
        values_BGSK = self._split(self.value(memory_BSD))
        if not self.scorer.reads_keys:
            return values_BGSK, values_BGSK  # a score that counts positions alone counts these as well
        return self.scorer.keys(self._split(self.key(memory_BSD))), values_BGSK

    def scores(self, query_BHTK: Array, keys_BGSK: Array) -> Array:
        """scores_BHTS, float32."""
        return self.scorer(query_BHTK, self.shared(keys_BGSK))

    def shared(self, x_BGSK: Array) -> Array:
        """Keys or values with an axis H: each of the G heads as often as it is asked."""
        return x_BGSK if self.kv_heads == self.heads else jnp.repeat(x_BGSK, self.heads // self.kv_heads, axis=1)

    def read(self, weights_BHTS: Array, values_BGSK: Array) -> Array:
        """context_BHTK."""
        return read(weights_BHTS, self.shared(values_BGSK))

    @property
    def is_plain(self) -> bool:
        """Whether it is what `FORMS` compute: scaled dot products and a softmax over the keys."""
        return self.score == "scaled_dot" and self.normaliser == "softmax"

    @property
    def holds_weights(self) -> bool:
        """Whether it is computed by its weights, as the reference is."""
        return self.form == "reference" or not self.is_plain or self.is_mutable_collection("attention")

    def formed(
        self, query_BHTK: Array, keys_values: KeysValues, window: Window, bias: Callable[..., Array] | None
    ) -> Array:
        """read_BTD, by its form."""
        keys_BHSK, values_BHSK = map(self.shared, keys_values)
        return self._output(FORMS[self.form](query_BHTK, keys_BHSK, values_BHSK, window, bias), None)

    def refuse_to_drop(self) -> None:
        """ValueError where weights are dropped and a step of decoding is asked for."""
        if self.dropout and not self.deterministic:
            raise ValueError("a step of decoding drops no weights: clone the model with deterministic=True")

    def _output(self, context_BHTK: Array, weights_BHTS: Array | None) -> Array:
        """read_BTD, with what was read sown."""
        if weights_BHTS is not None:
            self.sow("attention", "weights", weights_BHTS)
        self.sow("heads", "context", context_BHTK)
        batch, _, time, _ = context_BHTK.shape
        return self.output(context_BHTK.transpose(0, 2, 1, 3).reshape(batch, time, -1))

    def _split(self, states_BTX: Array) -> Array:
        batch, time, _ = states_BTX.shape
        return states_BTX.reshape(batch, time, -1, self.head_size).transpose(0, 2, 1, 3)


def apart(initialise: Callable[..., Any], heads: int, spread: float, axis: int) -> Callable[..., Any]:
    """Weights W_i of heads i side by side along `axis`: W_0 as drawn, and √(1 - ε²) W_0 + ε W_i for the others.

    ε = spread: at 1 all are independent, at 0 the same, and all have the variance that is drawn at any.
    """
    if not 0 <= spread <= 1:
        raise ValueError(f"model.head_spread={spread} must be from 0, all heads alike, to 1, independent")

    def spread_out(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
        drawn = initialise(key, shape, dtype)
        if spread == 1:
            return drawn
        first, *others = jnp.split(drawn, heads, axis=axis)
        return jnp.concatenate([first, *((1 - spread**2) ** 0.5 * first + spread * own for own in others)], axis=axis)

    return spread_out


def check_heads(heads: int, width: int, kv_heads: int, head_width: int) -> None:
    """Raises ValueError, with the nearest numbers that work, unless `heads` divides `width` and `kv_heads` `heads`."""
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

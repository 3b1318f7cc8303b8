"""The parts of the Transformer's encoder and decoder, pre- or post-norm. Reference: Vaswani et al. 2017."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import flax.struct
import jax

from research.attention.cross_attention import CrossAttention
from research.attention.dropout import Dropout
from research.attention.heads import KeysValues
from research.attention.positions import VECTORS, Vectors
from research.attention.self_attention import SelfAttention
from research.attention.windows import Window

Array = jax.Array
NORMS = ("pre", "post")


class InputEmbedding(nn.Module):
    """Word embeddings times √D, plus position vectors if there are any.

    Args:
        width: D.
        positions: a name in `POSITIONS`; those in `VECTORS` are added here.
        learned_positions: the number of positions with a learned vector.
        dropout: rate of dropout.
        deterministic: True for no dropout.

    Reference: Vaswani et al. 2017, section 3.4.
    """

    width: int
    positions: str
    learned_positions: int
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        self.vectors = VECTORS.get(self.positions, Vectors)(self.width, self.learned_positions)
        self.drop = Dropout(self.dropout, self.deterministic)

    def __call__(self, words_BTD: Array) -> Array:
        """Return the embeddings of all positions at once."""
        return self._embed(words_BTD, self.vectors(words_BTD.shape[1]))

    def step(self, words_BND: Array, position: Array, max_length: int) -> Array:
        """Return the embeddings of N words at one position, which must be below `max_length`."""
        vectors_TD = self.vectors(max_length)
        vector_1D = None if vectors_TD is None else jax.lax.dynamic_slice_in_dim(vectors_TD, position, 1)
        return self._embed(words_BND, vector_1D)

    def _embed(self, words_BTD: Array, vectors_TD: Array | None) -> Array:
        if words_BTD.shape[-1] != self.width:
            raise ValueError(
                f"a Transformer of width {self.width} cannot use embeddings of width {words_BTD.shape[-1]}: "
                "set model.embedding to model.width"
            )
        x_BTD = words_BTD * self.width**0.5
        return self.drop(x_BTD if vectors_TD is None else x_BTD + vectors_TD.astype(x_BTD.dtype)[None])


class Sublayer(nn.Module):
    """A residual connection: x + drop(f(norm(x))) with "pre", norm(x + drop(f(x))) with "post", as published.

    Args:
        norm: "pre" (Xiong et al. 2020) or "post".
        dropout: rate of dropout of f.
        deterministic: True for no dropout.
        dtype: of the computation. Statistics are float32.
    """

    norm: str
    dropout: float
    deterministic: bool
    dtype: Any

    def setup(self) -> None:
        self.layer_norm = nn.LayerNorm(epsilon=1e-5, dtype=self.dtype)
        self.drop = Dropout(self.dropout, self.deterministic)

    def __call__(self, x_BTD: Array, f: Callable[[Array], Array]) -> Array:
        if self.norm == "pre":
            return x_BTD + self.drop(f(self.layer_norm(x_BTD)))
        return self.layer_norm(x_BTD + self.drop(f(x_BTD)))


class FeedForward(nn.Module):
    """max(0, x W_1 + b_1) W_2 + b_2.

    Args:
        width: D.
        ffn: the width of the hidden layer.
        dropout: rate of dropout of the hidden layer.
        deterministic: True for no dropout.
        dtype: of the computation.

    Reference: Vaswani et al. 2017, equation 2.
    """

    width: int
    ffn: int
    dropout: float
    deterministic: bool
    dtype: Any

    @nn.compact
    def __call__(self, x_BTD: Array) -> Array:
        dense = partial(nn.Dense, kernel_init=nn.initializers.glorot_uniform(), dtype=self.dtype)
        hidden_BTF = nn.relu(dense(self.ffn, name="inner")(x_BTD))
        hidden_BTF = Dropout(self.dropout, self.deterministic)(hidden_BTF)
        return dense(self.width, name="outer")(hidden_BTF)


class EncoderLayer(nn.Module):
    """Self-attention over the source, then the feed-forward layer. The fields are patterns without weights."""

    attention: SelfAttention
    feed_forward: FeedForward
    sublayer: Sublayer

    def setup(self) -> None:
        self.self_sublayer, self.feed_forward_sublayer = self.sublayer.clone(), self.sublayer.clone()
        self.self_attention, self.position_wise = self.attention.clone(), self.feed_forward.clone()

    def __call__(self, x_BSD: Array, window: Window) -> Array:
        x_BSD = self.self_sublayer(x_BSD, lambda x: self.self_attention(x, window))
        return self.feed_forward_sublayer(x_BSD, self.position_wise)


@flax.struct.dataclass
class LayerCache:
    """The state of a decoder layer between two positions.

    Args:
        keys_values: keys_BGKS and values_BGSK of the self-attention.
        normaliser: the state of the cross-attention's normaliser.
    """

    keys_values: KeysValues
    normaliser: Any


class DecoderLayer(nn.Module):
    """Causal self-attention, attention over the memory, then the feed-forward layer. The fields are patterns."""

    attention: SelfAttention
    cross_attention: CrossAttention
    feed_forward: FeedForward
    sublayer: Sublayer

    def setup(self) -> None:
        self.self_sublayer, self.cross_sublayer = self.sublayer.clone(), self.sublayer.clone()
        self.feed_forward_sublayer = self.sublayer.clone()
        self.self_attention, self.cross = self.attention.clone(), self.cross_attention.clone()
        self.position_wise = self.feed_forward.clone()

    def __call__(self, x_BTD: Array, memory: KeysValues, words_BS: Array, window: Window) -> Array:
        x_BTD = self.self_sublayer(x_BTD, lambda x: self.self_attention(x, window))
        x_BTD = self.cross_sublayer(x_BTD, lambda x: self.cross(x, memory, words_BS))
        return self.feed_forward_sublayer(x_BTD, self.position_wise)

    def start(self, memory: KeysValues, hypotheses: int, max_length: int) -> LayerCache:
        """Return the cache before the first step."""
        reserved = self.self_attention.reserve(memory[0].shape[0], max_length * hypotheses, memory[0].dtype)
        return LayerCache(reserved, self.cross.start(memory, hypotheses))

    def step(
        self, x_BND: Array, memory: KeysValues, words_BS: Array, cache: LayerCache, own_BNS: Array, position: Array
    ) -> tuple[Array, LayerCache]:
        """Compute one position of N hypotheses, which read the memory and their own history as N queries.

        Args:
            x_BND: the states of the N hypotheses of a sentence.
            memory: keys and values of the cross-attention.
            words_BS: True at the real positions of the memory.
            cache: the cache before this position.
            own_BNS: the cache entries that each hypothesis may read.
            position: the position, from 0.

        Returns:
            The states after the layer, and the next cache.
        """
        keys_values, normaliser = cache.keys_values, cache.normaliser

        def read_own(x_BND: Array) -> Array:
            nonlocal keys_values
            read_BND, keys_values = self.self_attention.step(x_BND, cache.keys_values, own_BNS, position)
            return read_BND

        def read_memory(x_BND: Array) -> Array:
            nonlocal normaliser
            read_BND, normaliser = self.cross.step(x_BND, memory, words_BS, position, cache.normaliser)
            return read_BND

        x_BND = self.self_sublayer(x_BND, read_own)
        x_BND = self.cross_sublayer(x_BND, read_memory)
        return self.feed_forward_sublayer(x_BND, self.position_wise), LayerCache(keys_values, normaliser)

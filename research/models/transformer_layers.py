"""What the Transformer's two sides are made of; Vaswani et al. 2017, pre- or post-norm."""

from collections.abc import Callable
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


class Entrance(nn.Module):
    """Embeddings times √D (Vaswani et al. 2017, section 3.4), and vectors of their places where there are some."""

    width: int
    positions: str
    places: int
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        self.vectors = VECTORS.get(self.positions, Vectors)(self.width, self.places)
        self.drop = Dropout(self.dropout, self.deterministic)

    def __call__(self, words_BTD: Array) -> Array:
        """Of all places at once."""
        return self._enter(words_BTD, self.vectors(words_BTD.shape[1]))

    def step(self, words_BND: Array, place: Array, max_length: int) -> Array:
        """Of N words at one place, which is below max_length."""
        vectors_TD = self.vectors(max_length)
        return self._enter(
            words_BND, None if vectors_TD is None else jax.lax.dynamic_slice_in_dim(vectors_TD, place, 1)
        )

    def _enter(self, words_BTD: Array, vectors_TD: Array | None) -> Array:
        if words_BTD.shape[-1] != self.width:
            raise ValueError(
                f"a Transformer of width {self.width} cannot enter embeddings of width {words_BTD.shape[-1]}: "
                "set model.embedding to model.width"
            )
        x_BTD = words_BTD * self.width**0.5
        return self.drop(x_BTD if vectors_TD is None else x_BTD + vectors_TD.astype(x_BTD.dtype)[None])


class Sublayer(nn.Module):
    """x + drop(f(norm(x))) before ("pre", Xiong et al. 2020), or norm(x + drop(f(x))) after ("post", as published)."""

    norm: str
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        self.layer_norm = nn.LayerNorm(epsilon=1e-5)
        self.drop = Dropout(self.dropout, self.deterministic)

    def __call__(self, x_BTD: Array, f: Callable[[Array], Array]) -> Array:
        if self.norm == "pre":
            return x_BTD + self.drop(f(self.layer_norm(x_BTD)))
        return self.layer_norm(x_BTD + self.drop(f(x_BTD)))


class FeedForward(nn.Module):
    """max(0, x W_1 + b_1) W_2 + b_2. Vaswani et al. 2017, equation 2."""

    width: int
    ffn: int
    dropout: float
    deterministic: bool

    @nn.compact
    def __call__(self, x_BTD: Array) -> Array:
        kernel = nn.initializers.glorot_uniform()
        hidden_BTF = nn.relu(nn.Dense(self.ffn, kernel_init=kernel, name="inner")(x_BTD))
        hidden_BTF = Dropout(self.dropout, self.deterministic)(hidden_BTF)
        return nn.Dense(self.width, kernel_init=kernel, name="outer")(hidden_BTF)


class EncoderLayer(nn.Module):
    """Self-attention over the source, then the feed-forward layer. Its fields are patterns, without weights."""

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
    """own: of self-attention, keys_BGKS and values_BGSK. asked: what the cross-attention's normaliser remembers."""

    own: KeysValues
    asked: Any


class DecoderLayer(nn.Module):
    """Causal self-attention, attention over the memory, then the feed-forward layer. Its fields are patterns."""

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
        """The cache before the first step."""
        reserved = self.self_attention.reserve(len(memory[0]), max_length * hypotheses, memory[0].dtype)
        return LayerCache(reserved, self.cross.start(memory, hypotheses))

    def step(
        self, x_BND: Array, memory: KeysValues, words_BS: Array, cache: LayerCache, own_BNS: Array, place: Array
    ) -> tuple[Array, LayerCache]:
        """One position of N hypotheses, which ask the memory, and their own past, as N queries of one sentence."""
        own, asked = cache.own, cache.asked

        def read_own(x_BND: Array) -> Array:
            nonlocal own
            read_BND, own = self.self_attention.step(x_BND, cache.own, own_BNS, place)
            return read_BND

        def read_memory(x_BND: Array) -> Array:
            nonlocal asked
            read_BND, asked = self.cross.step(x_BND, memory, words_BS, place, cache.asked)
            return read_BND

        x_BND = self.self_sublayer(x_BND, read_own)
        x_BND = self.cross_sublayer(x_BND, read_memory)
        return self.feed_forward_sublayer(x_BND, self.position_wise), LayerCache(own, asked)

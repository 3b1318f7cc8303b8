"""The Transformer of Vaswani et al. 2017, pre- or post-norm."""

from collections.abc import Callable

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.dropout import Dropout
from research.attention.heads import MultiHeadAttention
from research.attention.positions import sinusoidal
from research.attention.windows import causal, padding, so_far
from research.models.translator import PAD, Translator

Array = jax.Array
KeysValues = tuple[Array, Array]
NORMS = ("pre", "post")


@flax.struct.dataclass
class TransformerMemory:
    """mask_BS: what may be read; layers: keys_BHSK and values_BHSK of each decoder layer's cross-attention."""

    mask_BS: Array
    layers: tuple[KeysValues, ...]


@flax.struct.dataclass
class TransformerCache:
    """position_B: how many tokens were read (one number, repeated); layers: keys_BHTK and values_BHTK so far."""

    position_B: Array
    layers: tuple[KeysValues, ...]


class Sublayer(nn.Module):
    """x + drop(f(norm(x))) before ("pre", Xiong et al. 2020), or norm(x + drop(f(x))) after ("post", as published)."""

    norm: str
    dropout: float
    deterministic: bool

    def setup(self) -> None:
        if self.norm not in NORMS:
            raise ValueError(f"model.norm={self.norm!r} is unknown; choose one of {', '.join(NORMS)}")
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
    """Self-attention over the source, then the feed-forward layer."""

    attention: MultiHeadAttention
    feed_forward: FeedForward
    sublayer: Sublayer

    def setup(self) -> None:
        self.self_sublayer, self.feed_forward_sublayer = self.sublayer.clone(), self.sublayer.clone()
        self.self_attention, self.position_wise = self.attention.clone(), self.feed_forward.clone()

    def __call__(self, x_BSD: Array, mask_BSS: Array) -> Array:
        read = self.self_attention
        x_BSD = self.self_sublayer(x_BSD, lambda x: read(x, read.keys_values(x), mask_BSS))
        return self.feed_forward_sublayer(x_BSD, self.position_wise)


class DecoderLayer(nn.Module):
    """Causal self-attention, attention over the memory, then the feed-forward layer."""

    attention: MultiHeadAttention
    feed_forward: FeedForward
    sublayer: Sublayer

    def setup(self) -> None:
        self.self_sublayer, self.cross_sublayer = self.sublayer.clone(), self.sublayer.clone()
        self.feed_forward_sublayer = self.sublayer.clone()
        self.self_attention, self.cross = self.attention.clone(), self.attention.clone()
        self.position_wise = self.feed_forward.clone()

    def __call__(self, x_BTD: Array, memory: KeysValues, mask_BTS: Array) -> Array:
        read, mask_BTT = self.self_attention, causal(x_BTD.shape[1])
        x_BTD = self.self_sublayer(x_BTD, lambda x: read(x, read.keys_values(x), mask_BTT))
        return self._read_memory(x_BTD, memory, mask_BTS)

    def step(
        self, x_B1D: Array, memory: KeysValues, mask_BTS: Array, cache: KeysValues, position: Array
    ) -> tuple[Array, KeysValues]:
        """One position. x holds N hypotheses a sentence, which ask the memory as N queries of that sentence."""
        read = self.self_attention
        next_cache = cache

        def read_so_far(x_B1D: Array) -> Array:
            nonlocal next_cache
            new = read.keys_values(x_B1D)
            next_cache = (
                jax.lax.dynamic_update_slice_in_dim(cache[0], new[0], position, axis=2),
                jax.lax.dynamic_update_slice_in_dim(cache[1], new[1], position, axis=2),
            )
            return read(x_B1D, next_cache, so_far(position, cache[0].shape[2]))

        x_B1D = self.self_sublayer(x_B1D, read_so_far)
        x_BND = x_B1D.reshape(memory[0].shape[0], -1, x_B1D.shape[-1])
        return self._read_memory(x_BND, memory, mask_BTS).reshape(x_B1D.shape), next_cache

    def _read_memory(self, x_BTD: Array, memory: KeysValues, mask_BTS: Array) -> Array:
        x_BTD = self.cross_sublayer(x_BTD, lambda x: self.cross(x, memory, mask_BTS))
        return self.feed_forward_sublayer(x_BTD, self.position_wise)


class Transformer(Translator):
    """Vaswani et al. 2017. Embeddings are multiplied by √D (section 3.4) and sinusoids are added.

    width: D. ffn: width of the inner feed-forward layer. heads: H. norm: "pre" or "post"; "pre" norms the last states
    too.
    dropout: of embeddings and of what each sublayer adds; attention_dropout: of weights; activation_dropout: inside
    ffn.
    """

    width: int
    ffn: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    norm: str
    dropout: float
    attention_dropout: float
    activation_dropout: float
    deterministic: bool = True

    def setup(self) -> None:
        # Patterns: each layer clones them, for one module used in two places has one set of weights.
        parts = {
            "attention": MultiHeadAttention(
                self.heads, self.width, self.attention_dropout, self.deterministic, parent=None
            ),
            "feed_forward": FeedForward(self.width, self.ffn, self.activation_dropout, self.deterministic, parent=None),
            "sublayer": Sublayer(self.norm, self.dropout, self.deterministic, parent=None),
        }
        self.encoder = [EncoderLayer(**parts) for _ in range(self.encoder_layers)]
        self.decoder = [DecoderLayer(**parts) for _ in range(self.decoder_layers)]
        if self.norm == "pre":
            self.encoder_norm, self.decoder_norm = nn.LayerNorm(epsilon=1e-5), nn.LayerNorm(epsilon=1e-5)
        self.drop = Dropout(self.dropout, self.deterministic)

    def encode(self, source_BS: Array) -> TransformerMemory:
        mask_BS = source_BS != PAD
        x_BSD = self._embed(self.embeddings.source(source_BS))
        for layer in self.encoder:
            x_BSD = layer(x_BSD, padding(mask_BS))
        if self.norm == "pre":
            x_BSD = self.encoder_norm(x_BSD)
        return TransformerMemory(mask_BS, tuple(layer.cross.keys_values(x_BSD) for layer in self.decoder))

    def states(self, memory: TransformerMemory, target_in_BT: Array) -> Array:
        x_BTD = self._embed(self.embeddings.target(target_in_BT))
        for layer, keys_values in zip(self.decoder, memory.layers, strict=True):
            x_BTD = layer(x_BTD, keys_values, padding(memory.mask_BS))
        return self.decoder_norm(x_BTD) if self.norm == "pre" else x_BTD

    def start(self, memory: TransformerMemory, hypotheses: int, max_length: int) -> TransformerCache:
        def empty(keys_BHSK: Array) -> Array:
            batch, heads, _, width = keys_BHSK.shape
            return jnp.zeros((batch * hypotheses, heads, max_length, width), keys_BHSK.dtype)

        position_B = jnp.zeros((memory.mask_BS.shape[0] * hypotheses,), jnp.int32)
        return TransformerCache(position_B, jax.tree.map(empty, memory.layers))

    def step_states(
        self, memory: TransformerMemory, token_B: Array, cache: TransformerCache
    ) -> tuple[Array, TransformerCache]:
        position = cache.position_B[0]
        x_B1D = self._embed(self.embeddings.target(token_B[:, None]), position, cache.layers[0][0].shape[2])
        layers = []
        for layer, keys_values, layer_cache in zip(self.decoder, memory.layers, cache.layers, strict=True):
            x_B1D, layer_cache = layer.step(x_B1D, keys_values, padding(memory.mask_BS), layer_cache, position)
            layers.append(layer_cache)
        x_B1D = self.decoder_norm(x_B1D) if self.norm == "pre" else x_B1D
        return x_B1D[:, 0], TransformerCache(cache.position_B + 1, tuple(layers))

    def _embed(self, vectors_BTD: Array, position: Array | None = None, max_length: int = 0) -> Array:
        if position is None:
            positions_TD = sinusoidal(vectors_BTD.shape[1], self.width)
        else:
            positions_TD = jax.lax.dynamic_slice_in_dim(sinusoidal(max_length, self.width), position, 1)
        return self.drop(vectors_BTD * self.width**0.5 + positions_TD.astype(vectors_BTD.dtype)[None])

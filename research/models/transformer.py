"""The Transformer of Vaswani et al. 2017, pre- or post-norm."""

from collections.abc import Callable

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.dropout import Dropout
from research.attention.heads import KeysValues, MultiHeadAttention
from research.attention.positions import sinusoidal
from research.attention.windows import causal, lineage, padding
from research.models.translator import PAD, Translator

Array = jax.Array
NORMS = ("pre", "post")


@flax.struct.dataclass
class TransformerMemory:
    """mask_BS: what may be read; layers: keys_BHSK and values_BHSK of each decoder layer's cross-attention."""

    mask_BS: Array
    layers: tuple[KeysValues, ...]


@flax.struct.dataclass
class TransformerCache:
    """What each position of each hypothesis may be asked for; it stays where it was written.

    position: how many tokens were read. ancestors_BNT: whose entry at each time a hypothesis goes on from, -1 at times
    to come; it alone changes when a beam is reordered. layers: keys_BHKS and values_BHSK, S = times x N hypotheses.
    """

    position: Array
    ancestors_BNT: Array
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
        self, x_BND: Array, memory: KeysValues, mask_BNS: Array, cache: KeysValues, own_BNS: Array, position: Array
    ) -> tuple[Array, KeysValues]:
        """One position of N hypotheses, which ask the memory, and their own past, as N queries of one sentence."""
        next_cache = cache

        def read_own(x_BND: Array) -> Array:
            nonlocal next_cache
            read_BND, next_cache = self.self_attention.step(x_BND, cache, own_BNS, position * x_BND.shape[1])
            return read_BND

        x_BND = self.self_sublayer(x_BND, read_own)
        return self._read_memory(x_BND, memory, mask_BNS), next_cache

    def _read_memory(self, x_BTD: Array, memory: KeysValues, mask_BTS: Array) -> Array:
        x_BTD = self.cross_sublayer(x_BTD, lambda x: self.cross(x, memory, mask_BTS))
        return self.feed_forward_sublayer(x_BTD, self.position_wise)


class Transformer(Translator):
    """Vaswani et al. 2017. Embeddings are multiplied by √D (section 3.4) and sinusoids are added.

    width: D. ffn: width of the inner feed-forward layer. heads: H.
    norm: "pre" or "post" each sublayer; "pre" norms the last states as well.
    dropout: of embeddings and of what each sublayer adds. attention_dropout: of weights.
    activation_dropout: inside the feed-forward layer.
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
        dtype, batch = memory.layers[0][0].dtype, len(memory.mask_BS)
        layers = tuple(layer.self_attention.reserve(batch, max_length * hypotheses, dtype) for layer in self.decoder)
        ancestors_BNT = jnp.full((batch, hypotheses, max_length), -1, jnp.int32)
        return TransformerCache(jnp.int32(0), ancestors_BNT, layers)

    def step_states(
        self, memory: TransformerMemory, token_X: Array, cache: TransformerCache
    ) -> tuple[Array, TransformerCache]:
        batch, hypotheses, max_length = cache.ancestors_BNT.shape
        itself_BN = jnp.broadcast_to(jnp.arange(hypotheses), (batch, hypotheses))
        ancestors_BNT = cache.ancestors_BNT.at[:, :, cache.position].set(itself_BN)
        own_BNS = lineage(ancestors_BNT)
        vectors_BND = self.embeddings.target(token_X).reshape(batch, hypotheses, -1)
        x_BND = self._embed(vectors_BND, cache.position, max_length)
        layers = []
        for layer, keys_values, layer_cache in zip(self.decoder, memory.layers, cache.layers, strict=True):
            x_BND, layer_cache = layer.step(
                x_BND, keys_values, padding(memory.mask_BS), layer_cache, own_BNS, cache.position
            )
            layers.append(layer_cache)
        x_BND = self.decoder_norm(x_BND) if self.norm == "pre" else x_BND
        return x_BND.reshape(len(token_X), -1), TransformerCache(cache.position + 1, ancestors_BNT, tuple(layers))

    def reorder(self, cache: TransformerCache, rows_X: Array) -> TransformerCache:
        ancestors_XT = cache.ancestors_BNT.reshape(len(rows_X), -1)
        ancestors_BNT = jnp.take(ancestors_XT, rows_X, axis=0, mode="clip").reshape(cache.ancestors_BNT.shape)
        return TransformerCache(cache.position, ancestors_BNT, cache.layers)

    def _embed(self, vectors_BTD: Array, position: Array | None = None, max_length: int = 0) -> Array:
        if position is None:
            positions_TD = sinusoidal(vectors_BTD.shape[1], self.width)
        else:
            positions_TD = jax.lax.dynamic_slice_in_dim(sinusoidal(max_length, self.width), position, 1)
        return self.drop(vectors_BTD * self.width**0.5 + positions_TD.astype(vectors_BTD.dtype)[None])

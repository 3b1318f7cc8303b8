"""The encoder and the decoder of the Transformer. Each can be combined with any other side.

Reference: Vaswani et al. 2017. `remat`: Chen et al. 2016, "Training deep nets with sublinear memory cost".
"""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.cross_attention import CrossAttention
from research.attention.heads import KeysValues
from research.attention.self_attention import SelfAttention
from research.attention.windows import Window, lineage
from research.models.layers import through
from research.models.transformer_layers import (
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    InputEmbedding,
    LayerCache,
    Sublayer,
)
from research.models.translator import Encoded

Array = jax.Array


class TransformerEncoder(nn.Module):
    """Layers of self-attention over the source. With the norm "pre" the last states are normalised too.

    Args:
        layers: the number of layers.
        input_embedding: a pattern without weights; so are the next three, which each layer clones.
        attention: of the self-attention.
        feed_forward: of the feed-forward layer.
        sublayer: of the residual connection.
        window: positions that are read each way; 0: all.
        remat: True to compute the activations of a layer again in the backward pass, and keep its inputs alone.
        scan_layers: True for one layer that a scan runs; see `research.models.layers`.
        deterministic: True for no dropout.
        dtype: of the computation. Parameters are float32.
    """

    layers: int
    input_embedding: InputEmbedding
    attention: SelfAttention
    feed_forward: FeedForward
    sublayer: Sublayer
    window: int
    deterministic: bool
    dtype: Any
    remat: bool = False
    scan_layers: bool = False

    def setup(self) -> None:
        self.enter = self.input_embedding.clone(deterministic=self.deterministic)
        self.layer = _layers(self, EncoderLayer, "attention", "feed_forward", "sublayer")
        if self.sublayer.norm == "pre":
            self.norm = nn.LayerNorm(epsilon=1e-5, dtype=self.dtype)

    def __call__(self, words_BSD: Array, mask_BS: Array) -> Encoded:
        window = Window(mask_BS, self.window or None, self.window or None)

        def body(layer: EncoderLayer, x_BSD: Array) -> tuple[Array, None]:
            return layer(x_BSD, window), None

        x_BSD, _ = through(self.layer, body, self.enter(words_BSD), count=self.layers)
        return Encoded(self.norm(x_BSD) if self.sublayer.norm == "pre" else x_BSD, mask_BS, ())


@flax.struct.dataclass
class TransformerMemory:
    """The encoded sources.

    Args:
        mask_BS: True at real positions.
        layers: keys_BGSK and values_BGSK of the cross-attention of each decoder layer; of a scanned one, with an axis L
            after B.
    """

    mask_BS: Array
    layers: tuple[KeysValues, ...] | KeysValues


@flax.struct.dataclass
class TransformerCache:
    """The state of decoding between two positions. Keys and values stay where they were written.

    Only `ancestors_BNT` and the states of normalisers change when a beam is reordered.

    Args:
        position: the number of tokens that were read.
        ancestors_BNT: which hypothesis wrote the entry at each time that a hypothesis continues; -1 at times to come.
        layers: the cache of each layer, with S = T·N entries; of a scanned one, with an axis L in front.
    """

    position: Array
    ancestors_BNT: Array
    layers: tuple[LayerCache, ...] | LayerCache


class TransformerDecoder(nn.Module):
    """Layers of causal self-attention and of attention over the memory.

    Args:
        cross_attention: a pattern of the attention over the memory, without weights.
        window: positions back that self-attention reads; 0: all.
        direction: a name in `DECODER_DIRECTIONS`; with "bi" self-attention is not causal.
        others: see `TransformerEncoder`.
    """

    layers: int
    input_embedding: InputEmbedding
    attention: SelfAttention
    cross_attention: CrossAttention
    feed_forward: FeedForward
    sublayer: Sublayer
    window: int
    direction: str
    deterministic: bool
    dtype: Any
    remat: bool = False
    scan_layers: bool = False

    def setup(self) -> None:
        self.enter = self.input_embedding.clone(deterministic=self.deterministic)
        self.layer = _layers(self, DecoderLayer, "attention", "cross_attention", "feed_forward", "sublayer")
        if self.sublayer.norm == "pre":
            self.norm = nn.LayerNorm(epsilon=1e-5, dtype=self.dtype)

    @property
    def causal(self) -> Window:
        """Return the window of self-attention, one position after another."""
        return Window(None, self.window or None, 0)

    def memory(self, encoded: Encoded) -> TransformerMemory:
        """Return the keys and values of each layer, computed once a sentence."""

        def body(layer: DecoderLayer, _: None) -> tuple[None, KeysValues]:
            return None, layer.cross.keys_values(encoded.states_BSE)

        _, keys_values = through(self.layer, body, None, count=self.layers, out=1)
        return TransformerMemory(encoded.mask_BS, keys_values)

    def __call__(self, memory: TransformerMemory, words_BTD: Array, mask_BT: Array) -> Array:
        """Return states_BTD of all positions, teacher-forced."""
        window = self.causal if self.direction == "uni" else Window(mask_BT, self.window or None, self.window or None)

        def body(layer: DecoderLayer, x_BTD: Array, keys_values: KeysValues) -> tuple[Array, None]:
            return layer(x_BTD, keys_values, memory.mask_BS, window), None

        x_BTD, _ = through(self.layer, body, self.enter(words_BTD), memory.layers, count=self.layers, into=1)
        return self._normed(x_BTD)

    def start(self, memory: TransformerMemory, hypotheses: int, max_length: int) -> TransformerCache:
        """Return the cache before the first token."""

        def body(layer: DecoderLayer, _: None, keys_values: KeysValues) -> tuple[None, LayerCache]:
            return None, layer.start(keys_values, hypotheses, max_length)

        _, layers = through(self.layer, body, None, memory.layers, count=self.layers, into=1)
        ancestors_BNT = jnp.full((memory.mask_BS.shape[0], hypotheses, max_length), -1, jnp.int32)
        return TransformerCache(jnp.int32(0), ancestors_BNT, layers)

    def step(
        self, memory: TransformerMemory, words_XD: Array, cache: TransformerCache
    ) -> tuple[Array, TransformerCache]:
        """Return states_XD of one position, and the next cache."""
        batch, hypotheses, max_length = cache.ancestors_BNT.shape
        itself_BN = jnp.broadcast_to(jnp.arange(hypotheses), (batch, hypotheses))
        ancestors_BNT = cache.ancestors_BNT.at[:, :, cache.position].set(itself_BN)
        key_positions_S = jnp.arange(max_length * hypotheses) // hypotheses
        own_BNS = lineage(ancestors_BNT) & self.causal.mask(jnp.reshape(cache.position, (1,)), key_positions_S)
        x_BND = self.enter.step(words_XD.reshape(batch, hypotheses, -1), cache.position, max_length)

        def body(
            layer: DecoderLayer, x_BND: Array, keys_values: KeysValues, own: LayerCache
        ) -> tuple[Array, LayerCache]:
            return layer.step(x_BND, keys_values, memory.mask_BS, own, own_BNS, cache.position)

        own = memory.layers, cache.layers
        x_BND, layers = through(self.layer, body, x_BND, *own, count=self.layers, into=(1, 0))
        states_XD = self._normed(x_BND).reshape(words_XD.shape[0], -1)
        return states_XD, TransformerCache(cache.position + 1, ancestors_BNT, layers)

    def reorder(self, cache: TransformerCache, rows_X: Array) -> TransformerCache:
        """Return the cache in which row i continues row rows_X[i] of the same sentence."""
        batch, hypotheses, _ = cache.ancestors_BNT.shape

        def taken(x_BNY: Array) -> Array:
            x_XY = x_BNY.reshape(batch * hypotheses, -1)
            return jnp.take(x_XY, rows_X, axis=0, mode="clip").reshape(x_BNY.shape)

        def taken_by_head(x_BHNS: Array) -> Array:  # those of a scanned layer have an axis L in front
            return jnp.moveaxis(taken(jnp.moveaxis(x_BHNS, (-4, -2), (0, 1))), (0, 1), (-4, -2))

        def continued(layer: LayerCache) -> LayerCache:
            return LayerCache(layer.keys_values, jax.tree.map(taken_by_head, layer.normaliser))

        layers = jax.tree.map(continued, cache.layers, is_leaf=lambda node: isinstance(node, LayerCache))
        return TransformerCache(cache.position, taken(cache.ancestors_BNT), layers)

    def _normed(self, x_BTD: Array) -> Array:
        return self.norm(x_BTD) if self.sublayer.norm == "pre" else x_BTD


def _layers(side: Any, kind: type[nn.Module], *patterns: str) -> nn.Module | list[nn.Module]:
    """Return the layers of a side, with weights of their own, or the one that it scans.

    Args:
        side: the encoder or the decoder.
        kind: the class of a layer.
        patterns: the fields of a layer, which are the side's too; the layer gets them in the mode of the side, unbound.
    """
    mode = {"parent": None, "name": None, "deterministic": side.deterministic, "dtype": side.dtype}
    parts = {name: getattr(side, name).clone(**mode) for name in patterns}
    # Nothing outside of a scan's body can be merged with what is computed again inside of it.
    layer: Any = nn.remat(kind, prevent_cse=not side.scan_layers) if side.remat else kind
    return layer(**parts) if side.scan_layers else [layer(**parts) for _ in range(side.layers)]

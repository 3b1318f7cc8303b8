"""The two sides of the Transformer of Vaswani et al. 2017, each of which goes with any other side."""

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from research.attention.cross_attention import CrossAttention
from research.attention.heads import KeysValues
from research.attention.self_attention import SelfAttention
from research.attention.windows import Window, lineage
from research.models.transformer_layers import (
    DecoderLayer,
    EncoderLayer,
    Entrance,
    FeedForward,
    LayerCache,
    Sublayer,
)
from research.models.translator import Encoded

Array = jax.Array


class TransformerEncoder(nn.Module):
    """Layers of self-attention over the source. Norm "pre" norms the last states as well.

    entrance, attention, feed_forward, sublayer: patterns without weights, which each layer clones. window: positions
    that are read each way; 0: all.
    """

    layers: int
    entrance: Entrance
    attention: SelfAttention
    feed_forward: FeedForward
    sublayer: Sublayer
    window: int
    deterministic: bool

    def setup(self) -> None:
        self.enter = self.entrance.clone(deterministic=self.deterministic)
        parts = _patterns(self, "attention", "feed_forward", "sublayer")
        self.layer = [EncoderLayer(**parts) for _ in range(self.layers)]
        if self.sublayer.norm == "pre":
            self.norm = nn.LayerNorm(epsilon=1e-5)

    def __call__(self, words_BSD: Array, mask_BS: Array) -> Encoded:
        window = Window(mask_BS, self.window or None, self.window or None)
        x_BSD = self.enter(words_BSD)
        for layer in self.layer:
            x_BSD = layer(x_BSD, window)
        return Encoded(self.norm(x_BSD) if self.sublayer.norm == "pre" else x_BSD, mask_BS, ())


@flax.struct.dataclass
class TransformerMemory:
    """mask_BS: what may be read; layers: keys_BGSK and values_BGSK of each decoder layer's cross-attention."""

    mask_BS: Array
    layers: tuple[KeysValues, ...]


@flax.struct.dataclass
class TransformerCache:
    """What each position of each hypothesis may be asked for; it stays where it was written.

    place: how many tokens were read. ancestors_BNT: whose entry at each time a hypothesis goes on from, -1 at times
    to come; it and what normalisers remember alone change when a beam is reordered. In `layers` S = times x N.
    """

    place: Array
    ancestors_BNT: Array
    layers: tuple[LayerCache, ...]


class TransformerDecoder(nn.Module):
    """Layers of causal self-attention and of attention over the memory. Fields: as in `TransformerEncoder`.

    direction: of `DECODER_DIRECTIONS`; with "bi" self-attention is not causal.
    """

    layers: int
    entrance: Entrance
    attention: SelfAttention
    cross_attention: CrossAttention
    feed_forward: FeedForward
    sublayer: Sublayer
    window: int
    direction: str
    deterministic: bool

    def setup(self) -> None:
        self.enter = self.entrance.clone(deterministic=self.deterministic)
        parts = _patterns(self, "attention", "cross_attention", "feed_forward", "sublayer")
        self.layer = [DecoderLayer(**parts) for _ in range(self.layers)]
        if self.sublayer.norm == "pre":
            self.norm = nn.LayerNorm(epsilon=1e-5)

    @property
    def causal(self) -> Window:
        """What a position may read of its own side."""
        return Window(None, self.window or None, 0)

    def memory(self, encoded: Encoded) -> TransformerMemory:
        """Keys and values of each layer, once a sentence."""
        keys_values = tuple(layer.cross.keys_values(encoded.states_BSE) for layer in self.layer)
        return TransformerMemory(encoded.mask_BS, keys_values)

    def __call__(self, memory: TransformerMemory, words_BTD: Array, mask_BT: Array) -> Array:
        """states_BTD for all positions, teacher-forced."""
        window = self.causal if self.direction == "uni" else Window(mask_BT, self.window or None, self.window or None)
        x_BTD = self.enter(words_BTD)
        for layer, keys_values in zip(self.layer, memory.layers, strict=True):
            x_BTD = layer(x_BTD, keys_values, memory.mask_BS, window)
        return self._normed(x_BTD)

    def start(self, memory: TransformerMemory, hypotheses: int, max_length: int) -> TransformerCache:
        """The cache before the first token."""
        layers = tuple(
            layer.start(keys_values, hypotheses, max_length)
            for layer, keys_values in zip(self.layer, memory.layers, strict=True)
        )
        ancestors_BNT = jnp.full((len(memory.mask_BS), hypotheses, max_length), -1, jnp.int32)
        return TransformerCache(jnp.int32(0), ancestors_BNT, layers)

    def step(
        self, memory: TransformerMemory, words_XD: Array, cache: TransformerCache
    ) -> tuple[Array, TransformerCache]:
        """states_XD for one position, and the next cache."""
        batch, hypotheses, max_length = cache.ancestors_BNT.shape
        itself_BN = jnp.broadcast_to(jnp.arange(hypotheses), (batch, hypotheses))
        ancestors_BNT = cache.ancestors_BNT.at[:, :, cache.place].set(itself_BN)
        key_places_S = jnp.arange(max_length * hypotheses) // hypotheses
        own_BNS = lineage(ancestors_BNT) & self.causal.mask(jnp.reshape(cache.place, (1,)), key_places_S)
        x_BND = self.enter.step(words_XD.reshape(batch, hypotheses, -1), cache.place, max_length)
        layers = []
        for layer, keys_values, layer_cache in zip(self.layer, memory.layers, cache.layers, strict=True):
            x_BND, layer_cache = layer.step(x_BND, keys_values, memory.mask_BS, layer_cache, own_BNS, cache.place)
            layers.append(layer_cache)
        states_XD = self._normed(x_BND).reshape(len(words_XD), -1)
        return states_XD, TransformerCache(cache.place + 1, ancestors_BNT, tuple(layers))

    def reorder(self, cache: TransformerCache, rows_X: Array) -> TransformerCache:
        """The cache in which row i goes on from row rows_X[i], which is of the same sentence."""
        batch, hypotheses, _ = cache.ancestors_BNT.shape

        def taken(x_BNY: Array) -> Array:
            x_XY = x_BNY.reshape(batch * hypotheses, -1)
            return jnp.take(x_XY, rows_X, axis=0, mode="clip").reshape(x_BNY.shape)

        def asked(x_BHNS: Array) -> Array:
            return taken(x_BHNS.swapaxes(1, 2)).swapaxes(1, 2)

        layers = tuple(LayerCache(layer.own, jax.tree.map(asked, layer.asked)) for layer in cache.layers)
        return TransformerCache(cache.place, taken(cache.ancestors_BNT), layers)

    def _normed(self, x_BTD: Array) -> Array:
        return self.norm(x_BTD) if self.sublayer.norm == "pre" else x_BTD


def _patterns(side: nn.Module, *names: str) -> dict[str, nn.Module]:
    """The patterns of a side, unbound and in its mode: a layer clones them, for one module has one set of weights."""
    return {name: getattr(side, name).clone(parent=None, name=None, deterministic=side.deterministic) for name in names}

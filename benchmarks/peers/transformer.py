"""A pre-norm Transformer (Vaswani et al. 2017) in PyTorch, with fused attention and cached keys."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PAD = 0


class Memory(NamedTuple):
    """The memory of the decoder: each layer's keys and values, projected once, and the mask of real positions."""

    keys: list[Tensor]  # (B, H, S, K) a layer
    values: list[Tensor]
    mask: Tensor  # (B, 1, 1, S), True where there is a word


class Cache(NamedTuple):
    """The keys and values of the positions decoded so far, in tensors of full length."""

    keys: list[Tensor]  # (B*N, H, max_length, K) a layer
    values: list[Tensor]
    position: int


def sinusoids(length: int, width: int) -> Tensor:
    """Return sinusoidal positions, (length, width). Vaswani et al. 2017, 3.5."""
    angle = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


class Layer(nn.Module):
    """One encoder layer, or with `cross` one decoder layer."""

    def __init__(self, width: int, ffn: int, heads: int, drops: tuple[float, float, float], cross: bool):
        super().__init__()
        self.heads, self.cross = heads, cross
        self.dropout, self.attention_dropout, self.activation_dropout = drops
        self.norm_self, self.norm_ffn = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.grow, self.shrink = nn.Linear(width, ffn), nn.Linear(ffn, width)
        if cross:
            self.norm_cross = nn.LayerNorm(width)
            self.cross_query, self.cross_out = nn.Linear(width, width), nn.Linear(width, width)
            self.cross_kv = nn.Linear(width, 2 * width)

    def split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Split (B, T, parts*D) into `parts` tensors of (B, H, T, K)."""
        return x.view(x.shape[0], x.shape[1], parts, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)

    def read(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        drop = self.attention_dropout if self.training else 0.0
        context = F.scaled_dot_product_attention(query, keys, values, mask, drop, causal)
        return context.transpose(1, 2).flatten(2)

    def drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def read_memory(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        (query,) = self.split(self.cross_query(self.norm_cross(x)), 1)
        return x + self.drop(self.cross_out(self.read(query, keys, values, mask, False)))

    def feed_forward(self, x: Tensor) -> Tensor:
        hidden = F.dropout(F.relu(self.grow(self.norm_ffn(x))), self.activation_dropout, self.training)
        return x + self.drop(self.shrink(hidden))

    def forward(self, x: Tensor, mask: Tensor | None, causal: bool, memory: tuple[Tensor, Tensor, Tensor] | None):
        query, keys, values = self.split(self.qkv(self.norm_self(x)), 3)
        x = x + self.drop(self.out(self.read(query, keys, values, mask, causal)))
        if memory is not None:
            x = self.read_memory(x, *memory)
        return self.feed_forward(x)


class TransformerTranslator(nn.Module):
    """Encoder and decoder with one embedding for source, target and output."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        ffn: int,
        heads: int,
        encoder_layers: int,
        decoder_layers: int,
        dropout: float,
        attention_dropout: float,
        activation_dropout: float,
        longest: int = 512,
    ):
        super().__init__()
        self.scale, self.dropout = math.sqrt(width), dropout
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.register_buffer("positions", sinusoids(longest, width), persistent=False)
        drops = (dropout, attention_dropout, activation_dropout)
        self.encoder = nn.ModuleList([Layer(width, ffn, heads, drops, False) for _ in range(encoder_layers)])
        self.decoder = nn.ModuleList([Layer(width, ffn, heads, drops, True) for _ in range(decoder_layers)])
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def embed(self, ids: Tensor, first: int = 0) -> Tensor:
        positions = self.get_buffer("positions")[first : first + ids.shape[1]]
        return F.dropout(self.embedding(ids) * self.scale + positions, self.dropout, self.training)

    def encode(self, source: Tensor) -> Memory:
        """Encode source ids (B, S) for every decoder layer."""
        mask = (source != PAD)[:, None, None, :]
        x = self.embed(source)
        for layer in self.encoder:
            x = layer(x, mask, False, None)
        x = self.encoder_norm(x)
        pairs = [layer.split(layer.cross_kv(x), 2) for layer in self.decoder]
        return Memory([keys for keys, _ in pairs], [values for _, values in pairs], mask)

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        """Return the states (B, T, D) that `logits` turns into predictions."""
        memory = self.encode(source)
        x = self.embed(target_in)
        for layer, keys, values in zip(self.decoder, memory.keys, memory.values, strict=True):
            x = layer(x, None, True, (keys, values, memory.mask))
        return self.decoder_norm(x)

    @property
    def output(self) -> nn.Embedding:
        """The embedding whose weight is the output layer's too."""
        return self.embedding

    def logits(self, states: Tensor) -> Tensor:
        return F.linear(states, self.output.weight)

    def start(self, memory: Memory, hypotheses: int, max_length: int) -> Cache:
        batch, heads, _, width = memory.keys[0].shape
        shape = (batch * hypotheses, heads, max_length, width)
        return Cache([torch.empty(shape) for _ in self.decoder], [torch.empty(shape) for _ in self.decoder], 0)

    def step(self, memory: Memory, token: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Return logits (B*N, V) of tokens (B*N,). The hypotheses of a sentence read its memory as N queries."""
        batch, now = memory.mask.shape[0], cache.position
        x = self.embed(token[:, None], now)
        for i, layer in enumerate(self.decoder):
            query, key, value = layer.split(layer.qkv(layer.norm_self(x)), 3)
            cache.keys[i][:, :, now] = key[:, :, 0]
            cache.values[i][:, :, now] = value[:, :, 0]
            seen = layer.read(query, cache.keys[i][:, :, : now + 1], cache.values[i][:, :, : now + 1], None, False)
            x = x + layer.out(seen)
            x = layer.read_memory(x.view(batch, -1, x.shape[-1]), memory.keys[i], memory.values[i], memory.mask)
            x = layer.feed_forward(x.reshape(token.shape[0], 1, -1))
        return self.logits(self.decoder_norm(x[:, 0])), Cache(cache.keys, cache.values, now + 1)

    def reorder(self, cache: Cache, rows: Tensor) -> Cache:
        """Return the cache of the hypotheses `rows`; only the positions in use are copied."""
        now = cache.position
        for tensor in (*cache.keys, *cache.values):
            tensor[:, :, :now] = tensor[:, :, :now].index_select(0, rows)
        return cache

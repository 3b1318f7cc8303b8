"""RNN encoder-decoders in PyTorch: nn.LSTM wherever nothing feeds back, hoisted projections wherever something does."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PAD = 0
State = tuple[Tensor, Tensor]  # hidden and cell, (layers, B, D)


class Memory(NamedTuple):
    """The encoder's states that the decoder reads, and the state that it starts from."""

    values: Tensor  # (B, S, D)
    keys: Tensor  # (B, S, D), projected once
    hidden: Tensor  # (layers, B, D)
    cell: Tensor
    mask: Tensor  # (B, S), True where there is a word


class Cache(NamedTuple):
    """The decoder's state after the tokens so far."""

    hidden: Tensor  # (layers, B*N, D)
    cell: Tensor
    fed: Tensor  # (B*N, D): the attentional state, for input feeding


class PackedEncoder(nn.Module):
    """nn.LSTM over packed sequences: no work for padding."""

    def __init__(self, entering: int, width: int, layers: int, dropout: float):
        super().__init__()
        self.lstm = nn.LSTM(
            entering,
            width // 2,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, (hidden, cell) = self.lstm(packed)
        values, _ = nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])
        return values, _join(hidden), _join(cell)


class ReversedEncoder(nn.Module):
    """Two nn.LSTM a layer over padded sequences, one reading the reversed sentence: the fused kernel, on padding too.

    A padded nn.LSTM does not tell the cell at a sentence's last word, so the decoder's cells start from zero: right for
    timing, not for comparing outputs.
    """

    def __init__(self, entering: int, width: int, layers: int, dropout: float):
        super().__init__()
        widths = [entering] + [width] * (layers - 1)
        self.forwards = nn.ModuleList([nn.LSTM(w, width // 2, batch_first=True) for w in widths])
        self.backwards = nn.ModuleList([nn.LSTM(w, width // 2, batch_first=True) for w in widths])
        self.dropout = dropout

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        steps = torch.arange(x.shape[1])
        flip = (lengths[:, None] - 1 - steps) % x.shape[1]  # its own inverse among the words
        last, rows = lengths - 1, torch.arange(len(x))
        hiddens = []
        for i, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            x = F.dropout(x, self.dropout, self.training and i > 0)
            one, _ = ahead(x)
            two, _ = back(x[rows[:, None], flip])
            hiddens.append(torch.cat([one[rows, last], two[rows, last]], dim=-1))
            x = torch.cat([one, two[rows[:, None], flip]], dim=-1)
        hidden = torch.stack(hiddens)
        return x, hidden, torch.zeros_like(hidden)


ENCODERS: dict[str, Callable[..., nn.Module]] = {"packed": PackedEncoder, "reversed": ReversedEncoder}


def _join(state: Tensor) -> Tensor:
    """Join the two directions: (2*layers, B, D/2) to (layers, B, D)."""
    both = state.view(-1, 2, *state.shape[1:])
    return torch.cat([both[:, 0], both[:, 1]], dim=-1)


class RecurrentTranslator(nn.Module):
    """biLSTM encoder, LSTM decoder, and a reader: none, luong (general) or bahdanau (concat)."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        embedding: int,
        encoder_layers: int,
        decoder_layers: int,
        reader: str,
        input_feeding: bool,
        dropout: float,
        encoder_runs: str,
    ):
        super().__init__()
        self.reader, self.dropout = reader, dropout
        self.feeds = reader == "bahdanau" or (reader == "luong" and input_feeding)
        self.source_embedding = nn.Embedding(vocabulary, embedding)
        self.target_embedding = nn.Embedding(vocabulary, embedding)
        nn.init.normal_(self.source_embedding.weight, std=embedding**-0.5)
        nn.init.normal_(self.target_embedding.weight, std=embedding**-0.5)
        self.encoder = ENCODERS[encoder_runs](embedding, width, encoder_layers, dropout)
        entering = embedding + width if self.feeds else embedding
        between = dropout if decoder_layers > 1 else 0.0
        self.decoder = nn.LSTM(entering, width, decoder_layers, batch_first=True, dropout=between)
        if reader != "none":
            self.keys = nn.Linear(width, width, bias=False)
            self.combine = nn.Linear(2 * width, embedding, bias=False)
        if reader == "bahdanau":
            self.query, self.score = nn.Linear(width, width, bias=False), nn.Linear(width, 1, bias=False)

    def drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def encode(self, source: Tensor) -> Memory:
        """Encode source ids (B, S); a row of padding alone counts as one word."""
        mask = source != PAD
        lengths = mask.sum(1).clamp(min=1)
        values, hidden, cell = self.encoder(self.drop(self.source_embedding(source)), lengths)
        layers = self.decoder.num_layers
        hidden, cell = _to_layers(hidden, layers), _to_layers(cell, layers)
        return Memory(values, self.keys(values) if self.reader != "none" else values, hidden, cell, mask)

    def read(self, query: Tensor, memory: Memory) -> Tensor:
        """Return contexts (B, T, D) of queries (B, T, D)."""
        if self.reader == "luong":
            scores = query @ memory.keys.transpose(1, 2)
        else:
            mixed = torch.tanh(self.query(query)[:, :, None] + memory.keys[:, None])
            scores = self.score(mixed).squeeze(-1)
        weights = scores.masked_fill(~memory.mask[:, None], -1e9).softmax(-1)
        return weights @ memory.values

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        """Return the states (B, T, E) that `logits` turns into predictions."""
        memory = self.encode(source)
        x = self.drop(self.target_embedding(target_in))
        if self.feeds:
            return self.drop(self._unroll(x, memory))
        states, _ = self.decoder(x, (memory.hidden, memory.cell))
        if self.reader == "luong":
            states = torch.tanh(self.combine(torch.cat([self.read(states, memory), states], dim=-1)))
        return self.drop(states)

    def _unroll(self, x: Tensor, memory: Memory) -> Tensor:
        """Run position by position; the embeddings' part of the first layer's gates is computed for all at once."""
        lstm, words = self.decoder, x.shape[-1]
        first = F.linear(x, lstm.weight_ih_l0[:, :words], lstm.bias_ih_l0 + lstm.bias_hh_l0)
        weights = [torch.cat([lstm.weight_ih_l0[:, words:], lstm.weight_hh_l0], dim=1)]
        biases = [None]
        for i in range(1, lstm.num_layers):
            weights.append(torch.cat([getattr(lstm, f"weight_ih_l{i}"), getattr(lstm, f"weight_hh_l{i}")], dim=1))
            biases.append(getattr(lstm, f"bias_ih_l{i}") + getattr(lstm, f"bias_hh_l{i}"))
        hidden, cell = list(memory.hidden.unbind(0)), list(memory.cell.unbind(0))
        fed, states, contexts = torch.zeros_like(hidden[-1]), [], []
        for gates in first.unbind(1):
            context = self.read(hidden[-1][:, None], memory)[:, 0] if self.reader == "bahdanau" else fed
            below = context
            for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                part = F.linear(torch.cat([below, hidden[i]], dim=1), weight, bias)
                hidden[i], cell[i] = _lstm(part + gates if i == 0 else part, cell[i])
                below = self.drop(hidden[i]) if i + 1 < len(weights) else hidden[i]
            if self.reader == "luong":
                context = self.read(hidden[-1][:, None], memory)[:, 0]
                fed = torch.tanh(self.combine(torch.cat([context, hidden[-1]], dim=-1)))
                states.append(fed)
            else:
                states.append(hidden[-1])
                contexts.append(context)
        out = torch.stack(states, dim=1)
        if self.reader == "bahdanau":
            out = torch.tanh(self.combine(torch.cat([torch.stack(contexts, dim=1), out], dim=-1)))
        return out

    @property
    def output(self) -> nn.Embedding:
        """The embedding whose weight is the output layer's too."""
        return self.target_embedding

    def logits(self, states: Tensor) -> Tensor:
        return F.linear(states, self.output.weight)

    def start(self, memory: Memory, hypotheses: int, max_length: int) -> Cache:
        hidden = memory.hidden.repeat_interleave(hypotheses, dim=1)
        return Cache(hidden, memory.cell.repeat_interleave(hypotheses, dim=1), torch.zeros_like(hidden[-1]))

    def step(self, memory: Memory, token: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Return logits (B*N, V) of tokens (B*N,). The hypotheses of a sentence read its memory as N queries."""
        batch, x, fed = memory.mask.shape[0], self.target_embedding(token), cache.fed
        if self.reader == "bahdanau":
            fed = self._read_step(cache.hidden[-1], memory, batch)
        entering = torch.cat([x, fed], dim=-1) if self.feeds else x
        out, (hidden, cell) = self.decoder(entering[:, None], (cache.hidden, cache.cell))
        states = out[:, 0]
        if self.reader != "none":
            context = self._read_step(states, memory, batch) if self.reader == "luong" else fed
            states = torch.tanh(self.combine(torch.cat([context, states], dim=-1)))
        return self.logits(states), Cache(hidden, cell, states if self.reader == "luong" else fed)

    def _read_step(self, query: Tensor, memory: Memory, batch: int) -> Tensor:
        return self.read(query.view(batch, -1, query.shape[-1]), memory).flatten(0, 1)

    def reorder(self, cache: Cache, rows: Tensor) -> Cache:
        """Return the cache of the hypotheses `rows`."""
        return Cache(cache.hidden.index_select(1, rows), cache.cell.index_select(1, rows), cache.fed[rows])


def _to_layers(state: Tensor, layers: int) -> Tensor:
    """Return initial states for `layers` decoder layers, top from top; the lowest fills missing layers."""
    return state[[max(0, len(state) - layers + layer) for layer in range(layers)]]


def _lstm(gates: Tensor, cell: Tensor) -> State:
    i, f, g, o = gates.chunk(4, dim=1)
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell

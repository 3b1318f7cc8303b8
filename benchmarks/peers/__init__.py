"""Translators in plain PyTorch, as a good engineer would write them: the peers that our speed is compared with.

They have the shapes of our models and the same contract (`forward` for teacher forcing; `encode`, `start` and `step`
for decoding), and use what PyTorch offers for speed on a CPU: nn.LSTM, fused attention, fused Adam, cached keys.
"""

from typing import Any

import torch
from ml_collections import ConfigDict
from torch import nn

from benchmarks.peers.recurrent import RecurrentTranslator
from benchmarks.peers.transformer import TransformerTranslator

# What the peers are written for; anything else would be compared with something that it is not.
READING: dict[str, tuple[Any, ...]] = {"window": ("global",), "normaliser": ("softmax",)}
WRITTEN: dict[str, dict[str, tuple[Any, ...]]] = {
    "transformer": {
        "encoder": ("transformer",),
        "norm": ("pre",),
        "tie": ("all",),
        "score": ("scaled_dot",),
        "self_score": ("scaled_dot",),
        "self_normaliser": ("softmax",),
        "self_window": (0,),
        "positions": ("sinusoidal",),
        "head_width": (0,),
        **READING,
    },
    "recurrent": {
        "encoder": ("recurrent",),
        "cell": ("lstm",),
        "direction": ("bi",),
        "tie": ("decoder",),
        "reader": ("none", "luong", "bahdanau"),
        "coverage": ("none",),
        **READING,
    },
}
SCORES = {"luong": "general", "bahdanau": "concat"}


def build(model: ConfigDict, vocabulary: int, encoder_runs: str = "packed") -> nn.Module:
    """Return the peer's translator for a `config.model`, with one vocabulary for both sides.

    encoder_runs: "packed" or "reversed", how a recurrent encoder meets padding (see `recurrent.ENCODERS`).
    """
    for field, values in WRITTEN[model.decoder].items():
        if model[field] not in values:
            raise ValueError(f"the peer has no model.{field}={model[field]!r}; it has {', '.join(map(str, values))}")
    torch.manual_seed(0)
    if model.decoder == "transformer":
        return TransformerTranslator(
            vocabulary,
            model.width,
            model.ffn,
            model.heads,
            model.encoder_layers,
            model.decoder_layers,
            model.dropout,
            model.attention_dropout,
            model.activation_dropout,
        )
    if model.reader != "none" and model.score != SCORES[model.reader]:
        raise ValueError(f"the peer reads {model.reader!r} with score {SCORES[model.reader]!r}, not {model.score!r}")
    return RecurrentTranslator(
        vocabulary,
        model.width,
        model.embedding,
        model.encoder_layers,
        model.decoder_layers,
        model.reader,
        model.input_feeding,
        model.dropout,
        encoder_runs,
    )

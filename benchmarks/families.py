"""The measured families, as changes to a config that both sides read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_collections import ConfigDict

from configs import base, multi30k

BATCH_TOKENS = 4_096  # target positions a step
BUCKETS = 8  # shapes of a training batch


@dataclass(frozen=True)
class Family:
    """An architecture: the model config that it starts from, and the fields that differ."""

    title: str
    model: Callable[[], ConfigDict]
    fields: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> ConfigDict:
        """Return the locked config that both sides run."""
        model = self.model()
        model.update(dict(self.fields))
        config = base.base(model)
        config.data.batch_tokens, config.data.buckets = BATCH_TOKENS, BUCKETS
        return config.lock()


LSTM_512 = {"width": 512, "layers": 2, "direction": "bi", "cell": "lstm", "dropout": 0.2, "tie": "decoder"}

FAMILIES: dict[str, Family] = {
    "tiny": Family("Transformer-Tiny, 4+4, 128 wide", multi30k.tiny, {"norm": "pre"}),
    "transformer": Family(
        "Transformer, 3+3, 256 wide", base.transformer, {"width": 256, "ffn": 1_024, "heads": 8, "layers": 3}
    ),
    "none": Family("LSTM 512, no attention", base.none, LSTM_512),
    "luong": Family("LSTM 512, Luong general", base.luong, LSTM_512),
    "feeding": Family("LSTM 512, Luong general, input feeding", base.luong, {**LSTM_512, "input_feeding": True}),
    "bahdanau": Family("LSTM 512, Bahdanau concat", base.bahdanau, LSTM_512),
}

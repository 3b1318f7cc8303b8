"""The range of every number of a config or a launcher, by the name of its field; configs/ has its unit and its reason.

    refuse_out_of_range(config)      # before anything is written: by train, by ablate for every arm, and on resuming

A field that is added to configs/base.py needs a range here, and a test says so.
"""

import math
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from research.results.identity import config_as_json, flat


class Range(NamedTuple):
    """Finite numbers from low to high.

    Attributes:
        low, high: the ends.
        above: low itself is outside.
        below: high itself is outside.
    """

    low: float
    high: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or not math.isfinite(value):
            return False
        return (self.low < value if self.above else self.low <= value) and (
            value < self.high if self.below else value <= self.high
        )

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.above else f"at least {self.low:g}"
        if self.high == math.inf:
            return low
        high = int(self.high) if float(self.high).is_integer() else self.high
        return f"{low} and {'below' if self.below else 'at most'} {high}"


COUNT, OR_NONE = Range(1), Range(0)
SHARE, RATE = Range(0, 1), Range(0, 1, below=True)
SEED = Range(0, 2**32, below=True)
LARGEST = 2**31 - 1
"""The largest whole number but for seeds: JAX counts steps, and SentencePiece subwords, in 32 bits."""

RANGES: dict[str, Range] = {
    "seed": SEED,
    "model.width": COUNT,
    "model.embedding": COUNT,
    "model.layers": COUNT,
    "model.encoder_layers": COUNT,
    "model.decoder_layers": COUNT,
    "model.dropout": RATE,
    "model.window_radius": COUNT,
    "model.learned_positions": COUNT,
    "model.coverage_width": COUNT,
    "model.ffn": COUNT,
    "model.heads": COUNT,
    "model.kv_heads": COUNT,
    "model.head_width": OR_NONE,
    "model.head_spread": SHARE,
    "model.attention_dropout": RATE,
    "model.activation_dropout": RATE,
    "model.relative_reach": OR_NONE,
    "model.self_window": OR_NONE,
    "data.subset": OR_NONE,
    "data.max_tokens": Range(2),
    "data.batch_tokens": COUNT,
    "data.buckets": COUNT,
    "data.stream_pairs": OR_NONE,
    "data.workers": OR_NONE,
    "data.vocabulary.size": Range(5),
    "data.vocabulary.character_coverage": Range(0.98, 1),
    "data.embedded.seed": SEED,
    "data.embedded.train_pairs": COUNT,
    "data.embedded.validation_pairs": COUNT,
    "data.embedded.test_pairs": COUNT,
    "data.embedded.clauses": Range(1, 8),
    "data.embedded.reordering": SHARE,
    "data.embedded.words": SHARE,
    "data.embedded.ambiguity": SHARE,
    "data.embedded.noise": SHARE,
    "training.steps": COUNT,
    "training.fsdp": COUNT,
    "training.tensor": COUNT,
    "training.label_smoothing": RATE,
    "training.accumulation": COUNT,
    "training.learning_rate": Range(0, above=True),
    "training.warmup_steps": OR_NONE,
    "training.decay_share": Range(0, 1, above=True),
    "training.beta1": RATE,
    "training.beta2": RATE,
    "training.epsilon": Range(0, above=True),
    "training.weight_decay": OR_NONE,
    "training.clip_norm": OR_NONE,
    "training.ema_decay": RATE,
    "training.average_last": OR_NONE,
    "training.log_every_steps": COUNT,
    "training.validate_every_steps": COUNT,
    "training.bleu_sentences": OR_NONE,
    "training.attention_sentences": OR_NONE,
    "training.save_every_steps": COUNT,
    "training.keep_last": OR_NONE,
    "training.patience": OR_NONE,
    "evaluation.beam": COUNT,
    "evaluation.length_penalty": OR_NONE,
    "evaluation.coverage_penalty": OR_NONE,
    "evaluation.extra_tokens": OR_NONE,
    "evaluation.batch_sentences": COUNT,
    "launcher.jobs_at_once": COUNT,
    "launcher.cores_per_job": OR_NONE,
    "launcher.accelerators": OR_NONE,
    "launcher.accelerators_per_job": OR_NONE,
    "launcher.minutes": COUNT,
    "launcher.nodes": COUNT,
    "launcher.tasks_per_node": COUNT,
    "launcher.cpus": OR_NONE,
    "launcher.memory_gb": OR_NONE,
    "launcher.gpus": OR_NONE,
    "launcher.gpus_per_task": OR_NONE,
    "launcher.array_parallelism": COUNT,
    "launcher.grace_seconds": OR_NONE,
    "launcher.timeouts": OR_NONE,
    "launcher.look_every_seconds": COUNT,
    "launcher.restarts": OR_NONE,
}


def refuse_out_of_range(config: ConfigDict, section: str = "") -> None:
    """Raise a ValueError that names the first field whose number is outside of its range.

    Args:
        config: a whole config, a section of one, or that of a launcher.
        section: which one, such as "model" or "launcher"; "" for a whole config.
    """
    fields: dict[str, Any] = flat(config_as_json(config))
    for field, wanted in RANGES.items():  # what others take their value from comes first
        name = field.removeprefix(f"{section}." if section else "")
        if name not in fields:
            continue
        value = fields[name]
        if value not in wanted:
            finite = ", and finite" if isinstance(value, float) and not math.isfinite(value) else ""
            raise ValueError(f"{field}={value} must be {wanted}{finite}")
        if isinstance(value, int) and wanted is not SEED and value > LARGEST:
            raise ValueError(f"{field}={value} must be at most {LARGEST}")

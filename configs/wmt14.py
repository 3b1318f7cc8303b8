"""English to German on WMT 2014, 4.5 million pairs: what Vaswani et al. 2017 and Luong et al. 2015 measured on.

    python -m research.data.prepare wmt14_translate/de-en      # once, with a network
    python run.py train --config=configs/wmt14.py:base --workdir=runs/base

`base` and `big` are Table 3's, with the training of section 5 and the search of section 6.1. Ours (theirs in brackets):
- a translation of 1.5 times the source's tokens and 50 (once, and 50)
- a batch of 25,000 positions of the longer side (25,000 tokens of each side)

`luong_base` … `luong_local_p` are the rows of Tables 1 and 4 of Luong et al. 2015. Ours (theirs in brackets):
- Adam with a rate of 5e-4 (SGD with a rate of 1)
- a rate that falls in a straight line in the last 5 or 4 epochs (that is halved in each of them)
- 50,000 BPE subwords a language, and 50 subwords a side (words)
- 4,096 positions a batch (128 pairs)
- a gradient that is the mean over tokens (the sum over the words of a sentence, before the same clipping)
- initial weights, warm-up and search

All are for accelerators.
"""

from collections.abc import Callable
from functools import partial

from ml_collections import ConfigDict

from configs.base import MODELS, base, named, recurrent, transformer
from configs.tfds import read_builder

LONGEST_WORDS = 50  # of Luong et al. 2015
PAIRS = 4_500_000


def transformer_base():
    """6+6 layers, 512 wide, 8 heads of 64: 65 million parameters, 27.3 BLEU on newstest2014."""
    config = transformer()
    config.width = 512
    config.ffn = 2_048
    config.heads = 8
    config.layers = 6
    config.norm = "post"
    return config


def transformer_big():
    """Twice as wide, 16 heads: 213 million parameters, 28.4 BLEU."""
    config = transformer_base()
    config.width = 1_024
    config.ffn = 4_096
    config.heads = 16
    config.dropout = 0.3
    return config


def luong_2015(**fields):
    """4+4 LSTM layers of 1,000 cells, the source reversed, and the fields of one row of Tables 1 and 4."""
    config = recurrent()
    config.width = 1_000
    config.layers = 4
    config.direction = "reversed"
    config.dropout = 0.2
    config.tie = "none"
    config.window_radius = 10
    config.learned_positions = LONGEST_WORDS + 1  # the end-of-sentence token is read too
    config.update(fields)
    return config


_FEEDING = {"reader": "luong", "input_feeding": True}
LUONG_2015: dict[str, Callable[[], ConfigDict]] = {
    "luong_base": partial(luong_2015, direction="uni", dropout=0.0),  # 11.3 BLEU
    "luong_reversed": partial(luong_2015, dropout=0.0),  # 12.6
    "luong_dropout": luong_2015,  # 14.0
    "luong_location": partial(luong_2015, reader="luong", score="location"),  # 16.8
    "luong_location_feeding": partial(luong_2015, **_FEEDING, score="location"),  # 18.1
    "luong_dot": partial(luong_2015, **_FEEDING, score="dot"),  # 18.6
    "luong_general": partial(luong_2015, **_FEEDING, score="general"),  # 17.3
    "luong_local_m": partial(luong_2015, **_FEEDING, score="general", window="local_m"),  # 18.6
    "luong_local_p": partial(luong_2015, **_FEEDING, score="general", window="local_p"),  # 19.0
}
ARCHITECTURES = {**MODELS, "base": transformer_base, "big": transformer_big, **LUONG_2015}


def get_config(architecture: str = "base"):
    config = base(named(ARCHITECTURES, architecture))
    read_builder(config.data, "wmt14_translate/de-en", ("en", "de"))
    config.data.buckets = 8
    config.training.validate_every_steps = 3_000
    if architecture in LUONG_2015:
        _as_luong(config)
    else:
        _as_vaswani(config, big=architecture == "big")
    return config


def _as_vaswani(config: ConfigDict, big: bool) -> None:
    config.data.batch_tokens = 25_000
    config.data.vocabulary.size = 37_000
    config.training.steps = 300_000 if big else 100_000
    config.training.warmup_steps = 4_000
    config.training.learning_rate = (config.model.width * 4_000) ** -0.5  # the peak of their equation 3
    config.training.clip_norm = 0.0
    config.training.average_last = config.training.keep_last = 20 if big else 5
    config.training.save_every_steps = 600 if big else 1_500  # ten minutes at 1.0 and at 0.4 seconds a step
    config.evaluation.beam = 4
    config.evaluation.length_normalisation = "gnmt"
    config.evaluation.length_penalty = 0.6
    config.evaluation.extra_tokens = 50


def _as_luong(config: ConfigDict) -> None:
    epochs, halving = (12, 4) if config.model.dropout else (10, 5)  # all, and the last ones, which halve the rate
    config.data.max_tokens = LONGEST_WORDS + 1
    config.data.batch_tokens = 4_096  # about 128 pairs
    config.data.vocabulary.size = 50_000
    config.data.vocabulary.joint = False
    config.training.steps = epochs * PAIRS // 128
    config.training.save_every_steps = 3_000
    config.training.label_smoothing = 0.0
    config.training.learning_rate = 5e-4
    config.training.schedule = "wsd"
    config.training.decay_share = halving / epochs
    config.training.warmup_steps = 1_000
    config.training.clip_norm = 5.0

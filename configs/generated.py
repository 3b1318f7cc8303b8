"""Twenty million English-Korean pairs of the embedded grammar: a corpus too large for memory, with no network.

    python run.py train --config=configs/generated.py:base --workdir=runs/generated

It is generated and tokenised in parallel, once, at about 200 µs of a core a pair (half an hour on two), into 1.5 GB of
the cache, and streamed from there; docs/data.md says how. Another --config.data.embedded.train_pairs asks for more or
fewer. No two sentences of a chunk of 200,000 are the same; chunks may share some.

The architectures are those of configs/wmt14.py, whose steps and rate `base` and `big` have. All are for accelerators.
"""

from configs.base import base, named
from configs.wmt14 import ARCHITECTURES

WARMUP_STEPS = 4_000


def get_config(architecture: str = "base"):
    config = base(named(ARCHITECTURES, architecture))
    config.data.embedded.train_pairs = 20_000_000
    config.data.batch_tokens = 25_000
    config.data.buckets = 8
    config.training.steps = 100_000
    config.training.warmup_steps = WARMUP_STEPS
    config.training.learning_rate = (config.model.width * WARMUP_STEPS) ** -0.5
    config.training.validate_every_steps = 3_000
    config.training.save_every_steps = 1_500
    return config

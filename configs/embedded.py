"""English to Korean on the embedded corpus: no network, gold alignments, two minutes a run on two CPU cores.

    python run.py train --config=configs/embedded.py:luong --workdir=runs/luong

All architectures see the same batches for the same number of steps; `make demo` compares them.
"""

from configs.base import MODELS, base, named


def get_config(architecture: str = "luong"):
    config = base(named(MODELS, architecture))
    config.model.width = 128
    config.model.dropout = 0.1
    if architecture == "transformer":
        config.model.heads = 4
        config.model.ffn = 512
        config.model.tie = "decoder"
    config.data.vocabulary.size = 2_000  # the corpus has little more than a thousand words a language
    config.data.vocabulary.joint = False
    config.data.batch_tokens = 2_048
    config.data.buckets = 2
    config.training.steps = 1_000
    config.training.learning_rate = 2e-3
    config.training.validate_every_steps = 500
    return config

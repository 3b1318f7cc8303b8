"""English to Korean on the embedded corpus: no network, gold alignments, about a minute a run on two CPU cores.

    python run.py train --config=configs/embedded.py:luong --workdir=runs/luong

All architectures see the same batches for the same number of steps; `make demo` compares them. The models are small,
and the corpus has shorter sentences and fewer words than the defaults of `configs/base.py`, so that this takes minutes.
"""

from configs.base import MODELS, base, named


def get_config(architecture: str = "luong"):
    config = base(named(MODELS, architecture))
    config.model.width = 128
    config.model.dropout = 0.1
    config.model.tie = "decoder"
    if "transformer" in (config.model.encoder, config.model.decoder):
        config.model.layers = 2
        config.model.heads = 4
        config.model.ffn = 256
    config.data.embedded.clauses = 3
    config.data.embedded.words = 0.4
    config.data.vocabulary.size = 2_000
    config.data.vocabulary.joint = False
    config.data.batch_tokens = 1_024  # small: in a minute, many updates teach more than exact ones
    config.data.buckets = 2
    config.training.steps = 1_200
    config.training.learning_rate = 3e-3
    config.training.schedule = "cosine"
    config.training.warmup_steps = 100
    config.training.validate_every_steps = 400
    config.training.save_every_steps = 400
    return config

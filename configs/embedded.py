"""English to Korean on the embedded corpus: no network, gold alignments, about a minute a run on two CPU cores.

    python run.py train --config=configs/embedded.py:luong --workdir=runs/luong

All architectures see the same batches for the same number of steps, each at its own learning rate; `make demo`
compares them. The models are small, and the corpus has shorter sentences and fewer words than the defaults of
`configs/base.py`, so that this takes minutes.
"""

from configs.base import MODELS, base, named

LEARNING_RATES = {
    "none": 1e-2,
    "luong": 1e-2,
    "bahdanau": 1e-2,
    "transformer": 4e-3,
    "transformer_recurrent": 4e-3,
    "recurrent_transformer": 4e-3,
}
"""By the lowest perplexity on validation among rates a factor of two apart (docs/recipes.md). The mixes have the
Transformer's."""


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
    config.data.batch_tokens = 1_536  # 68 pairs a step, and 77 of 100 positions filled
    config.data.buckets = 4
    config.training.steps = 1_400
    config.training.learning_rate = LEARNING_RATES[architecture]
    config.training.schedule = "wsd"
    config.training.warmup_steps = 100
    config.training.validate_every_steps = 350
    config.training.save_every_steps = 350
    return config

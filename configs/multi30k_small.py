"""Multi30k at the size of an ablation: models of width 64, 4,000 subwords, about a minute a run on one CPU core.

    python run.py ablate heads --config=configs/multi30k_small.py --launcher.jobs_at_once=2

Two and a half epochs are early: configs/multi30k.py is what a translator needs. All architectures have the same
batches, steps and schedule, each at its own learning rate.
"""

from configs import multi30k
from configs.base import MODELS, named

LEARNING_RATES = {
    "none": 2e-2,
    "luong": 2e-2,
    "bahdanau": 2e-2,
    "transformer": 8e-3,
    "transformer_recurrent": 8e-3,
    "recurrent_transformer": 8e-3,
}
"""By the lowest perplexity on validation among rates a factor of two apart (docs/recipes.md); without attention and
for Bahdanau's model no higher rate was tried. The mixes have the Transformer's."""


def get_config(architecture: str = "luong"):
    named(MODELS, architecture)  # the others of configs/multi30k.py have sizes of their own
    config = multi30k.get_config(architecture)
    config.model.width = 64
    config.model.dropout = 0.1
    if "transformer" in (config.model.encoder, config.model.decoder):
        config.model.layers = 2
        config.model.heads = 4
        config.model.ffn = 256
    config.data.tests = {"test_2016_flickr": config.data.tests.test_2016_flickr}
    config.data.batch_tokens = 1_536  # 75 pairs a step, and 78 of 100 positions filled
    config.data.buckets = 4
    config.data.vocabulary.size = 4_000
    config.training.steps = 1_000
    config.training.learning_rate = LEARNING_RATES[architecture]
    config.training.schedule = "wsd"
    config.training.decay_share = 0.2
    config.training.warmup_steps = 100
    config.training.average_last = 1
    config.training.keep_last = 1
    config.training.validate_every_steps = 500
    config.training.save_every_steps = 500
    config.training.bleu_sentences = 0
    config.evaluation.beam = 1
    return config

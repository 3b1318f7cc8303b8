"""Multi30k at the size of an ablation: models of width 128, 4,000 subwords, ten minutes a run on one CPU core.

    python run.py ablate heads --config=configs/multi30k_small.py --launcher.jobs_at_once=2

After ten epochs Luong's model is within 4 BLEU of what configs/multi30k.py reaches in four times the work. All
architectures have the same batches, steps and schedule, each at its own learning rate.
"""

from configs import multi30k
from configs.base import MODELS, named
from research.results.calibration import EVIDENCE, Calibration

CALIBRATION = Calibration(
    baseline="luong", measure="bleu", number=38.1, tolerance=4.0, evidence=f"{EVIDENCE}/multi30k_small"
)
"""The number is that of configs/multi30k.py:luong in docs/results.md."""

LEARNING_RATES = {
    "none": 1e-2,
    "luong": 1e-2,
    "bahdanau": 1e-2,
    "transformer": 4e-3,
    "transformer_recurrent": 4e-3,
    "recurrent_transformer": 4e-3,
}
"""The middle of the grid of `ablate --tune`. For Luong's model 2e-2 is worse, 32.0 BLEU for 34.8; the others were not
tried at this width, and have half of what was best at width 64 (docs/recipes.md)."""


def get_config(architecture: str = "luong"):
    named(MODELS, architecture)  # the others of configs/multi30k.py have sizes of their own
    config = multi30k.get_config(architecture)
    config.model.width = 128
    config.model.dropout = 0.2
    if "transformer" in (config.model.encoder, config.model.decoder):
        config.model.layers = 2
        config.model.heads = 4
        config.model.ffn = 512
    config.data.tests = {"test_2016_flickr": config.data.tests.test_2016_flickr}
    config.data.batch_tokens = 2_048  # 90 pairs a step, and 77 of 100 positions filled
    config.data.buckets = 4
    config.data.vocabulary.size = 4_000
    config.training.steps = 2_500
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

"""The embedded corpus at the size of an ablation: sentences of a clause, 3,000 pairs to learn from, models of width 64.

    python run.py ablate recurrent_depth                     # this is what it takes when no --config is given

A run takes about half a minute on one CPU core. There are so few pairs that a translator which attends comes to a
plateau with room above it: after 1,600 steps and after 3,200 Luong's model has 0.21 nats a token, where a source has
one translation and 0 could be reached (docs/corpus.md). Questions turn further knobs.
"""

from configs import embedded
from research.results.calibration import EVIDENCE, Calibration

CALIBRATION = Calibration(
    baseline="luong", measure="nats", number=0.21, tolerance=0.02, evidence=f"{EVIDENCE}/embedded_tiny"
)
"""The plateau that was found under other seeds."""

LEARNING_RATES = {
    "none": 1e-2,
    "luong": 2e-2,
    "bahdanau": 2e-2,
    "transformer": 8e-3,
    "transformer_recurrent": 1e-2,
    "recurrent_transformer": 1e-2,
}
"""By the lowest perplexity on validation among rates a factor of two apart, with the knobs that this config had before
(docs/recipes.md). They are where `ablate --tune` begins."""


def get_config(architecture: str = "luong"):
    config = embedded.get_config(architecture)
    config.model.width = 64
    if "ffn" in config.model:
        config.model.ffn = 128
    config.data.embedded.clauses = 1
    config.data.embedded.train_pairs = 3_000
    config.data.embedded.validation_pairs = 1_000
    config.data.embedded.test_pairs = 10_000
    config.data.vocabulary.size = 600
    config.data.batch_tokens = 1_536  # 68 pairs a step, and 78 of 100 positions filled
    config.training.steps = 1_600
    config.training.learning_rate = LEARNING_RATES[architecture]
    config.training.validate_every_steps = 400
    config.training.save_every_steps = 400
    config.training.bleu_sentences = 0
    config.evaluation.beam = 1
    return config

"""The embedded corpus at the size of an ablation: sentences of a clause, few words, models of width 64.

    python run.py ablate recurrent_depth                     # this is what it takes when no --config is given

A run takes about half a minute on one CPU core, and so all questions of experiments/ with three seeds each about two
hours on two. After 800 steps, two and a half epochs, a model that attends has learnt the task (92 to 97 BLEU on
validation), and one that does not has begun (17). Questions turn further knobs.
"""

from configs import embedded

LEARNING_RATES = {
    "none": 1e-2,
    "luong": 2e-2,
    "bahdanau": 2e-2,
    "transformer": 8e-3,
    "transformer_recurrent": 1e-2,
    "recurrent_transformer": 1e-2,
}
"""By the lowest perplexity on validation among rates a factor of two apart; docs/recipes.md has the others."""


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
    config.data.batch_tokens = 1_536
    config.training.steps = 1_600
    config.training.learning_rate = LEARNING_RATES[architecture]
    config.training.validate_every_steps = 400
    config.training.save_every_steps = 400
    config.training.bleu_sentences = 0
    config.evaluation.beam = 1
    return config

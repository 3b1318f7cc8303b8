"""The embedded corpus at the size of an ablation: sentences of a clause, few words, models of width 64.

    python run.py ablate recurrent_depth                     # this is what it takes when no --config is given

A run takes about half a minute on one CPU core, and so all questions of experiments/ with three seeds each about two
hours on two. The task is set so that arms can differ: after 800 steps a model that attends has learnt most of it
(Luong's 35 BLEU and the Transformer 44), one that does not has hardly begun. Questions turn further knobs.
"""

from configs import embedded


def get_config(architecture: str = "luong"):
    config = embedded.get_config(architecture)
    config.model.width = 64
    if "ffn" in config.model:
        config.model.ffn = 128
    config.data.embedded.clauses = 1
    config.data.embedded.words = 0.1
    config.data.embedded.ambiguity = 0.1
    config.data.embedded.validation_pairs = 200
    config.data.embedded.test_pairs = 500
    config.data.vocabulary.size = 300
    config.data.batch_tokens = 768
    config.data.buckets = 1
    config.training.steps = 800
    config.training.learning_rate = 5e-3
    config.training.validate_every_steps = 400
    config.training.save_every_steps = 400
    config.training.bleu_sentences = 0
    config.evaluation.beam = 1
    return config

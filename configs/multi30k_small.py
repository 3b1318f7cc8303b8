"""Multi30k at the size of an ablation: models of width 64, 4,000 pieces, about a minute a run on one CPU core.

    python run.py ablate heads --config=configs/multi30k_small.py --launcher.jobs_at_once=2

Two epochs are early: configs/multi30k.py is what a translator needs. All families have the same batches, steps and
schedule, so that arms may be of any.
"""

from configs import multi30k


def get_config(architecture: str = "luong"):
    config = multi30k.get_config(architecture)
    config.model.width = 64
    config.model.dropout = 0.1
    if "transformer" in (config.model.encoder, config.model.decoder):
        config.model.layers = 2
        config.model.heads = 4
        config.model.ffn = 256
    config.data.tests = {"test_2016_flickr": config.data.tests.test_2016_flickr}
    config.data.batch_tokens = 1_024
    config.data.buckets = 3
    config.data.vocabulary.size = 4_000
    config.training.steps = 1_500
    config.training.learning_rate = 4e-3
    config.training.schedule = "cosine"
    config.training.warmup_steps = 150
    config.training.average_last = 1
    config.training.keep_last = 1
    config.training.validate_every_steps = 500
    config.training.save_every_steps = 500
    config.training.bleu_sentences = 0
    config.evaluation.beam = 1
    return config

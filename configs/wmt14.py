"""English to German on WMT 2014, 4.5 million pairs: what Vaswani et al. 2017 and Luong et al. 2015 measured on.

    python -m research.data.prepare wmt14_translate/de-en      # once, with a network
    python run.py train --config=configs/wmt14.py:base --workdir=runs/base

`base` and `big` are Table 3's, with the training of section 5 and the search of section 6.1: a beam of 4 and GNMT's
length penalty with alpha = 0.6. A translation may have 1.5 times the source's tokens and 50, theirs once and 50. They
are for accelerators.
"""

from configs.base import MODELS, base, named, transformer


def transformer_base():
    """6+6 layers, 512 wide, 8 heads of 64: 65 million parameters, 27.3 BLEU on newstest2014."""
    config = transformer()
    config.width = 512
    config.ffn = 2_048
    config.heads = 8
    config.layers = 6
    config.norm = "post"
    return config


def transformer_big():
    """Twice as wide, 16 heads: 213 million parameters, 28.4 BLEU."""
    config = transformer_base()
    config.width = 1_024
    config.ffn = 4_096
    config.heads = 16
    config.dropout = 0.3
    return config


ARCHITECTURES = {**MODELS, "base": transformer_base, "big": transformer_big}


def get_config(architecture: str = "base"):
    config = base(named(ARCHITECTURES, architecture))
    config.data.source = "tfds"
    config.data.builder = "wmt14_translate/de-en"
    config.data.languages = ("en", "de")
    config.data.batch_tokens = 25_000
    config.data.buckets = 8
    config.data.vocabulary.size = 37_000
    config.data.vocabulary.character_coverage = 0.9995
    config.data.vocabulary.byte_fallback = True
    config.training.steps = 300_000 if architecture == "big" else 100_000
    config.training.warmup_steps = 4_000
    config.training.learning_rate = (config.model.width * 4_000) ** -0.5  # the peak of their equation 3
    config.training.clip_norm = 0.0
    config.training.average_last = config.training.keep_last = 20 if architecture == "big" else 5
    config.training.validate_every_steps = config.training.save_every_steps = 2_000
    config.evaluation.beam = 4
    config.evaluation.length_normalisation = "gnmt"
    config.evaluation.length_penalty = 0.6
    config.evaluation.extra_tokens = 50
    return config

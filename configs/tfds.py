"""Any translation builder of TensorFlow Datasets, read without TensorFlow; unless overridden, TED talks.

python -m research.data.prepare ted_hrlr_translate/pt_to_en      # once, with a network
python run.py train --config=configs/tfds.py:transformer --workdir=runs/ted
... --config.data.builder=wmt14_translate/de-en --config.data.languages="('en', 'de')"
"""

from configs.base import MODELS, base, named


def get_config(architecture: str = "transformer"):
    config = base(named(MODELS, architecture))
    config.data.source = "tfds"
    config.data.builder = "ted_hrlr_translate/pt_to_en"
    config.data.languages = ("pt", "en")  # the direction: either way round, whatever the builder's name says
    config.data.splits = ("train", "validation", "test")
    config.data.buckets = 6
    config.data.vocabulary.size = 16_000
    config.data.vocabulary.character_coverage = 0.9995  # the crawled corpora hold thousands of stray characters
    config.data.vocabulary.byte_fallback = True
    config.training.steps = 50_000
    config.training.warmup_steps = 4_000
    return config

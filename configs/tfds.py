"""Any translation builder of TensorFlow Datasets, read without TensorFlow; unless overridden, TED talks.

python -m research.data.prepare ted_hrlr_translate/pt_to_en      # once, with a network
python run.py train --config=configs/tfds.py:transformer --workdir=runs/ted
... --config.data.builder=wmt14_translate/de-en --config.data.languages="('en', 'de')"
"""

from ml_collections import ConfigDict

from configs.base import MODELS, base, named


def get_config(architecture: str = "transformer"):
    config = base(named(MODELS, architecture))
    read_builder(config.data, "ted_hrlr_translate/pt_to_en", ("pt", "en"))
    config.data.buckets = 6
    config.data.vocabulary.size = 16_000
    config.training.steps = 50_000
    config.training.warmup_steps = 4_000
    return config


def read_builder(data: ConfigDict, builder: str, languages: tuple[str, str]) -> None:
    """Set the fields of config.data for a builder: its splits, and a vocabulary for crawled text.

    Args:
        data: config.data, changed in place.
        builder: the name in TensorFlow Datasets.
        languages: (source, target): the direction, whatever the order in the builder's name.
    """
    data.source = "tfds"
    data.builder = builder
    data.languages = languages
    data.splits = ("train", "validation", "test")
    data.vocabulary.character_coverage = 0.9995  # the crawled corpora hold thousands of stray characters
    data.vocabulary.byte_fallback = True

"""Any translation builder of TensorFlow Datasets, read without TensorFlow; unless overridden, TED talks.

python -m research.data.prepare ted_hrlr_translate/pt_to_en      # once, with a network
python run.py train --config=configs/tfds.py:30k:transformer --workdir=runs/ted
... --config.data.builder=wmt14_translate/de-en --config.data.languages="('en', 'de')"

30k is the size of the corpus, as in configs/text.py: TED has 52,000 pairs, WMT 2014 4.5 million (1M).
"""

from ml_collections import ConfigDict

from configs.base import MODELS, base, named
from configs.recipes import follow, sized


def get_config(name: str = "30k:transformer"):
    size, architecture = sized(name)
    config = base(named(MODELS, architecture))
    read_builder(config.data, "ted_hrlr_translate/pt_to_en", ("pt", "en"))
    follow(config, size)
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

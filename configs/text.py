"""Your own parallel text: two files a split, plain or .gz, one sentence a line.

    python run.py train --config=configs/text.py:10k:transformer --workdir=runs/mine --config.data.root=corpus \
        --config.data.languages="('en', 'fr')" --config.data.train="('train.en.gz', 'train.fr.gz')" \
        --config.data.validation="('dev.en', 'dev.fr')" --config.data.tests.test="('test.en', 'test.fr')"

10k is the size of the corpus, nearest to its number of pairs: 1k, 10k, 30k (if none is given) or 1M. It chooses the
recipe (configs/recipes.py).
"""

from collections.abc import Sequence

from ml_collections import ConfigDict

from configs.base import MODELS, base, named
from configs.recipes import follow, sized


def get_config(name: str = "30k:luong"):
    size, architecture = sized(name)
    config = base(named(MODELS, architecture))
    config.data.source = "text"
    config.data.root = "."
    config.data.tests.test = ("", "")  # no such split until it names two files
    follow(config, size)
    return config


def read_files(
    data: ConfigDict, file: str, languages: tuple[str, str], *, train: str, validation: str, tests: Sequence[str]
) -> None:
    """Set the fields of config.data for files whose names follow one pattern.

    Args:
        data: config.data, changed in place.
        file: the pattern of a name, such as "{split}.{language}".
        languages: (source, target).
        train: what stands for {split} in the training files.
        validation: the same for the validation files.
        tests: the same for each test; it is also the name of the split.
    """

    def pair(split: str) -> tuple[str, ...]:
        return tuple(file.format(split=split, language=language) for language in languages)

    data.source = "text"
    data.languages = languages
    data.train = pair(train)
    data.validation = pair(validation)
    data.tests = {test: pair(test) for test in tests}

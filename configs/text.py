"""Your own parallel text: two files a split, plain or .gz, one sentence a line.

    python run.py train --config=configs/text.py:transformer --workdir=runs/mine --config.data.root=corpus \
        --config.data.languages="('en', 'fr')" --config.data.train="('train.en.gz', 'train.fr.gz')" \
        --config.data.validation="('dev.en', 'dev.fr')" --config.data.tests.test="('test.en', 'test.fr')"
"""

from configs.base import MODELS, base, named


def get_config(architecture: str = "luong"):
    config = base(named(MODELS, architecture))
    config.data.source = "text"
    config.data.root = "."
    config.data.tests.test = ("", "")  # no such split until it names two files
    config.data.buckets = 6
    return config

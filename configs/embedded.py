"""English to Korean on the embedded corpus: no network, gold alignments, minutes on two CPU cores.

    python run.py train --config=configs/embedded.py:luong --workdir=runs/luong
"""

from configs.base import MODELS, base, named


def get_config(architecture: str = "luong"):
    return base(named(MODELS, architecture))

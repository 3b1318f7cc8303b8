"""A question that any test of this folder may ask."""

import pytest

from configs.command_line import load
from research.ablation.ablate import Ablation
from tests.ablation.pretended import QUESTION


@pytest.fixture
def question(tmp_path):
    def make(**options):
        return Ablation(
            "which",
            QUESTION,
            lambda architecture: load(f"configs/embedded_tiny.py:{architecture}"),
            **{
                "override": lambda config: None,
                "config_file": "configs/embedded_tiny.py",
                "command": "python run.py ablate which",
                "seeds": (0, 1, 2),
                "out": tmp_path,
                "search": "beam1",
                **options,
            },
        )

    return make

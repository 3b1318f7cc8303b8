"""A question that any test of this folder may ask, and a plan of it."""

import pytest

from configs.command_line import load
from research.ablation import locking
from research.ablation.ablate import Ablation
from research.ablation.locking import register
from research.ablation.tuning import tune
from research.training.provenance import Committed
from tests.ablation.pretended import BEFORE, QUESTION, Learner, Pretends


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


@pytest.fixture
def file(tmp_path):
    return tmp_path / "locks" / "which.embedded_tiny.json"


@pytest.fixture
def committed(monkeypatch):
    """As if everything were committed: the tree is clean, and git knows every lock."""
    monkeypatch.setattr(locking, "commit", lambda: "c0de")
    monkeypatch.setattr(locking, "commit_of", lambda file: Committed("10c4", BEFORE))


@pytest.fixture
def locked(question, file, committed):
    """A question that was tuned and registered for the seeds 100 to 102 before its runs began."""
    tune(question(tuned=False), Pretends(leave=Learner()))
    return register(question(seeds=(100, 101, 102)), file, None)

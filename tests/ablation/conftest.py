"""A question that any test of this folder may ask, and a plan of it."""

import pytest

from research.ablation import locking
from research.ablation.ablate import Ablation
from research.ablation.locking import register
from research.ablation.tuning import tune
from research.results.calibration import Calibration
from research.results.run_folder import RunFolder
from research.training.provenance import Committed
from tests.ablation.pretended import BEFORE, QUESTION, Learner, Pretends, get_config, leave_a_run


@pytest.fixture
def question(tmp_path):
    """Its corpus has a baseline that reached its number: see `leave_a_run`."""
    baseline = RunFolder(tmp_path / "baseline" / "luong.1")
    baseline.path.mkdir(parents=True)
    leave_a_run(baseline, get_config("luong"), seed=1)

    def make(**options):
        return Ablation(
            "which",
            QUESTION,
            get_config,
            **{
                "override": lambda config: None,
                "config_file": "configs/embedded_tiny.py",
                "command": "python run.py ablate which",
                "seeds": (0, 1, 2),
                "out": tmp_path,
                "search": "beam1",
                "calibration": Calibration("luong", "perplexity", 8.0, 0.1, str(tmp_path / "baseline")),
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

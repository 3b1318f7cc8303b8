"""A run that begins with the trunk of a shorter one is the run that was trained from its first step."""

import shutil

import pytest

from research.results.run_folder import RunFolder
from research.training import trainer
from research.training.training_run import TrainingRun
from tests.training.test_trainer import assert_same_run, tiny

WSD = {"training.schedule": "wsd", "training.decay_share": 0.4, "training.validate_every_steps": 2}
SHORT = {**WSD, "training.steps": 5, "training.keep_trunk": True}  # the rate falls after 3 steps, of 8 after 5
LONG = {**WSD, "training.steps": 8}


def train(folder, trunk=None, **fields):
    return trainer.train(tiny(**fields), folder, command=f"python run.py train {folder.name}", trunk=trunk)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "unbroken", **LONG).path


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "short", **SHORT).path


def kept(folder):
    return sorted(int(each.name) for each in RunFolder(folder).trunk.glob("*"))


def test_it_equals_the_run_that_was_not_shared(short, unbroken, tmp_path):
    assert kept(short) == [2, 3]  # the best validation until then, and the end of the trunk
    long = train(tmp_path / "long", short, **LONG)
    assert_same_run(long.path, unbroken)
    facts, others = long.provenance(), RunFolder(unbroken).provenance()
    assert {name: facts[name] for name in ("steps", "tokens", "digests")} == {
        name: others[name] for name in ("steps", "tokens", "digests")
    }
    assert (facts["name"], facts["command"]) == ("long", "python run.py train long")
    before = RunFolder(short).provenance()
    assert facts["trunk"] == {"name": "short", "step": 3, "seconds": before["trunk_seconds"]}
    assert 0 < before["trunk_seconds"] < before["seconds"]
    assert long.own_seconds() == facts["seconds"] - before["trunk_seconds"]
    assert RunFolder(short).own_seconds() == before["seconds"]
    assert "trunk_seconds" not in facts  # it has kept no trunk itself
    assert facts["went_on"][0]["from_step"] == 3
    assert facts["began"] == RunFolder(short).provenance()["began"]  # a lock is older than all of it


def test_keeping_a_trunk_changes_nothing(unbroken, tmp_path):
    keeps = train(tmp_path / "keeps", **LONG, **{"training.keep_trunk": True}).path
    assert_same_run(keeps, unbroken)
    assert kept(keeps)[-1] == 5
    checkpoints = [sorted(each.name for each in RunFolder(run).checkpoints.glob("[0-9]*")) for run in (keeps, unbroken)]
    assert checkpoints[0] == checkpoints[1]


def test_a_run_that_was_begun_goes_on_by_the_same_command(short, unbroken, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "save", stop)  # before anything of its own is saved
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "long", short, **LONG)
    train(tmp_path / "long", short, **LONG)
    assert_same_run(tmp_path / "long", unbroken)
    train(tmp_path / "long", short, **LONG)  # finished: nothing is copied over it
    assert_same_run(tmp_path / "long", unbroken)


def test_killed_before_its_trunk_was_copied(tmp_path, monkeypatch):
    def fail(*_):
        raise SystemExit("as if the power had failed")

    rare = {**SHORT, "training.validate_every_steps": 3, "training.save_every_steps": 100}
    with monkeypatch.context() as patched:
        patched.setattr(TrainingRun, "_keep_trunk", fail)
        with pytest.raises(SystemExit):
            train(tmp_path / "short", **rare)
    assert kept(train(tmp_path / "short", **rare).path) == [3]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"model.dropout": 0.1}, r"is a run with model\.dropout=0\.3, not 0\.1: runs that share a trunk differ in"),
        ({"seed": 7}, r"is a run with seed=0, not 7"),
        ({"training.steps": 4}, r"has 3 steps, and the rate of a run of 4 falls before: give more training\.steps"),
    ],
)
def test_another_run_is_refused_and_leaves_nothing(short, tmp_path, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        train(tmp_path / "long", short, **{**LONG, **fields})
    assert not (tmp_path / "long").exists()


def test_a_run_without_a_trunk_says_what_to_do(unbroken, tmp_path):
    with pytest.raises(ValueError, match=r"kept no trunk: train it with --config\.training\.keep_trunk=True"):
        train(tmp_path / "long", unbroken, **{**LONG, "training.steps": 20})
    with pytest.raises(FileNotFoundError, match="nowhere is not a run folder"):
        train(tmp_path / "long", tmp_path / "nowhere", **LONG)


def test_a_schedule_without_a_trunk_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"only training\.schedule='wsd' .* not 'cosine' with 0\.2"):
        train(tmp_path / "run", **{"training.schedule": "cosine", "training.keep_trunk": True})
    assert not (tmp_path / "run").exists()


def test_half_of_a_copy_is_no_checkpoint(short, tmp_path, monkeypatch):
    """A copy that was cut off leaves a name that nothing reads."""
    original = shutil.copytree

    def cut_off(folder, to, *others, **named):
        if "trunk" in str(folder):
            to.mkdir()
            raise OSError("no space left")
        return original(folder, to, *others, **named)

    monkeypatch.setattr(shutil, "copytree", cut_off)
    with pytest.raises(OSError, match="no space left"):
        train(tmp_path / "long", short, **LONG)
    assert not list((tmp_path / "long" / "checkpoints").glob("[0-9]*"))

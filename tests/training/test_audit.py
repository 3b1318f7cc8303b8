"""The audit of exact resume: it sees what it has to see, and a training of ours passes it."""

import json

import pytest

from research.results.run_folder import RunFolder
from research.training import audit as audits
from research.training.audited import MOMENTS, SIGNALS, Moment, Step
from tests.training.test_trainer import tiny, train

FOUR = [Step(step, f"state {step}", f"batch {step}", f"cursor {step}") for step in (1, 2, 3, 4)]


@pytest.fixture
def tries(monkeypatch, tmp_path):
    """Replace the processes: each try logs given steps and leaves with a code; a finished folder is a dict."""
    script, folders = [], {}

    def go_on(self, moment, *, must_end):
        steps, code = script.pop(0)
        with self.log.open("ab") as log:
            log.writelines(audits.json_bytes(each).replace(b"\n", b"") + b"\n" for each in steps)
        return code

    monkeypatch.setattr(audits.Trained, "go_on", go_on)
    monkeypatch.setattr(audits, "_left", lambda folder: folders.get(folder.path.name, {"metrics.jsonl": 1}))
    (tmp_path / "out").mkdir()
    return script, folders


def run(tmp_path, kills):
    return audits.audit(tiny(), tmp_path / "out", kills=kills, seed=0, command="python run.py audit again")


def test_each_kill_has_where_it_died_from_where_it_went_on_and_what_was_lost(tries, tmp_path):
    script, _ = tries
    script += [(FOUR, 0), (FOUR[:3], -9), (FOUR[1:3], -9), ([], -9), (FOUR[3:], 0)]
    found = run(tmp_path, 3)
    assert [(kill.died, kill.resumed, kill.lost, kill.code) for kill in found.kills] == [
        (3, 1, 2, -9),
        (3, 3, 0, -9),
        (3, 3, 0, -9),
    ]
    assert found.passed
    held = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert (held["passed"], [kill["lost"] for kill in held["kills"]]) == (True, [2, 0, 0])


def test_a_kill_after_the_last_save_has_lost_nothing(tries, tmp_path):
    """The same command has nothing left to do, and what comes next is another folder."""
    script, _ = tries
    script += [(FOUR, 0), (FOUR, 130), ([], 0), (FOUR[:2], -9), (FOUR[2:], 0)]
    found = run(tmp_path, 3)
    assert [(kill.died, kill.resumed, kill.code) for kill in found.kills] == [(4, 4, 130), (4, 4, 0), (2, 2, -9)]
    assert found.passed


def test_of_kills_before_any_step_the_next_try_that_comes_to_one_tells(tries, tmp_path):
    script, _ = tries
    script += [(FOUR, 0), ([], -9), (FOUR[:3], -9), ([], -9), ([], -9), (FOUR[1:], 0)]
    found = run(tmp_path, 4)
    assert [(kill.died, kill.resumed) for kill in found.kills] == [(0, 0), (3, 1), (3, 1), (3, 1)]


@pytest.mark.parametrize("field", ["state", "batch", "cursor"])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_one_step_that_differs_is_seen(field, where, tries, tmp_path):
    script, _ = tries
    other = Step(**{**{name: getattr(FOUR[2], name) for name in Step.__struct_fields__}, field: "another"})
    three = [[*FOUR[:3]], [*FOUR[1:3]], [*FOUR[2:]]]
    three[where] = [other if each == FOUR[2] else each for each in three[where]]
    script += [(FOUR, 0), (three[0], -9), (three[1], 130), (three[2], 0)]
    assert not run(tmp_path, 2).passed


def test_a_step_that_the_unbroken_training_has_not_is_seen(tries, tmp_path):
    script, _ = tries
    script += [(FOUR, 0), ([], -9), ([*FOUR, Step(5, "", "", "")], 0)]
    assert not run(tmp_path, 1).passed


def test_finished_folders_that_differ_are_said(tries, tmp_path):
    script, folders = tries
    folders["killed.1"] = {"metrics.jsonl": 2}
    script += [(FOUR, 0), (FOUR[:1], -9), (FOUR[1:], 0)]
    found = run(tmp_path, 1)
    assert (found.passed, found.differences) == (False, ["killed.1: metrics.jsonl differs"])


def test_a_training_that_ends_before_its_moment_is_compared_and_another_begins(tries, tmp_path):
    script, folders = tries
    folders["killed.1"] = {"metrics.jsonl": 2}
    script += [(FOUR, 0), (FOUR, 0), (FOUR[:2], -9), (FOUR[2:], 0)]
    found = run(tmp_path, 2)
    assert [kill.code for kill in found.kills] == [0, -9]
    assert found.differences == ["killed.1: metrics.jsonl differs"]


def test_a_folder_in_use_is_refused(tries, tmp_path):
    (tmp_path / "out" / "x").write_text("")
    with pytest.raises(ValueError, match="is not empty: choose another --out"):
        run(tmp_path, 1)


def test_what_a_run_left_is_equal_but_for_the_clock(tmp_path):
    one, other = (RunFolder(train(tmp_path / name).path) for name in ("a", "b"))
    assert audits._left(one) == audits._left(other)
    other.append_metrics({"step": 9, "train/nll": 1.0})
    assert audits._left(one) != audits._left(other)


def test_every_moment_comes_in_turn_and_by_chance():
    config = tiny()
    by_seed = [list(audits._moments(20, audits.random.Random(seed), config, 7.0)) for seed in (0, 0, 1)]
    assert by_seed[0] == by_seed[1] != by_seed[2]
    assert {moment.name for moment in by_seed[0]} == set(MOMENTS)
    for moment in by_seed[0]:
        most = {"any time": 7_000, **dict.fromkeys(SIGNALS, config.training.steps)}.get(moment.name, audits.FAR)
        assert 0 <= moment.number <= most


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["bahdanau", "transformer"])
def test_a_training_is_killed_at_every_moment_and_is_the_unbroken_one(architecture, tmp_path):
    fields = {"training.average_last": 2, "training.accumulation": 2, "training.patience": 3, "training.steps": 16}
    config = tiny(architecture, **fields)
    found = audits.audit(config, tmp_path / "out", kills=2 * len(MOMENTS), seed=0, command="python run.py audit again")
    assert found.passed, found
    assert sum(kill.code == -9 for kill in found.kills) >= len(MOMENTS) - len(SIGNALS)
    assert max(kill.lost for kill in found.kills) <= config.training.save_every_steps
    assert Moment("its first files", 1) in [kill.moment for kill in found.kills]

"""Seeds side by side: each lane is the solo run of its seed, leaves what that leaves, and fails alone.

A lane's numbers are the solo run's but for rounding: under `vmap` XLA multiplies the matrices of all lanes in one
batched product, and fuses and adds up in another order. So weights are compared within 2e-6, a few float32 roundings of
weights below 1 after eight steps of at most 1e-3; a seed, a dropout mask or a batch that is not its own is a hundred
times as far off. A Transformer's key biases have no gradient but rounding, which Adam makes as large as any other: its
weights could not be compared so.
"""

import json
import shutil
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from research.data.batches import Batches
from research.parallel import host
from research.results.run_folder import RunFolder
from research.training import seeds, trainer
from tests.training.test_trainer import at_step, last_state, measured, terminate, tiny

SEEDS = (0, 3, 5)
FIELDS = {"training.learning_rate": 1e-3}


def train(root, *, together, of=SEEDS, **fields):
    config = tiny(**{**FIELDS, **fields})
    return seeds.train_seeds(config, {seed: root / str(seed) for seed in of}, command=str, together=together)


def solo(folder, seed, **fields):
    return trainer.train(tiny(**{**FIELDS, "seed": seed, **fields}), folder, command=str(seed))


@pytest.fixture(autouse=True)
def devices(monkeypatch, request):
    """One device, or as many as the test asks for; a solo run is the reference on one."""
    count = getattr(request, "param", 1)
    monkeypatch.setattr(host, "training_devices", lambda: jax.devices()[:count])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    root = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "training_devices", lambda: jax.devices()[:1])
        return {seed: solo(root / str(seed), seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    root = tmp_path_factory.mktemp("together")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "training_devices", lambda: jax.devices()[:1])
        return train(root, together=True)


def assert_close(folder, other, atol=2e-6):
    (state, notes), (expected, expected_notes) = last_state(folder.path), last_state(other.path)
    assert notes["cursor"] == expected_notes["cursor"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=atol), state, expected)
    lines, expected_lines = measured(folder.path), measured(other.path)
    assert len(lines) == len(expected_lines)
    for line, expected_line in zip(lines, expected_lines, strict=True):
        assert line == pytest.approx(expected_line, rel=1e-4)


def test_a_lane_is_the_solo_run_of_its_seed(alone, together):
    assert list(together) == list(SEEDS)
    for seed in SEEDS:
        assert_close(together[seed], alone[seed])
    first, second = (last_state(together[seed].path)[0]["params"] for seed in SEEDS[:2])
    assert max(jax.tree.leaves(jax.tree.map(lambda a, b: np.abs(a - b).max(), first, second))) > 1e-2


def test_a_lane_leaves_an_ordinary_run_folder(alone, together):
    for seed in SEEDS:
        lane, run = together[seed], alone[seed]
        for part in ("", "vocabulary", "splits", "checkpoints"):
            names = [sorted(file.name for file in (folder.path / part).iterdir()) for folder in (lane, run)]
            assert names[0] == names[1]
        assert lane.read_json("config.json") == run.read_json("config.json")
        assert lane.config().seed == seed
        provenance, expected = lane.provenance(), run.provenance()
        assert provenance.pop("side_by_side") == {"seeds": list(SEEDS), "taken": True}
        assert provenance.pop("seconds") > 0
        del expected["seconds"]
        assert provenance == expected


@pytest.mark.parametrize(
    ("devices", "strategy"), [(2, "pmap"), pytest.param(8, "shard_map", marks=pytest.mark.slow)], indirect=["devices"]
)
def test_lanes_over_devices(devices, strategy, alone, tmp_path):
    """Three on two devices, with one to fill up, and on three of eight."""
    found = train(tmp_path, together=True, **{"training.strategy": strategy})
    for seed in SEEDS:
        assert_close(found[seed], alone[seed])


def test_one_after_another_is_each_run_bit_for_bit(alone, tmp_path):
    for seed, folder in train(tmp_path, together=False).items():
        assert_close(folder, alone[seed], atol=0)
        assert folder.provenance()["side_by_side"] == {"seeds": list(SEEDS), "taken": False}


def test_stopped_side_by_side_and_resumed_is_what_was_not(together, tmp_path, monkeypatch):
    """Bit for bit where all go on together; within rounding where one goes on alone."""
    signals = iter([terminate])  # one for all, though each lane asks for its batch of step 5
    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__getitem__", at_step(5, lambda: next(signals, int)()))
        with pytest.raises(KeyboardInterrupt, match="stopped at step 5, which is saved"):
            train(tmp_path / "run", together=True)
    assert [last_state(tmp_path / "run" / str(seed))[0]["step"] for seed in SEEDS] == [5, 5, 5]
    shutil.copytree(tmp_path / "run" / "5", tmp_path / "5")
    found = train(tmp_path / "run", together=True)
    for seed in SEEDS:
        assert_close(found[seed], together[seed], atol=0)
    assert_close(solo(tmp_path / "5", 5), together[5])


def test_seeds_at_different_steps_come_one_after_another(alone, tmp_path):
    """And one that is finished is left as it is."""
    shutil.copytree(alone[3].path, tmp_path / "3")
    before = (tmp_path / "3/metrics.jsonl").read_bytes()
    found = train(tmp_path, together=True, of=(0, 3))
    assert (tmp_path / "3/metrics.jsonl").read_bytes() == before
    assert not any("side_by_side" in folder.provenance() for folder in found.values())
    assert_close(found[0], alone[0], atol=0)


def test_one_that_diverges_is_given_up_and_disturbs_nobody(together, tmp_path, monkeypatch, capsys):
    original = seeds.Recipe.lane

    def poisoned(recipe, seed, *arguments):
        context = original(recipe, seed, *arguments)
        return context if seed != 3 else _Poisoned(context)

    monkeypatch.setattr(seeds.Recipe, "lane", poisoned)
    found = train(tmp_path, together=True, **{"training.steps": 26, "training.validate_every_steps": 26})
    assert isinstance(found[3], FloatingPointError)
    assert str(found[3]).startswith("the gradient was not finite for 20 steps up to step 20: lower")
    assert "3 is given up, and the others go on: the gradient was not finite" in capsys.readouterr().err
    assert RunFolder(tmp_path / "3").provenance()["steps"] == 18
    for seed in (0, 5):
        assert found[seed].provenance()["steps"] == 26
        early = [line for line in measured(found[seed].path) if line["step"] < 4]
        assert early == [line for line in measured(together[seed].path) if line["step"] < 4]
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(last_state(found[seed].path)[0]))


class _Poisoned:
    """A lane whose weights are not finite."""

    def __init__(self, context):
        self.context = context

    def __enter__(self):
        lane = self.context.__enter__()
        lane.state = lane.state.replace(params=jax.tree.map(lambda x: x * np.nan, lane.state.params))
        return lane

    def __exit__(self, *error):
        return self.context.__exit__(*error)


@pytest.mark.parametrize("together", [True, False])
def test_what_stops_one_seed_stops_no_other(together, alone, tmp_path):
    """Another run in its folder, or another process at work in it."""
    shutil.copytree(alone[0].path, tmp_path / "3")
    with RunFolder(tmp_path / "5").alone():
        found = train(tmp_path, together=together, of=(3, 5, 0), **{"training.steps": 1})
    assert list(found) == [3, 5, 0]
    assert "holds a run with seed=0, not 3" in str(found[3])
    assert isinstance(found[5], OSError)
    assert "another process is training" in str(found[5])
    assert found[0].provenance()["steps"] == 1


def test_what_stops_all_is_the_answer_of_each(tmp_path):
    found = train(tmp_path, together=None, **{"training.optimizer": "sgd"})
    assert {str(error).split(";")[0] for error in found.values()} == {"training.optimizer='sgd' is unknown"}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("side_by_side", "compiling", "taken", "found"),
    [
        (2.4, 0.5, True, "2.4 s"),
        (2.6, 0.5, False, "2.6 s"),
        (3.1, 0.5, False, "3.1 s"),
        (2.4, 0.7, False, "not worth compiling"),  # one step of three seeds takes less than 5 × 0.7 s
        (None, 0.5, False, "no memory for all"),
    ],
)
def test_the_faster_way_is_measured_and_taken(side_by_side, compiling, taken, found, monkeypatch, capsys):
    def measure(recipe, of):
        if len(of) > 1 and side_by_side is None:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED")
        return side_by_side if len(of) > 1 else 1.0, compiling

    monkeypatch.setattr(seeds, "_seconds_a_step", measure)
    assert seeds._faster_way(SimpleNamespace(config=tiny(**{"training.steps": 1})), SEEDS) == {
        "taken": taken,
        "seconds_a_step": side_by_side if found.endswith(" s") else None,
        "seconds_a_step_alone": 1.0,
    }
    way = "side by side" if taken else "one after another"
    said = f"a step of 3 seeds takes 3 × 1 s one after another; side by side: {found}; they are trained {way}\n"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("taken", [True, False])
def test_the_way_that_was_found_faster_is_gone_and_said(taken, tmp_path, monkeypatch):
    found = {"taken": taken, "seconds_a_step": 2.4, "seconds_a_step_alone": 1.0}
    monkeypatch.setattr(seeds, "_faster_way", lambda recipe, of: found)
    groups = []
    original = seeds.loop.train
    monkeypatch.setattr(
        seeds.loop, "train", lambda lanes, *a, **k: (groups.append(len(lanes)), original(lanes, *a, **k))
    )
    runs = train(tmp_path, together=None, **{"training.steps": 1})
    assert groups == ([3] if taken else [1, 1, 1])
    for folder in runs.values():
        assert folder.provenance()["side_by_side"] == {"seeds": list(SEEDS), **found}


@pytest.mark.slow
def test_measuring_measures(together, tmp_path, monkeypatch):
    """For real; whatever is taken, the runs are what they are."""
    monkeypatch.setattr(seeds, "WORTH", 0.0)
    found = train(tmp_path, together=None)
    measured = found[0].provenance()["side_by_side"]
    json.dumps(measured, allow_nan=False)
    assert measured["taken"] == (1.2 * measured["seconds_a_step"] < 3 * measured["seconds_a_step_alone"])
    for seed in SEEDS:
        assert_close(found[seed], together[seed])

"""Seeds side by side: each run equals the solo run of its seed, leaves the same files, and fails alone.

The numbers equal those of the solo run up to rounding: under `vmap` XLA multiplies the matrices of all runs in one
batched product, and adds up in another order. So weights are compared within 2e-6, a few float32 roundings of weights
below 1 after eight steps of at most 1e-3; the seed, dropout mask or batch of another run would give differences a
hundred times as large. A Transformer's weights could not be compared in this way: the gradient of its key biases is
rounding alone, which Adam makes as large as any other gradient.
"""

import json
import re
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


def train(root, *, together, of=SEEDS, then=lambda folder: None, **fields):
    config, folders = tiny(**{**FIELDS, **fields}), {seed: root / str(seed) for seed in of}
    return seeds.train_seeds(config, folders, command=str, then=then, together=together)


def solo(folder, seed, **fields):
    return trainer.train(tiny(**{**FIELDS, "seed": seed, **fields}), folder, command=str(seed))


@pytest.fixture(autouse=True)
def devices(monkeypatch, request):
    """Use one device, or as many as the test asks for; the solo runs are always on one."""
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


def test_a_run_side_by_side_equals_the_solo_run_of_its_seed(alone, together):
    assert list(together) == list(SEEDS)
    for seed in SEEDS:
        assert_close(together[seed], alone[seed])
    first, second = (last_state(together[seed].path)[0]["params"] for seed in SEEDS[:2])
    assert max(jax.tree.leaves(jax.tree.map(lambda a, b: np.abs(a - b).max(), first, second))) > 1e-2


def test_a_run_side_by_side_leaves_an_ordinary_run_folder(alone, together):
    for seed in SEEDS:
        run, solo_run = together[seed], alone[seed]
        for part in ("", "vocabulary", "splits", "checkpoints"):
            names = [sorted(file.name for file in (folder.path / part).iterdir()) for folder in (run, solo_run)]
            assert names[0] == names[1]
        assert run.read_json("config.json") == solo_run.read_json("config.json")
        assert run.config().seed == seed
        provenance, expected = run.provenance(), solo_run.provenance()
        assert provenance.pop("side_by_side") == {"seeds": list(SEEDS), "taken": True}
        assert provenance.pop("seconds") > 0
        assert provenance.pop("began") >= expected.pop("began")
        del expected["seconds"]
        assert provenance == expected


@pytest.mark.parametrize(
    ("devices", "strategy"), [(2, "pmap"), pytest.param(8, "shard_map", marks=pytest.mark.slow)], indirect=["devices"]
)
def test_runs_over_several_devices(devices, strategy, alone, tmp_path):
    """Three runs on two devices, where a copy fills the last place, and on three of eight devices."""
    found = train(tmp_path, together=True, **{"training.strategy": strategy})
    for seed in SEEDS:
        assert_close(found[seed], alone[seed])


def test_one_by_one_gives_each_solo_run_bit_for_bit(alone, tmp_path):
    for seed, folder in train(tmp_path, together=False).items():
        assert_close(folder, alone[seed], atol=0)
        assert folder.provenance()["side_by_side"] == {"seeds": list(SEEDS), "taken": False}


def test_runs_stopped_and_resumed_side_by_side_equal_unbroken_ones(together, tmp_path, monkeypatch):
    """Bit for bit if all resume together, up to rounding if one resumes alone."""
    signals = iter([terminate])  # one signal, though each run draws its batch of step 5
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


def test_seeds_at_different_steps_are_trained_one_by_one(alone, tmp_path):
    """A finished run is left unchanged."""
    shutil.copytree(alone[3].path, tmp_path / "3")
    before = (tmp_path / "3/metrics.jsonl").read_bytes()
    found = train(tmp_path, together=True, of=(0, 3))
    assert (tmp_path / "3/metrics.jsonl").read_bytes() == before
    assert not any("side_by_side" in folder.provenance() for folder in found.values())
    assert_close(found[0], alone[0], atol=0)


def test_a_run_that_diverges_stops_and_does_not_disturb_the_others(together, tmp_path, monkeypatch, capsys):
    original = seeds.Trainer.open_run

    def poisoned(trainer, seed, *arguments):
        context = original(trainer, seed, *arguments)
        return context if seed != 3 else _Poisoned(context)

    monkeypatch.setattr(seeds.Trainer, "open_run", poisoned)
    found = train(tmp_path, together=True, **{"training.steps": 26, "training.validate_every_steps": 26})
    assert isinstance(found[3], FloatingPointError)
    assert re.match(r"params/\S+ is not finite after step 3, and is not saved: lower", str(found[3]))
    assert "3 has stopped, and the other runs continue: params/" in capsys.readouterr().err
    assert RunFolder(tmp_path / "3").provenance()["steps"] == 0  # nothing that is not finite was saved
    for seed in (0, 5):
        assert found[seed].provenance()["steps"] == 26
        early = [line for line in measured(found[seed].path) if line["step"] < 4]
        assert early == [line for line in measured(together[seed].path) if line["step"] < 4]
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(last_state(found[seed].path)[0]))


class _Poisoned:
    """A run whose weights are not finite."""

    def __init__(self, context):
        self.context = context

    def __enter__(self):
        run = self.context.__enter__()
        run.state = run.state.replace(params=jax.tree.map(lambda x: x * np.nan, run.state.params))
        return run

    def __exit__(self, *error):
        return self.context.__exit__(*error)


@pytest.mark.parametrize("together", [True, False])
def test_an_error_in_one_seed_does_not_stop_the_others(together, alone, tmp_path):
    """Its folder holds another run, or is a file, or what was to follow the training fails."""
    shutil.copytree(alone[0].path, tmp_path / "3")
    (tmp_path / "5").touch()
    followed = []

    def then(folder):
        followed.append(folder.path.name)
        if folder.path.name == "7":
            raise ValueError("no sentences to evaluate")
        with pytest.raises(OSError, match="another process is training"), folder.alone():
            pass

    found = train(tmp_path, together=together, of=(7, 3, 5, 0), then=then, **{"training.steps": 1})
    assert list(found) == [7, 3, 5, 0]
    assert "holds a run with seed=0, not 3" in str(found[3])
    assert isinstance(found[5], OSError)
    assert str(found[7]) == "no sentences to evaluate"
    assert found[0].provenance()["steps"] == 1
    assert sorted(followed) == ["0", "7"]


def test_an_error_in_the_config_is_returned_for_each_seed(tmp_path):
    found = train(tmp_path, together=None, **{"training.optimizer": "sgd"})
    assert {str(error).split(";")[0] for error in found.values()} == {"training.optimizer='sgd' is unknown"}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("side_by_side", "compiling", "taken", "found"),
    [
        (2.4, 4.0, True, "2.4 s"),
        (2.6, 4.0, False, "2.6 s"),
        (3.1, 4.0, False, "3.1 s"),
        (2.4, 6.0, False, "not worth compiling"),  # 100 steps of three seeds take less than 60 × 6 s
        (None, 4.0, False, "too little memory"),
    ],
)
def test_the_faster_way_is_chosen_and_printed(side_by_side, compiling, taken, found, monkeypatch, capsys):
    def measure(trainer, of):
        if len(of) > 1 and side_by_side is None:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED")
        return side_by_side if len(of) > 1 else 1.0, compiling

    monkeypatch.setattr(seeds, "_seconds_per_step", measure)
    assert seeds._choose(SimpleNamespace(config=tiny(**{"training.steps": 100})), SEEDS) == {
        "taken": taken,
        "seconds_a_step": side_by_side if found.endswith(" s") else None,
        "seconds_a_step_alone": 1.0,
    }
    way = "side by side" if taken else "one by one"
    said = f"a step of 3 seeds takes 3 × 1 s one by one; side by side: {found}; they are trained {way}\n"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("taken", [True, False])
def test_the_faster_way_is_taken_and_recorded(taken, tmp_path, monkeypatch):
    found = {"taken": taken, "seconds_a_step": 2.4, "seconds_a_step_alone": 1.0}
    monkeypatch.setattr(seeds, "_choose", lambda trainer, of: found)
    groups = []
    original = seeds.Trainer.train
    monkeypatch.setattr(
        seeds.Trainer, "train", lambda trainer, runs: (groups.append(len(runs)), original(trainer, runs))
    )
    runs = train(tmp_path, together=None, **{"training.steps": 1})
    assert groups == ([3] if taken else [1, 1, 1])
    for folder in runs.values():
        assert folder.provenance()["side_by_side"] == {"seeds": list(SEEDS), **found}


@pytest.mark.slow
def test_a_real_measurement_is_recorded(together, tmp_path, monkeypatch):
    """Whichever way is chosen, the runs are the same."""
    monkeypatch.setattr(seeds, "LEAST_TRAINING", 0.0)
    found = train(tmp_path, together=None)
    measured = found[0].provenance()["side_by_side"]
    json.dumps(measured, allow_nan=False)
    assert measured["taken"] == (1.2 * measured["seconds_a_step"] < 3 * measured["seconds_a_step_alone"])
    for seed in SEEDS:
        assert_close(found[seed], together[seed])


@pytest.mark.slow
@pytest.mark.parametrize("devices", [2], indirect=True)
def test_runs_that_are_cut_over_devices_are_trained_one_by_one(devices, tmp_path, alone):
    """Whatever is asked for: side by side, each would be whole on one device."""
    cut = {"training.strategy": "mesh", "training.fsdp": 2}
    runs = train(tmp_path, together=True, of=SEEDS[:2], **cut)
    for seed in SEEDS[:2]:
        assert runs[seed].provenance()["side_by_side"] == {"seeds": list(SEEDS[:2]), "taken": False}
        assert_close(runs[seed], alone[seed])

"""Whole tiny runs: resumed bit for bit with dropout on, refused if they are another run, and the files they leave."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import jax
import numpy as np
import psutil
import pytest

import run as door
from configs.embedded import get_config
from research import data
from research.data.batches import Batches
from research.data.vocabulary import Vocabularies
from research.data.word_counts import FILE, read_counts
from research.evaluation.loaded_run import load
from research.files import write_whole
from research.parallel.devices import Devices
from research.results.checkpoints import Checkpoints
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder
from research.training import trainer
from research.training.folder_setup import refuse_another_config
from research.training.training_run import TrainingRun

ROOT = Path(door.__file__).parent
FIELDS = {
    "model.width": 8,
    "model.dropout": 0.3,
    "data.embedded.train_pairs": 67,
    "data.embedded.validation_pairs": 11,
    "data.embedded.test_pairs": 7,
    "data.vocabulary.size": 500,
    "data.buckets": 1,
    "data.batch_tokens": 400,
    "training.steps": 8,
    "training.schedule": "inverse_sqrt",
    "training.warmup_steps": 3,
    "training.log_every_steps": 1,
    "training.validate_every_steps": 4,
    "training.save_every_steps": 3,
    "training.bleu_sentences": 0,
    "training.ema_decay": 0.9,
    "evaluation.batch_sentences": 11,
}


def tiny(architecture="luong", **fields):
    config = get_config(architecture)
    config.update_from_flattened_dict({**FIELDS, **fields})
    return config.lock()


def train(folder, **fields):
    return trainer.train(tiny(**fields), folder, command="python run.py train again")


def last_state(folder):
    checkpoints = Checkpoints(RunFolder(folder).checkpoints)
    try:
        return checkpoints.restore(checkpoints.steps()[-1])
    finally:
        checkpoints.close()


def measured(folder):
    """Return the records of metrics.jsonl without times."""
    clock = ("seconds", "train/tokens_per_second")
    return [
        {name: value for name, value in record.items() if name not in clock} for record in RunFolder(folder).metrics()
    ]


def assert_same_run(one, other):
    """Compare weights, moments, averages, cursor and metrics bit for bit."""
    (state, notes), (expected, expected_notes) = last_state(one), last_state(other)
    assert notes["digests"] == expected_notes["digests"]
    assert notes["cursor"] == expected_notes["cursor"] == {"next_index": 8}
    jax.tree.map(np.testing.assert_array_equal, state, expected)
    assert measured(one) == measured(other)
    steps = [record["step"] for record in measured(one) if "train/loss" in record]
    assert steps == list(range(1, 9))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "unbroken"
    train(folder)
    return folder


def at_step(number, event):
    """Call `event` when the batch of a step is drawn."""
    original = Batches.__getitem__

    def get(self, index):
        if index == number - 1:
            event()
        return original(self, index)

    return get


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def fail():
    raise SystemError("as if the power had failed")


@pytest.mark.parametrize(("event", "error", "saved"), [(terminate, KeyboardInterrupt, 5), (fail, SystemError, 6)])
def test_a_stopped_and_resumed_run_equals_an_unbroken_one(event, error, saved, unbroken, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__getitem__", at_step(5 if saved == 5 else 7, event))
        with pytest.raises(error):
            train(tmp_path / "run")
    assert last_state(tmp_path / "run")[0]["step"] == saved
    assert RunFolder(tmp_path / "run").read_json("provenance.json")["steps"] < 8
    train(tmp_path / "run")
    assert_same_run(tmp_path / "run", unbroken)


STREAMED = {"data.stream_pairs": 60, "data.workers": 0}


@pytest.mark.slow
def test_a_streamed_run_that_is_stopped_and_resumed_equals_an_unbroken_one(tmp_path, monkeypatch):
    train(tmp_path / "unbroken", **STREAMED)
    with monkeypatch.context() as patch:
        patch.setattr(Batches, "__getitem__", at_step(7, fail))
        with pytest.raises(SystemError):
            train(tmp_path / "run", **STREAMED)
    assert last_state(tmp_path / "run")[0]["step"] == 6
    train(tmp_path / "run", **STREAMED)
    (state, notes), (expected, expected_notes) = last_state(tmp_path / "run"), last_state(tmp_path / "unbroken")
    assert notes["digests"] == expected_notes["digests"]
    assert notes["cursor"] == expected_notes["cursor"] == {"next_index": 8, "streamed": True}
    jax.tree.map(np.testing.assert_array_equal, state, expected)
    assert measured(tmp_path / "run") == measured(tmp_path / "unbroken")
    provenance = RunFolder(tmp_path / "run").provenance()
    assert provenance["training_pairs"] + sum(provenance["skipped_pairs"].values()) == 67
    assert read_counts(RunFolder(tmp_path / "run").vocabulary)["."] == 67


@pytest.mark.slow
def test_a_killed_process_ends_its_workers_and_goes_on_as_an_unbroken_run(tmp_path):
    """SIGKILL at some step of a run with two workers: they end too, and the batches of the rest are the same."""
    command = [sys.executable, "run.py", "train", "--config=configs/embedded.py:luong"]
    fields = {**FIELDS, **STREAMED, "data.workers": 2, "training.steps": 60, "training.save_every_steps": 10}
    command += [f"--config.{name}={value}" for name, value in fields.items()]
    start = partial(subprocess.Popen, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    unbroken, killed = ([*command, f"--workdir={tmp_path / name}"] for name in ("unbroken", "killed"))
    process = start(unbroken)
    assert (process.communicate()[1], process.returncode)[1] == 0
    process = start(killed)
    while process.poll() is None and not RunFolder(tmp_path / "killed").metrics():
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert len(workers) >= 2
    assert not psutil.wait_procs(workers, timeout=30)[1]
    process = start(killed)
    assert (process.communicate()[1], process.returncode)[1] == 0
    (state, notes), (expected, expected_notes) = last_state(tmp_path / "killed"), last_state(tmp_path / "unbroken")
    assert notes["digests"] == expected_notes["digests"]
    jax.tree.map(np.testing.assert_array_equal, state, expected)
    assert measured(tmp_path / "killed") == measured(tmp_path / "unbroken")


@pytest.mark.slow
def test_a_killed_and_restarted_process_equals_an_unbroken_run(unbroken, tmp_path):
    """The same command twice, in two processes; the first receives SIGTERM."""
    command = ["train", "--config=configs/embedded.py:luong", f"--workdir={tmp_path / 'run'}"]
    command += [f"--config.{name}={value}" for name, value in FIELDS.items()]
    program = (
        "import sys, run; from research.data.batches import Batches\n"
        "from tests.training.test_trainer import at_step, terminate\n"
        "Batches.__getitem__ = at_step(5, terminate)\n"
        "sys.exit(run.main(sys.argv[1:]))"
    )
    start = partial(subprocess.run, cwd=ROOT, capture_output=True, text=True, check=False)
    killed = start([sys.executable, "-c", program, *command])
    assert killed.returncode == 130, killed.stderr
    last = killed.stderr.splitlines()[-1]
    assert last == "error: stopped at step 5, which is saved; the same command goes on from there"
    again = start([sys.executable, "run.py", *command])
    assert again.returncode == 0, again.stderr
    assert_same_run(tmp_path / "run", unbroken)
    assert f"--workdir={tmp_path / 'run'}" in RunFolder(tmp_path / "run").read_json("provenance.json")["command"]


def test_a_run_leaves_these_files_and_facts(unbroken):
    folder = RunFolder.existing(unbroken)
    assert folder.config().is_locked
    assert folder.config().to_dict() == tiny().copy_and_resolve_references().to_dict()
    assert folder.splits() == ["test", "validation"]
    assert sorted(path.name for path in folder.vocabulary.iterdir()) == ["source.model", "target.model", FILE]
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".")]
    provenance = folder.read_json("provenance.json")
    params = last_state(unbroken)[0]["params"]
    assert provenance["parameters"] == sum(leaf.size for leaf in jax.tree.leaves(params))
    assert provenance["steps"] == 8
    assert provenance["seconds"] > 0
    assert provenance["flops_per_token"] > 6 * 400 * 8  # the output layer alone
    assert provenance["name"] == "unbroken"
    assert provenance["command"] == "python run.py train again"
    assert provenance["versions"].keys() >= {"python", "jax", "jaxlib", "flax", "optax", "numpy", "sacrebleu"}
    assert provenance["versions"]["jax"] == jax.__version__
    assert provenance["devices"] == f"8 × {jax.devices()[0].device_kind}"
    assert provenance["training_pairs"] + sum(provenance["skipped_pairs"].values()) == 67
    assert {name.partition(":")[2] for name in provenance["digests"]} == {"train", "validation", "test"}
    assert all(len(digest) == 64 for digest in provenance["digests"].values())
    assert isinstance(provenance["commit"], str)
    validations = [record for record in folder.metrics() if "validation/perplexity" in record]
    assert [record["step"] for record in validations] == [4, 8]


def test_starting_a_finished_run_again_changes_nothing(unbroken, tmp_path):
    shutil.copytree(unbroken, tmp_path / "unbroken")
    before = RunFolder(unbroken)
    after = train(tmp_path / "unbroken")
    assert after.read_json("provenance.json")["seconds"] == before.read_json("provenance.json")["seconds"]
    assert after.metrics() == before.metrics()
    assert "went_on" not in after.read_json("provenance.json")
    assert last_state(after.path)[1] == last_state(unbroken)[1]


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"model.dropout": 0.1}, "model.dropout=0.3, not 0.1"),
        ({"seed": 1, "model.width": 6}, "model.embedding=8, not 6 (3 fields differ)"),  # as wide as model.width
    ],
)
def test_a_folder_of_another_run_is_refused(fields, difference, unbroken):
    before = (unbroken / "config.json").read_bytes()
    with pytest.raises(ValueError) as error:
        train(unbroken, **fields)
    assert str(error.value) == f"{unbroken} holds a run with {difference}: choose another --workdir or remove it"
    assert (unbroken / "config.json").read_bytes() == before


@pytest.mark.parametrize("strategy", ["pmap", pytest.param("shard_map", marks=pytest.mark.slow)])
def test_a_run_resumes_on_other_devices_and_for_longer(strategy, unbroken, tmp_path, monkeypatch):
    """Two devices after eight. Dropout depends on the number of devices, so the numbers are not compared."""
    shutil.copytree(unbroken, tmp_path / "run")
    monkeypatch.setattr(trainer, "Devices", lambda strategy, _, **sizes: Devices(strategy, jax.devices()[:2], **sizes))
    folder = train(tmp_path / "run", **{"training.steps": 10, "training.strategy": strategy})
    assert folder.read_json("provenance.json")["steps"] == 10
    assert folder.read_json("provenance.json")["devices"].startswith("8 × ")
    [later] = folder.read_json("provenance.json")["went_on"]
    assert later["from_step"] == 8
    assert later["devices"].startswith("2 × ")
    assert later["command"] == "python run.py train again"
    assert [record["step"] for record in folder.metrics() if "train/loss" in record] == list(range(1, 11))
    assert folder.config().training.steps == 10


@pytest.mark.slow
def test_a_run_goes_from_a_mesh_to_one_device_and_to_another_mesh(tmp_path, monkeypatch):
    """With dropout: the masks of a mesh are those of one device, so the curve is that of a run that never moved."""
    monkeypatch.setattr(trainer.host, "training_devices", lambda: jax.devices()[:1])
    rate = {"training.learning_rate": 1e-3}
    train(tmp_path / "still", **rate)
    for count, steps, fields in [
        (8, 3, {"strategy": "mesh", "fsdp": 2, "tensor": 2}),
        (1, 5, {}),
        (4, 8, {"strategy": "mesh", "fsdp": 4}),
    ]:
        monkeypatch.setattr(trainer.host, "training_devices", lambda count=count: jax.devices()[:count])
        fields = {f"training.{name}": value for name, value in fields.items()}
        train(tmp_path / "moved", **rate, **fields, **{"training.steps": steps})
    (state, notes), (expected, expected_notes) = last_state(tmp_path / "moved"), last_state(tmp_path / "still")
    assert notes["cursor"] == expected_notes["cursor"] == {"next_index": 8}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=5e-6), state, expected)
    curves = [
        {record["step"]: record["train/loss"] for record in measured(tmp_path / name) if "train/loss" in record}
        for name in ("moved", "still")
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)


@pytest.mark.slow
def test_a_run_goes_on_with_scanned_layers_and_is_loaded_without(tmp_path):
    """Without dropout, whose masks are others: the curve is that of a run whose layers were always written out.

    A bias of all keys has a gradient of rounding alone, which Adam makes large unless epsilon is larger.
    """
    fields = {"architecture": "transformer", "model.heads": 2, "model.layers": 2, "model.dropout": 0.0}
    fields["training.epsilon"] = 1e-3
    train(tmp_path / "still", **fields)
    for steps, scanned in ((3, False), (8, True)):
        train(tmp_path / "moved", **fields, **{"training.steps": steps, "model.scan_layers": scanned})
    (state, _), (expected, _) = last_state(tmp_path / "moved"), last_state(tmp_path / "still")
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-5), state, expected)
    curves = [
        {r["step"]: r["train/loss"] for r in measured(tmp_path / name) if "train/loss" in r}
        for name in ("moved", "still")
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)
    run, other = load(tmp_path / "moved"), load(tmp_path / "still")
    assert run.config.model.scan_layers
    assert run.translator == other.translator
    assert jax.tree.structure(run.params) == jax.tree.structure(other.params)


def test_a_run_killed_while_it_saved_its_vocabulary_resumes(tmp_path, unbroken, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            "research.data.vocabulary.Vocabulary.save", lambda self, path: write_whole(Path(path), b"h") or fail()
        )
        with pytest.raises(SystemError):
            train(tmp_path / "run")
    train(tmp_path / "run", **{"training.steps": 1})
    assert (tmp_path / "run/vocabulary/source.model").read_bytes() == (
        unbroken / "vocabulary/source.model"
    ).read_bytes()


@pytest.mark.parametrize("name", ["vocabulary/source.model", "splits/test.jsonl.gz", "vocabulary/target_words.tsv.gz"])
def test_a_file_that_the_numbers_depend_on_is_never_another_in_silence(name, unbroken, tmp_path):
    """One bit of a SentencePiece model is another score of a piece, which no format notices."""
    copy = shutil.copytree(unbroken, tmp_path / "run")
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} is not what was written; restore it, or make the run again"):
        load(copy)
    with pytest.raises((ValueError, OSError), match=rf"{name}.* is (damaged|not what was written|not a whole)"):
        train(copy)


@pytest.mark.parametrize(("field", "part"), [("next_index", "its batches are at"), ("step", "its state is of")])
def test_a_checkpoint_whose_parts_are_of_different_steps_is_refused(field, part, unbroken, tmp_path):
    copy = shutil.copytree(unbroken, tmp_path / "run")
    state, notes = last_state(copy)
    shutil.rmtree(copy / "checkpoints")
    if field == "step":
        state["step"] = state["step"] - 1
    else:
        notes["cursor"]["next_index"] -= 1
    checkpoints = Checkpoints(copy / "checkpoints")
    checkpoints.save(8, state, notes)
    checkpoints.close()
    with pytest.raises(ValueError, match=f"checkpoint 8 is damaged: {part} step 7"):
        train(copy)


@pytest.mark.parametrize("name", ["params", "optimiser", "averaged"])
def test_what_is_not_finite_is_never_saved(name, unbroken, tmp_path, monkeypatch):
    """The gradient is, and yet a number of what it led to is not."""
    save = TrainingRun.save

    def infinite(x):
        return np.full_like(x, np.inf) if np.issubdtype(x.dtype, np.floating) else x

    def spoilt(self, step, state):
        if step == 4:
            state = state.replace(**{name: jax.tree.map(infinite, getattr(state, name))})
        save(self, step, state)

    monkeypatch.setattr(TrainingRun, "save", spoilt)
    with pytest.raises(FloatingPointError, match=rf"{name}/.* is not finite after step 4, and is not saved: lower"):
        train(tmp_path / "run")
    monkeypatch.undo()
    assert last_state(tmp_path / "run")[1]["cursor"]["next_index"] == 3
    assert_same_run(train(tmp_path / "run").path, unbroken)


def test_a_run_is_repeated_from_its_folder_alone(unbroken, tmp_path, monkeypatch):
    """Every file is the same, byte for byte, but for times, the name and the command."""
    monkeypatch.chdir(ROOT)
    again = tmp_path / "again"
    assert door.main(["train", f"--from={unbroken}", f"--workdir={again}"]) == 0
    assert last_state(again)[1]["digests"] == last_state(unbroken)[1]["digests"]
    assert measured(again) == measured(unbroken)
    for folder in ("vocabulary", "splits"):
        for file in (unbroken / folder).iterdir():
            assert (again / folder / file.name).read_bytes() == file.read_bytes()
    assert (again / "config.json").read_bytes() == (unbroken / "config.json").read_bytes()


def test_a_run_that_diverges_ends_with_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("LOOKBACK_DEBUG", raising=False)
    monkeypatch.chdir(ROOT)
    fields = {**FIELDS, "training.learning_rate": 1e38, "training.steps": 40, "training.save_every_steps": 40}
    fields |= {"training.validate_every_steps": 40, "training.warmup_steps": 1}
    command = ["train", "--config=configs/embedded.py:none", f"--workdir={tmp_path / 'run'}"]
    with pytest.raises(SystemExit) as left:
        door.main([*command, *(f"--config.{name}={value}" for name, value in fields.items())])
    assert left.value.code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: the gradient was not finite for 20 steps up to step 2")
    assert "training.learning_rate" in last
    step, rate, file = re.search(r"up to step (\d+): .* at a learning rate of (\S+), .* kept in (\S+);", last).groups()
    updates = int(step) - 20
    assert float(rate) == pytest.approx(1e38 / (updates + 1) ** 0.5, rel=0.01)  # inverse_sqrt, one step of warm-up
    vocabularies = Vocabularies.load(tmp_path / "run/vocabulary")
    trained_on = data.build(tiny("none").data).splits["train"]
    with np.load(file) as kept:
        assert kept["target_in_BT"].shape == kept["target_out_BT"].shape
        for number, source, target in zip(kept["pairs"], kept["source_BS"], kept["target_out_BT"], strict=False):
            pair = trained_on[int(number)]
            assert (vocabularies.source.decode(source), vocabularies.target.decode(target)) == (
                pair.source,
                pair.target,
            )


def test_metrics_hold_bleu_if_the_config_asks_for_it(tmp_path):
    folder = train(tmp_path / "run", **{"training.bleu_sentences": 3, "training.steps": 1})
    [record] = [record for record in folder.metrics() if "validation/bleu" in record]
    assert 0 <= record["validation/bleu"] <= 100
    for line in folder.metrics_file.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_measuring_attention_changes_nothing_but_the_metrics(unbroken, tmp_path):
    folder = train(tmp_path / "run", **{"training.attention_sentences": 5})
    told = {"validation/aer", "validation/attention_entropy"}  # no head distance: there is one head
    watched = [record for record in folder.metrics() if told & record.keys()]
    assert [(record["step"], told <= record.keys()) for record in watched] == [(4, True), (8, True)]
    assert all(0 <= record["validation/aer"] <= 1 for record in watched)
    without = [{name: value for name, value in record.items() if name not in told} for record in measured(folder.path)]
    assert without == measured(unbroken)
    assert last_state(folder.path)[1]["digests"] == last_state(unbroken)[1]["digests"]
    assert train(folder.path).config().training.attention_sentences == 0  # it may change, too


def test_impossible_fields_are_refused_before_any_training(tmp_path):
    for name, value, sentence in [
        ("training.precision", "float16", "training.precision='float16' is unknown; choose one of float32, bfloat16"),
        ("training.strategy", "jit", "training.strategy='jit' is unknown; choose one of pmap, shard_map, mesh"),
        ("training.schedule", "step", "training.schedule='step' is unknown"),
        ("training.optimizer", "sgd", "training.optimizer='sgd' is unknown"),
        ("training.keep_best_by", "bleu", "training.keep_best_by='bleu' needs sentences to translate"),
        ("training.attention_sentences", -1, "training.attention_sentences=-1 must be at least 0"),
        ("training.learning_rate", float("nan"), "training.learning_rate=nan must be above 0"),
        ("training.accumulation", 0, "training.accumulation=0 must be at least 1"),
        ("training.label_smoothing", 1.5, "training.label_smoothing=1.5 must be at least 0 and below 1"),
        ("data.batch_tokens", -10, "data.batch_tokens=-10 must be at least 1"),
        ("model.encoder_layers", 0, "model.encoder_layers=0 must be at least 1"),
        ("seed", 2**32, "seed=4294967296 must be at least 0 and below 4294967296"),
        ("training.bleu_sentences", -2, "training.bleu_sentences=-2 must be at least 0"),
        ("evaluation.tokenize", "14a", "evaluation.tokenize='14a' is unknown; choose one of none, zh, 13a"),
        ("evaluation.checkpoint", "bset", "evaluation.checkpoint='bset' is unknown; choose best or last"),
        ("evaluation.length_bins", (9, 5), "evaluation.length_bins=.* must be rising numbers of words"),
        ("evaluation.frequency_bins", (9, 5), "evaluation.frequency_bins=.* must be rising numbers of times"),
        ("evaluation.reordering_bins", (0.5, 0.1), "evaluation.reordering_bins=.* must be rising shares"),
        ("evaluation.beam", 0, "evaluation.beam=0 must be at least 1"),
        ("evaluation.length_penalty", float("nan"), "evaluation.length_penalty=nan must be at least 0"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            train(tmp_path / name, **{name: value})
        assert not (tmp_path / name).exists()


def test_fields_of_evaluation_may_change(unbroken, tmp_path):
    shutil.copytree(unbroken, tmp_path / "run")
    fields = {"evaluation.beam": 2, "evaluation.length_bins": (3,), "evaluation.checkpoint": "last"}
    assert train(tmp_path / "run", **fields).config().evaluation.beam == 2


def test_the_words_of_the_training_split_are_counted(unbroken, tmp_path):
    counts = Counter(word for pair in data.build(tiny().data).splits["train"] for word in pair.target.split())
    assert read_counts(RunFolder(unbroken).vocabulary) == counts
    # A run of an older version, without counts and bins, gets them when its training is resumed.
    shutil.copytree(unbroken, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    (folder.vocabulary / FILE).unlink()
    config = folder.read_json("config.json")
    del config["evaluation"]["frequency_bins"]
    folder.write_json("config.json", config)
    train(tmp_path / "run")
    assert read_counts(folder.vocabulary) == counts
    assert folder.config().evaluation.frequency_bins == tiny().evaluation.frequency_bins


def test_a_refused_config_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"heads=3 does not divide"):
        trainer.train(tiny("transformer", **{"model.heads": 3}), tmp_path / "run", command="")
    with pytest.raises(ValueError, match="keep_best_by='speed'"):
        train(tmp_path / "run", **{"training.keep_best_by": "speed"})
    with pytest.raises(ValueError, match="save_every_steps=0"):
        train(tmp_path / "run", **{"training.save_every_steps": 0})
    assert not (tmp_path / "run").exists()


def test_a_cosine_schedule_cannot_be_made_longer(unbroken, tmp_path):
    shutil.copytree(unbroken, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    config = folder.read_json("config.json")
    config["training"]["schedule"] = "cosine"
    folder.write_json("config.json", config)
    with pytest.raises(ValueError, match=r"training\.steps=8, not 10"):
        train(tmp_path / "run", **{"training.steps": 10, "training.schedule": "cosine"})


@pytest.mark.parametrize(("begun_with", "ends_at", "refused"), [(20, 12, False), (20, 9, True), (8, 20, True)])
def test_wsd_may_end_elsewhere_until_its_rate_falls(begun_with, ends_at, refused, tmp_path):
    """After 8 steps: of 20 the last four fall, of 12 the last two, and of 9 or 8 steps the eighth has fallen."""
    folder = RunFolder(tmp_path / "run")
    folder.write_json("config.json", config_as_json(tiny(**{"training.schedule": "wsd", "training.steps": begun_with})))
    folder.write_json("provenance.json", {"steps": 8})
    config = tiny(**{"training.schedule": "wsd", "training.steps": ends_at})
    if not refused:
        refuse_another_config(folder, config)
        return
    with pytest.raises(ValueError, match=rf"training\.steps={begun_with}, not {ends_at}"):
        refuse_another_config(folder, config)


def test_other_data_is_refused(unbroken, tmp_path):
    shutil.copytree(unbroken, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    digests = folder.provenance()["digests"]
    folder.update_provenance({"digests": {**digests, "embedded:train": "0" * 64}})
    with pytest.raises(ValueError, match="embedded:train is not the data that the run"):
        train(tmp_path / "run")


def test_two_processes_do_not_train_into_one_folder(unbroken, tmp_path):
    shutil.copytree(unbroken, tmp_path / "run")
    with RunFolder(tmp_path / "run").alone(), pytest.raises(OSError, match="another process is training"):
        train(tmp_path / "run")

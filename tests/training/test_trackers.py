"""Trackers: the values of a run are there once, whatever happened to the run or to the tracker.

Each library is asked what it has kept, by its own reader: W&B offline, MLflow and Trackio in SQLite files.
"""

import json
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from configs import flags
from research import files
from research.results.run_folder import RunFolder
from research.training import tracked_run, trainer
from research.training.metrics import MetricsWriter
from research.training.trackers import TRACKERS
from tests.training.test_trainer import tiny

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.filterwarnings("default")  # others' code has its own


class Recorder:
    """A client that keeps what it gets, in a list that outlives it, and fails where it is told to."""

    sent: list  # of the fixture
    fails_at = None

    def begin(self, folder, id, config):
        if self.fails_at == "begin":
            raise ConnectionError("no route to host\nTraceback")
        self.sent.append(("begin", id, config["model.width"]))
        return id or f"{folder.name}-1"

    def add(self, step, values):
        if step == self.fails_at:
            raise ConnectionError("no route to host\nTraceback")
        self.sent.append((step, values))

    def close(self, *, complete):
        self.sent.append(("close", complete))


def trained(sent):
    """Return (step, loss) of the records of training."""
    return [
        (step, values["train/nll"]) for step, values, *_ in sent if isinstance(values, dict) and "train/nll" in values
    ]


@pytest.fixture
def recorder(monkeypatch):
    """The class of a client that is the tracker "json", a name whose package there is."""
    monkeypatch.setattr(Recorder, "sent", [], raising=False)
    monkeypatch.setattr(Recorder, "fails_at", None)
    monkeypatch.setitem(TRACKERS, "json", Recorder)
    return Recorder


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path / "luong.0")
    made.write_json("config.json", {"seed": 3, "model": {"width": 8}})
    return made


def a_stopped_and_resumed_run(folder, tracker):
    """Write what a run writes that is stopped after step 4 and goes on from the checkpoint of step 2."""
    writer = MetricsWriter(folder, 0, [tracker])
    writer.add(2, {"seconds": 1.0, "train/nll": 0.5})
    writer.add(2, {"validation/bleu": 7.0})
    writer.add(4, {"seconds": 2.0, "train/nll": 0.25, "train/loss": float("nan")})
    writer.close(complete=False)
    writer = MetricsWriter(folder, 2, [tracker])
    writer.add(4, {"seconds": 2.5, "train/nll": 0.25})
    writer.add(4, {"validation/bleu": 8.0})
    writer.add(6, {"seconds": 3.5, "train/nll": 0.125})
    writer.close(complete=True)


EXPECTED = {"train/nll": [(2, 0.5), (4, 0.25), (6, 0.125)], "validation/bleu": [(2, 7.0), (4, 8.0)]}


def test_a_resumed_run_goes_on_in_the_same_run_and_nothing_is_there_twice(folder, recorder):
    a_stopped_and_resumed_run(folder, "json")
    assert recorder.sent == [
        ("begin", "", 8),
        (2, {"train/nll": 0.5}),
        (2, {"validation/bleu": 7.0}),
        (4, {"train/nll": 0.25}),
        ("close", False),
        ("begin", "luong.0-1", 8),
        (4, {"validation/bleu": 8.0}),
        (6, {"train/nll": 0.125}),
        ("close", True),
    ]
    assert folder.read_json("trackers.json") == {"json": {"run": "luong.0-1", "sent": {"train": 6, "validation": 4}}}
    assert [record["step"] for record in folder.metrics()] == [2, 2, 4, 4, 6]


def log_records(content):
    """Return the records of a log as LevelDB defines it, which W&B keeps after a header of 7 bytes.

    A block of 32 KiB has fragments: checksum (4 bytes), length (2), whether it is whole, first, middle or last (1).
    """
    at, found, parts = 7, [], b""
    while at < len(content):
        if (left := 32_768 - at % 32_768) < 7:
            at += left
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            found.append(parts)
            parts = b""
    return found


def wandb_history(folder):
    """Return what the offline runs hold, which `wandb sync` would send, by W&B's definition of its records."""
    import wandb
    from wandb.proto.wandb_internal_pb2 import Record

    wandb.teardown()  # its process writes until it ends, as it does with that of a training
    found, ids, own_steps = defaultdict(list), set(), []
    for file in sorted(folder.path.glob("wandb/offline-run-*/*.wandb")):
        for record in map(Record.FromString, log_records(file.read_bytes())):
            if record.HasField("run"):
                ids.add(record.run.run_id)
            items = record.history.item
            values = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
            for name in values:
                if "/" in name:
                    found[name].append((values["step"], values[name]))
            own_steps += [record.history.step.num] if items else []
    assert own_steps == sorted(set(own_steps)), "W&B drops a record whose step is not above the last one's"
    assert ids == {folder.read_json("trackers.json")["wandb"]["run"]}
    return found


def mlflow_history(folder):
    """Return the history of each metric of the only run there is."""
    from mlflow import MlflowClient

    client = MlflowClient()
    [run] = client.search_runs([client.get_experiment_by_name("lookback").experiment_id])
    assert (run.info.run_name, run.info.status, run.data.params) == (
        "luong.0",
        "FINISHED",
        {"seed": "3", "model.width": "8"},
    )
    names = run.data.metrics
    return {name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)] for name in names}


def trackio_history(folder):
    """Return the logs of the only run of the project."""
    from trackio.sqlite_storage import SQLiteStorage

    [name] = SQLiteStorage.get_runs("lookback")
    assert name.startswith("luong.0-")
    found = defaultdict(list)
    for record in SQLiteStorage.get_logs("lookback", name):
        for metric, value in record.items():
            if "/" in metric:
                found[metric].append((record["step"], value))
    return found


@pytest.mark.parametrize(
    ("tracker", "environment", "history"),
    [
        ("wandb", {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}, wandb_history),
        (
            "mlflow",
            {"MLFLOW_TRACKING_URI": "sqlite:///FOLDER/mlflow.db", "MLFLOW_DISABLE_TELEMETRY": "1"},
            mlflow_history,
        ),
        ("trackio", {"TRACKIO_DIR": "FOLDER/trackio"}, trackio_history),
    ],
)
def test_each_library_has_every_value_once(tracker, environment, history, folder, tmp_path, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("FOLDER", str(tmp_path)))
    pytest.importorskip(tracker)
    a_stopped_and_resumed_run(folder, tracker)
    assert {name: sorted(values) for name, values in history(folder).items()} == EXPECTED


def test_a_tracker_that_fails_does_not_end_the_training_and_gets_the_rest_later(recorder, tmp_path, capsys):
    recorder.fails_at = 5
    run = trainer.train(tiny(), tmp_path / "a", command="", trackers=("json",))
    assert run.provenance()["steps"] == 8
    assert [step for step, _ in trained(recorder.sent)] == [1, 2, 3, 4]
    [warning] = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert warning == (
        "warning: json gets no more metrics (no route to host); training goes on without it, and the same command "
        "sends what is missing, also after the end"
    )
    recorder.fails_at = None
    trainer.train(tiny(), tmp_path / "a", command="", trackers=("json",))
    logged = [record for record in run.metrics() if "train/nll" in record]
    assert trained(recorder.sent) == [(record["step"], record["train/nll"]) for record in logged]
    assert [record["step"] for record in logged] == list(range(1, 9))
    assert recorder.sent[-1] == ("close", True)


def test_a_run_that_cannot_begin_there_is_an_error_and_one_that_cannot_go_on_there_a_warning(folder, recorder, capsys):
    recorder.fails_at = "begin"
    with pytest.raises(ValueError, match=r"^--tracker=json cannot begin \(no route to host\): mend that, or train"):
        MetricsWriter(folder, 0, ["json"])
    recorder.fails_at = None
    MetricsWriter(folder, 0, ["json"]).add(2, {"train/nll": 0.5})
    recorder.fails_at = "begin"
    writer = MetricsWriter(folder, 2, ["json"])
    writer.add(4, {"train/nll": 0.25})
    writer.close(complete=True)
    assert [record["step"] for record in folder.metrics()] == [2, 4]
    assert capsys.readouterr().err.count("warning: json gets no more metrics (no route to host)") == 1


def test_of_several_processes_only_the_first_sends(folder, recorder, monkeypatch):
    monkeypatch.setattr(files, "_written_by_another", True)
    a_stopped_and_resumed_run(folder, "json")
    assert recorder.sent == []


def test_an_absent_package_is_named_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(tracked_run, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"^--tracker=mlflow needs a package that is absent: pip install "):
        trainer.train(tiny(), tmp_path / "run", command="", trackers=("mlflow",))
    assert not (tmp_path / "run").exists()


def test_the_flag_and_the_extras_have_the_names_of_the_trackers():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert tuple(TRACKERS) == flags.TRACKERS
    assert extras.keys() >= TRACKERS.keys()

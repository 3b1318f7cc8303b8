"""A job: what it trains and evaluates, and what becomes of it when a seed fails."""

from dataclasses import replace

import pytest

from configs.command_line import load
from research.ablation import work
from research.ablation.work import Task
from research.evaluation.gold import gold_digest
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder


@pytest.fixture
def task(tmp_path):
    config = load("configs/embedded_tiny.py:luong")
    folders = {seed: str(tmp_path / f"run.{seed}") for seed in (0, 1, 2)}
    return Task("train", config_as_json(config), folders, "test", "beam1", "python run.py train --config=c.py:luong")


@pytest.fixture
def did(monkeypatch):
    """Record what was trained (seed -> command) and evaluated; seeds in `fails` are not trained."""
    trained, evaluated, fails = {}, [], {}

    def train_seeds(config, folders, *, command, trunks, then):
        trained.update({seed: command(seed) for seed in folders})
        found = {seed: fails.get(seed, RunFolder(folder)) for seed, folder in folders.items()}
        for folder in found.values():
            if isinstance(folder, RunFolder):
                then(folder)
        return found

    monkeypatch.setattr("research.training.seeds.train_seeds", train_seeds)
    monkeypatch.setattr("research.evaluation.evaluate.evaluate", lambda path, **named: evaluated.append((path, named)))
    return trained, evaluated, fails


def test_seeds_are_trained_and_evaluated(task, did):
    trained, evaluated, _ = did
    task.trunks[2] = "short.2"
    work.work(task)
    assert trained[2].endswith(" --config.seed=2 --workdir=" + task.folders[2] + " --trunk=short.2")
    assert trained[1] == f"python run.py train --config=c.py:luong --config.seed=1 --workdir={task.folders[1]}"
    assert [str(path) for path, _ in evaluated] == list(task.folders.values())
    assert evaluated[0][1]["beams"] == (1,)
    assert evaluated[0][1]["command"] == f"python run.py evaluate --workdir={task.folders[0]} --split=test --beam=1"


def test_what_is_evaluated_is_not_made_again(task, did):
    run = RunFolder(task.folders[1])
    run.write_json("result.json", {"splits": {"test": {"searches": {"beam1": {}}}}})
    work.work(task)
    assert list(did[0]) == [0, 2]


def test_what_another_process_evaluated_meanwhile_is_not_evaluated_again(task, did, monkeypatch):
    """The job has waited for that process, which was training the same run for another question."""
    left = iter([False, False, False, True, False, True])  # before the training, and after it
    monkeypatch.setattr(RunFolder, "is_evaluated", lambda *_: next(left))
    work.work(task)
    assert list(did[0]) == [0, 1, 2]
    assert [str(path) for path, _ in did[1]] == [task.folders[1]]


def test_a_run_is_evaluated_again_where_its_attention_was_compared_with_other_alignments(task, did, tmp_path):
    gold = tmp_path / "gold"
    gold.write_text("0-0\n")
    ours, theirs = gold_digest(gold), "0" * 64
    for seed, digest in enumerate((ours, theirs)):
        measured = {"searches": {"beam1": {}}, "alignment": {"error": 0.2, "gold_sha256": digest}}
        RunFolder(task.folders[seed]).write_json("result.json", {"splits": {"test": measured}})
    none = {"searches": {"beam1": {}}, "alignment": None}  # a model without attention
    RunFolder(task.folders[2]).write_json("result.json", {"splits": {"test": none}})
    work.work(replace(task, gold=str(gold)))
    [(folder, named)] = did[1]
    assert str(folder) == task.folders[1]
    assert named["gold"] == gold
    assert named["command"].endswith(f" --beam=1 --gold={gold}")


def test_a_run_that_another_file_aligned_is_evaluated_again_by_the_corpus_s_own(task, did):
    measured = {"searches": {"beam1": {}}, "alignment": {"error": 0.2, "gold": "g", "gold_sha256": "0" * 64}}
    RunFolder(task.folders[0]).write_json("result.json", {"splits": {"test": measured}})
    work.work(task)
    assert task.folders[0] in [str(folder) for folder, _ in did[1]]


def test_a_seed_that_fails_does_not_stop_the_others(task, did, tmp_path, capsys):
    _, evaluated, fails = did
    fails[1] = FloatingPointError("the gradient was not finite for 20 steps")
    file = tmp_path / "job.json"
    file.write_text(task.as_json(), "utf-8")
    assert work.main([str(file)]) == 1
    assert [str(path) for path, _ in evaluated] == [task.folders[0], task.folders[2]]
    assert "seed 1: the gradient was not finite" in capsys.readouterr().err


def test_a_task_comes_back_as_it_was_written(task, tmp_path):
    (tmp_path / "job.json").write_text(task.as_json(), "utf-8")
    back = Task.read(tmp_path / "job.json")
    assert (back.folders, back.command) == (task.folders, task.command)

"""Runs of several seeds together: SciPy's interval, and who belongs to whom."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from research.report import seeds, write_report
from research.report.runs import read_runs
from research.results.counts import write as write_counts
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder
from research.statistics.contrasts import Scores


def accuracy(seeded, *, folders=slice(None)):
    runs, _ = read_runs(seeded[1:][folders])
    [group] = seeds.over_seeds(runs)
    return group.measures["token_accuracy"]


def test_without_counts_the_interval_is_students(seeded):
    values = [0.60, 0.62, 0.67]
    low, high = stats.t.interval(0.95, 2, loc=sum(values) / 3, scale=stats.sem(values))
    found = accuracy(seeded)
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx((low, high))
    alone = accuracy(seeded, folders=slice(1))
    assert alone.mean == 0.60
    assert math.isinf(alone.margin)


def test_with_counts_it_is_the_interval_of_compare_and_ablate(seeded):
    """Over seeds and sentences; here some are hard for every run, so that it is wider than over seeds alone."""
    values, sentences = (0.60, 0.62, 0.67), 97
    hard, systems = np.random.default_rng(0).normal(0, 20, sentences), []
    for path, value in zip(seeded[1:], values, strict=True):
        tokens = np.full(sentences, 100.0)
        correct = 100 * value + hard - hard.mean()
        arrays = {"nll": tokens, "correct": correct, "tokens": tokens}
        step = json.loads((path / "result.json").read_text())["splits"]["test"].get("step", 0)
        result = json.loads((path / "result.json").read_text())
        result["splits"]["test"]["step"] = step
        (path / "result.json").write_text(json.dumps(result))
        write_counts(RunFolder(path), "test", step, arrays)
        systems.append(np.stack(list(arrays.values()), axis=1))
    by = MEASURES["token_accuracy"].of_sums
    low, high = Scores.of_sentences({"a": np.stack(systems)}, by, seed=0).contrast({"a": 1}).interval(0.95)
    found = accuracy(seeded)
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx((low, high))
    alone = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert high - low > 1.01 * (alone[1] - alone[0])


@pytest.fixture
def seeded(fabricate):
    """No attention under one seed, and Luong under three."""
    paths = [fabricate("none")]
    for seed, accuracy in ((0, 0.60), (1, 0.62), (2, 0.67)):
        path = fabricate("luong", folder=f"luong.{seed}")
        config, result = (json.loads((path / f"{name}.json").read_text()) for name in ("config", "result"))
        result["splits"]["test"]["token_accuracy"] = accuracy
        (path / "config.json").write_text(json.dumps({**config, "seed": seed}))
        (path / "result.json").write_text(json.dumps({**result, "name": path.name}))
        paths.append(path)
    return paths


def test_seeds_of_one_model_are_one_row(seeded, tmp_path):
    runs, _ = read_runs(seeded)
    none, luong = seeds.over_seeds(runs)
    assert (none.seeds, luong.seeds, luong.name) == (1, 3, "luong")
    assert luong.measures["token_accuracy"].mean == pytest.approx(0.63)
    text = seeds.markdown(runs)
    assert "| luong | test | 3 |" in text
    assert "63.0 ± 9.0 † |" in text  # t = 4.303, s = 3.606, √3; without counts of sentences
    assert " (identical) † |" in text  # the perplexity of all three
    assert "†: over seeds alone" in text
    write_report(seeded, tmp_path / "report")
    assert (tmp_path / "report" / "seeds.md").read_text() == text
    write_report(seeded[:2], tmp_path / "report")
    assert not (tmp_path / "report" / "seeds.md").exists()

"""Runs of several seeds together: SciPy's interval, and who belongs to whom."""

import json
import math

import pytest
from scipy import stats

from research.report import seeds, write_report
from research.report.runs import read_runs


def test_the_interval_is_students():
    values = [0.31, 0.35, 0.36]
    low, high = stats.t.interval(0.95, 2, loc=sum(values) / 3, scale=stats.sem(values))
    found = seeds.mean(values)
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx((low, high))
    assert seeds.mean([0.5]).mean == 0.5
    assert math.isinf(seeds.mean([0.5]).margin)
    assert seeds.mean([0.5, 0.5, 0.5]) == (0.5, 0)


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
    assert "63.0 ± 9.0" in text  # t = 4.303, s = 3.606, √3
    assert " (identical) |" in text  # the perplexity of all three
    write_report(seeded, tmp_path / "report")
    assert (tmp_path / "report" / "seeds.md").read_text() == text
    write_report(seeded[:2], tmp_path / "report")
    assert not (tmp_path / "report" / "seeds.md").exists()

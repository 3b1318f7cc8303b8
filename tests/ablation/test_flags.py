"""What a reader is warned of."""

from dataclasses import replace

import pytest

import experiments
from research.ablation.flags import flags
from research.ablation.hypotheses import Level
from research.ablation.measures import MEASURES
from research.ablation.verdict import Run
from research.run_folder import RunFolder

QUESTION = replace(
    experiments.load("parallelism"), arms={"a": {}, "b": {}}, verdict=(Level("a", 0.0, more=True),), axis=None
)
COSTS = {"parameters": 7, "flops_per_token": 42.0, "steps": 800, "tokens": 9.0, "seconds": 2.0, "trials": 1}


def said(arms=None, spent=None, folders=()):
    arms = arms or {arm: [Run(seed, {}, {"seconds_per_step": 1.0 + seed}) for seed in range(3)] for arm in "ab"}
    return [each.en for each in flags(QUESTION, arms, spent or {"a": COSTS, "b": COSTS}, list(folders))]


def test_arms_that_spend_alike_are_not_flagged():
    assert said() == []
    assert said(spent={"a": COSTS, "b": {**COSTS, "seconds": 2.05}}) == []  # by less than 5 %


def test_what_differs_is_said_with_both_ends():
    spent = {"a": {**COSTS, "parameters": 123_456}, "b": {**COSTS, "parameters": 61_728}}
    assert said(spent=spent) == ["parameters differ up to 2 times: 61,700 (b) to 123,000 (a)"]


def test_too_few_seeds_are_counted():
    run = Run(0, {}, {"seconds_per_step": 1.0})
    assert said({"a": [run] * 3, "b": [run] * 2}) == ["b has 2 seeds; a verdict needs 3"]


@pytest.mark.parametrize(("bounds", "word"), [({"low": 5.0}, "hard"), ({"high": 0.5}, "easy")])
def test_the_floor_and_the_ceiling(bounds, word, monkeypatch):
    monkeypatch.setitem(MEASURES, "seconds_per_step", replace(MEASURES["seconds_per_step"], **bounds))
    assert [f"too {word} to tell them apart" in each for each in said()] == [True]


def test_runs_of_two_states_of_the_code(tmp_path):
    for name in ("one", "two"):
        RunFolder(tmp_path / name).update_provenance({"commit": f"{name}-and-a-long-digest"})
    [sentence] = said(folders=[tmp_path / "one", tmp_path / "two"])
    assert sentence == "runs were trained by 2 states of the code: one-and-, two-and-"

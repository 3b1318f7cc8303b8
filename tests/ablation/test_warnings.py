"""Warnings beside a verdict."""

from dataclasses import replace
from functools import partial

import pytest

import experiments
from configs.command_line import load
from research.ablation.measured import MeasuredRun
from research.ablation.verdict import judge, scores_of
from research.ablation.warnings import find_warnings
from research.results.identity import config_as_json
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder
from research.results.tunings import Trial, TunedArm, Tuning
from research.statistics.hypotheses import Equivalence, Level

QUESTION = replace(
    experiments.load("parallelism"), arms={"a": {}, "b": {}}, verdict=(Level("a", 0.0, more=True),), axis=None
)
COSTS = {"parameters": 7, "flops_per_token": 42.0, "steps": 800, "tokens": 9.0, "seconds": 2.0, "trials": 1}


def said(arms=None, spent=None, folders=None, question=QUESTION, tuning=None, earlier_seeds=()):
    arms = arms or {arm: [MeasuredRun(seed, {}, {"seconds_per_step": 1.0 + seed}) for seed in range(3)] for arm in "ab"}
    return [
        str(each)
        for each in find_warnings(
            question,
            arms,
            scores_of(question.measure, arms),
            judge(question.verdict, question.measure, arms, partial(scores_of, arms=arms))[1],
            spent or {"a": COSTS, "b": COSTS},
            folders or {},
            tuning,
            earlier_seeds,
        )
    ]


def test_arms_that_spend_alike_are_not_warned_of():
    assert said() == []
    assert said(spent={"a": COSTS, "b": {**COSTS, "seconds": 2.05}}) == []  # by less than 5 %


def test_what_differs_is_said_with_both_ends():
    spent = {"a": {**COSTS, "parameters": 123_456}, "b": {**COSTS, "parameters": 61_728}}
    assert said(spent=spent) == ["parameters differ up to 2 times: 61,700 (b) to 123,000 (a)"]


def test_too_few_seeds_are_counted():
    runs = [MeasuredRun(seed, {}, {"seconds_per_step": 1.0 + seed}) for seed in range(3)]
    assert said({"a": runs, "b": runs[:2]}) == ["b has 2 seeds; a verdict needs 3"]


@pytest.mark.parametrize(("bounds", "word"), [({"floor": 5.0}, "hard"), ({"ceiling": 0.5}, "easy")])
def test_the_floor_and_the_ceiling(bounds, word, monkeypatch):
    monkeypatch.setitem(MEASURES, "seconds_per_step", replace(MEASURES["seconds_per_step"], **bounds))
    assert [f"too {word} to tell them apart" in each for each in said()] == [True]


@pytest.mark.parametrize(
    ("fact", "values", "sentence"),
    [
        ("commit", ("0123456789", "0123456789+"), "by 2 states of the code: 01234567, 01234567+"),
        ("devices", ("2 × A100", "1 × cpu"), "on different devices: 1 × cpu, 2 × A100"),
    ],
)
def test_runs_of_other_circumstances(tmp_path, fact, values, sentence):
    for value in values:
        RunFolder(tmp_path / value).update_provenance({fact: value})
        RunFolder(tmp_path / value).write_json("config.json", {})
    assert said(folders={"a": [tmp_path / value for value in values]}) == [f"runs were trained {sentence}"]


def test_an_earlier_plan_is_said():
    found = said(earlier_seeds=(100, 101))
    assert found == [
        "a plan of this question was registered before, for the seeds 100, 101: the lock's history in git has it"
    ]


def test_an_interval_too_wide_to_show_that_two_are_alike():
    alike = replace(QUESTION, verdict=(Equivalence(("a",), "b", 0.5),))
    [found] = said(question=alike)  # seconds of 1, 2 and 3 for each
    assert found.startswith("more seeds are needed to show a difference within ±0.5: its interval is ±1.7")
    assert said(question=replace(QUESTION, verdict=(Equivalence(("a",), "b", 5.0),))) == []


def test_scores_that_nothing_changes_have_no_p():
    arms = {arm: [MeasuredRun(seed, {}, {"seconds_per_step": 1.0}) for seed in range(3)] for arm in "ab"}
    assert said(arms, question=replace(QUESTION, verdict=(Equivalence(("a",), "b", 0.5),))) == [
        "every seed and sentence gives the same number, so there is no p, and the number itself decides: a − b"
    ]


def test_two_that_are_to_be_alike_at_the_floor(monkeypatch):
    """Not that more seeds would help: none would."""
    monkeypatch.setitem(MEASURES, "seconds_per_step", replace(MEASURES["seconds_per_step"], floor=1.9))
    arms = {"a": [MeasuredRun(seed, {}, {"seconds_per_step": 1.0 + seed / 9}) for seed in range(3)],
            "b": [MeasuredRun(seed, {}, {"seconds_per_step": 1.5 + seed}) for seed in range(3)]}  # fmt: skip
    assert said(arms, question=replace(QUESTION, verdict=(Equivalence(("a",), "b", 0.7),))) == [
        "at the floor or the ceiling, where the measure tells nothing apart: a − b"
    ]


@pytest.mark.parametrize(
    ("best", "sentences"),
    [
        ((0.2, 0.2), []),
        ((0.4, 0.4), ["the highest learning rate that was tried, 0.4, is the one chosen by every arm"]),
        ((0.4, 0.1), ["the highest learning rate that was tried, 0.4, is the one chosen by a",
                      "the lowest learning rate that was tried, 0.1, is the one chosen by b"]),
    ],
)  # fmt: skip
def test_learning_rates(tmp_path, best, sentences):
    """Arms that differ in a rate that was tuned are not warned of; one whose best rate lies at the end is."""
    folders = {arm: [at_rate(tmp_path / arm, rate)] for arm, rate in zip("ab", best, strict=True)}
    trials = {
        arm: tuple(Trial(rate, {10: abs(rate - wanted)}) for rate in (0.1, 0.2, 0.4))
        for arm, wanted in zip("ab", best, strict=True)
    }
    arms = tuple(TunedArm(arm, "identity", tried, budgets=(), steps=800, learnt=None) for arm, tried in trials.items())
    facts = dict.fromkeys(("question", "corpus", "command", "commit", "finished"), "made up")
    tuned = Tuning(**facts, seeds=(10,), seconds=1.0, arms=arms)
    assert [each.rate for each in arms] == list(best)
    assert said(folders=folders, tuning=tuned) == sentences


def test_learning_rates_that_were_not_tuned(tmp_path):
    folders = {arm: [at_rate(tmp_path / arm, rate)] for arm, rate in (("a", 0.2), ("b", 0.1))}
    assert said(folders=folders) == ["arms differ in training.learning_rate as well: 0.2, 0.1"]


def at_rate(folder, rate):
    config = load("configs/embedded_tiny.py:luong")
    config.training.learning_rate = rate
    RunFolder(folder).write_json("config.json", config_as_json(config))
    return folder


def test_a_field_that_the_question_does_not_name(tmp_path):
    for arm, decay in (("a", 0.0), ("b", 0.1)):
        config = {
            "seed": 0,
            "training": {"weight_decay": decay, "steps": 3, "strategy": arm},
            "model": {"width": round(10 * decay)},
        }
        RunFolder(tmp_path / arm).write_json("config.json", config)
    assert said(folders={arm: [tmp_path / arm] for arm in "ab"}) == [
        "arms differ in training.weight_decay as well: 0.0, 0.1"
    ]


@pytest.mark.parametrize(
    ("steps", "perplexities", "sentence"),
    [
        ((400, 800), (9.0, 4.0), "perplexity fell by: a (56 %)"),
        ((200, 400, 500, 600, 700, 800), (9.0, 5.0, 4.5, 4.1, 4.0, 4.0), "perplexity fell by: a (20 %)"),  # since 400
        ((400, 419), (9.0, 4.0), "validated too late to know whether they had done learning: a"),
        ((381,), (4.0,), "validated too late to know whether they had done learning: a"),
    ],
)
def test_an_arm_that_had_not_done_learning(steps, perplexities, sentence, tmp_path):
    """However often it was validated; b had done."""
    for arm, validated in (("a", zip(steps, perplexities, strict=True)), ("b", [(400, 4.0), (800, 3.9)])):
        run = RunFolder(tmp_path / arm)
        run.write_json("config.json", {})
        for step, perplexity in validated:
            run.append_metrics({"step": step, "validation/perplexity": perplexity})
    [said_of_a] = said(folders={arm: [tmp_path / arm] for arm in "ab"})
    assert said_of_a.endswith(sentence)


def test_an_arm_without_the_measure():
    arms = {
        "a": [MeasuredRun(seed, {}, {"seconds_per_step": 1.0 + seed}) for seed in range(3)],
        "b": [MeasuredRun(0, {}, {})] * 3,
    }
    assert said(arms) == ["without seconds a training step: b"]

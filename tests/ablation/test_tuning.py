"""Learning rates: which are tried, which is taken, and what a verdict does with them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from research.ablation.launching.jobs import Outcome
from research.ablation.tuning import first_launches, rates_to_try, tune, tuning_table
from research.results.tunings import read_tuning
from research.statistics.hypotheses import Superiority
from tests.ablation.pretended import QUESTION, START, Learner, Pretends


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (0.2, [0.1, 0.2, 0.4]),  # between two others
        (0.4, [0.1, 0.2, 0.4, 0.8]),  # the highest of three: one more
        (0.1, [0.05, 0.1, 0.2, 0.4]),
        (0.001, [0.0125, 0.025, 0.05, 0.1, 0.2, 0.4]),  # six at most, though a better one lies beyond
        (9.0, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]),
    ],
)
def test_the_grid_goes_on_until_the_best_is_inside(best, tried):
    """The loss is the distance from the best rate in doublings."""
    losses = {}
    while rates := rates_to_try(losses, 0.2):
        losses |= {rate: abs(math.log2(rate / best)) for rate in rates}
    assert sorted(losses) == pytest.approx(tried)


def test_where_all_fail_lower_ones_are_tried():
    assert rates_to_try(dict.fromkeys((0.1, 0.2, 0.4), math.inf), 0.2) == [0.05]
    assert rates_to_try({0.05: 3.0, **dict.fromkeys((0.1, 0.2, 0.4), math.inf)}, 0.2) == [0.025]


def test_each_arm_takes_the_rate_that_validates_best_and_is_judged_by_other_seeds(question):
    launcher = Pretends(leave=Learner())
    tuned = tune(question(tuned=False), launcher)
    assert read_tuning(question().tuning_file) == tuned
    assert [(arm.name, arm.rate, arm.end, len(arm.trials)) for arm in tuned.arms] == [
        ("layers=1", START, None, 3),
        ("layers=2", 2 * START, None, 4),  # the highest of three, so a fourth
    ]
    assert tuned.arms[0].trials[1].losses == pytest.approx({10: 1.010, 11: 1.011})
    assert {(task.split, *task.folders) for task in launcher.tasks} == {("validation", 10, 11)}
    assert tuned.seconds == 2.0 * (7 + 2) * 2  # seven rates and two halves, each with two seeds
    assert [(arm.steps, arm.learnt, [budget.steps for budget in arm.budgets]) for arm in tuned.arms] == [
        (800, True, [400, 800])
    ] * 2

    asked = question()
    found = asked.run(launcher, resume=False)
    assert [arm.learning_rate for arm in found.arms] == [START, 2 * START]
    assert [arm.costs["trials"] for arm in found.arms] == [3, 4]
    assert {run.seed for arm in found.arms for run in arm.runs} == {0, 1, 2}
    assert found.seconds == 2.0 * 6 + tuned.seconds
    assert not any("learning" in str(warning) for warning in found.warnings)


def test_steps_are_doubled_until_a_doubling_gains_little(question):
    """By perplexity, whose margin is 0.5: with one layer all is learnt after 1,600 steps, with two never."""
    launcher = Pretends(leave=Learner(late={1: 1_600, 2: 10**9}))
    tuned = tune(question(tuned=False), launcher)
    assert [(arm.rate, arm.steps, arm.learnt) for arm in tuned.arms] == [
        (START, 3_200, True),
        (2 * START, 6_400, False),
    ]
    assert [budget.steps for budget in tuned.arms[0].budgets] == [400, 800, 1_600, 3_200]
    longer = [task for task in launcher.tasks if task.config["training"]["steps"] > 800]
    assert len(longer) == 5
    assert all(len(task.trunks) == 2 for task in longer)  # each goes on from the trunk of half its steps
    asked = question()
    assert [config.training.steps for config in asked.arms.values()] == [3_200, 6_400]


def test_where_arms_are_matched_their_steps_are_fixed(question):
    tuned = tune(question(tuned=False, by="parameters"), Pretends(leave=Learner()))
    assert [(arm.steps, arm.learnt, arm.budgets) for arm in tuned.arms] == [(800, None, ())] * 2


def test_a_rate_that_failed_is_not_taken(question):
    """It validated best before it diverged."""
    tuned = tune(question(tuned=False), Pretends(leave=Learner(fails=[(1, START)])))
    one, _ = tuned.arms
    assert one.trials[[trial.rate for trial in one.trials].index(START)].losses == {10: None, 11: None}
    assert one.rate == START / 2


def test_an_arm_that_trains_at_no_rate(question):
    rates = [START * 2.0**power for power in range(-5, 3)]
    asked = question(tuned=False)
    with pytest.raises(ValueError, match=r"layers=1 trains at none of 0\.00125, 0\.0025, 0\.005, 0\.01, 0\.02, 0\.04"):
        tune(asked, Pretends(leave=Learner(fails=[(1, rate) for rate in rates])))
    assert not asked.tuning_file.exists()


def test_a_job_that_failed_for_another_reason_stops_the_tuning(question):
    """Out of memory, or of time, says nothing about a learning rate."""

    class Fails(Pretends):
        def launch(self, jobs):
            for job in jobs:
                yield Outcome(job, 1, 0.5, ["OSError: no space left"])

    asked = question(tuned=False)
    with pytest.raises(ValueError, match=r"6 jobs of tuning failed; .* the same command goes on once"):
        tune(asked, Fails())
    assert not asked.tuning_file.exists()


@pytest.mark.parametrize(("field", "values"), [("training.learning_rate", (0.1, 0.3)), ("training.steps", (600, 900))])
def test_what_the_question_varies_is_not_tuned(question, monkeypatch, field, values):
    arms = {f"{value}": {field: value} for value in values}
    first, second = arms
    varied = replace(QUESTION, arms=arms, axis=None, verdict=(Superiority(first, second, 0.5),))
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", varied)
    tune(question(tuned=False), Pretends(leave=Learner()))
    name = field.removeprefix("training.")
    assert [config.training[name] for config in question().arms.values()] == list(values)


def test_steps_whose_runs_failed_are_not_taken(question):
    """All longer runs diverge: the arm keeps the steps that it has runs of, and is still learning."""
    tuned = tune(question(tuned=False), Pretends(leave=Learner(late={1: 10**9, 2: 10**9}, most_steps=800)))
    assert [(arm.steps, arm.learnt) for arm in tuned.arms] == [(800, False)] * 2


def test_a_seed_of_the_tuning_judges_nothing(question):
    tune(question(tuned=False), Pretends(leave=Learner()))
    with pytest.raises(ValueError, match="seed 11 was used to tune the learning rates: judge by others"):
        question(seeds=(9, 11))


def test_rates_of_other_runs_are_not_taken(question):
    tune(question(tuned=False), Pretends(leave=Learner()))
    with pytest.raises(ValueError, match=r"layers=1 was tuned with other fields, .*--tune again"):
        question(override=lambda config: config.training.update({"steps": 7}))
    other = {"override": lambda config: config.training.update({"learning_rate": 0.5})}
    assert [config.training.learning_rate for config in question(**other).arms.values()] == [START, 2 * START]


def test_what_is_tried_first(question):
    [jobs] = first_launches(question(tuned=False))
    assert len(jobs) == 2 * 3
    assert all(job.name.endswith(".validation.beam1.10-11") for job in jobs)


def test_a_damaged_file_says_what_to_do(question):
    tune(question(tuned=False), Pretends(leave=Learner()))
    file = question().tuning_file
    file.write_text(file.read_text()[:-20])
    with pytest.raises(ValueError, match=r"which\.json is damaged .*: remove it, and --tune makes it again"):
        question()


def test_the_table(question):
    from rich.console import Console

    console = Console(width=120, record=True)
    console.print(tuning_table(tune(question(tuned=False), Pretends(leave=Learner(fails=[(1, START / 2)])))))
    heads, _, one, two = [line.split() for line in console.export_text().splitlines()]
    assert heads == ["nats", "a", "token", "by", "learning", "rate", "0.01", "0.02", "0.04", "0.08", "taken", "steps"]
    assert one == ["layers=1", "failed", "1.0105", "2.0105", "–", "0.02", "800", "learnt"]
    assert two == ["layers=2", "3.0105", "2.0105", "1.0105", "2.0105", "0.04", "800", "learnt"]


@pytest.mark.parametrize(("gained", "steps"), [(0.2, 800), (0.45, 1_600)])  # half of the margin is 0.25
def test_steps_are_doubled_until_both_seeds_gain_little(question, gained, steps):
    """Perplexity is higher after half of the steps under one seed alone, so that the mean gains half as much."""

    def late(run, config, seed):
        if seed == 11 and config.training.steps == 400:
            path = run.counts_file("validation")
            arrays = dict(np.load(path))
            nats = arrays["nll"].sum() / arrays["tokens"].sum()
            np.savez(path, **arrays | {"nll": arrays["nll"] * np.log(np.exp(nats) + gained) / nats})

    tuned = tune(question(tuned=False), Pretends(leave=Learner(after=late)))
    assert [(arm.steps, arm.learnt) for arm in tuned.arms] == [(steps, True)] * 2

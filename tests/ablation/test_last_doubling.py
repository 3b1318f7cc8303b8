"""The last doubling of an arm's steps, by hand and against SciPy."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from research.ablation.last_doubling import Learning, last_doubling, margin
from research.ablation.measured import MeasuredRun
from research.ablation.verdict import judge
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import Equivalence, Level, Superiority
from tests.ablation.pretended import QUESTION


def runs(measure, *scores):
    return [MeasuredRun(seed, {}, {measure: score}) for seed, score in enumerate(scores, start=100)]


def test_the_gain_is_paired_by_seed_and_its_upper_end_is_that_of_t():
    ends, middles = (30.3, 31.0, 29.9, 30.6), (30.1, 30.9, 29.5, 30.5)
    found = last_doubling("bleu", runs("bleu", *ends), runs("bleu", *middles), 1.0)
    gains = np.subtract(ends, middles)
    upper = stats.ttest_1samp(gains, 0.0).confidence_interval(0.90).high  # one-sided at 5 %
    assert (found.gain, found.at_most) == (pytest.approx(gains.mean()), pytest.approx(upper))
    assert found.trained


def test_of_a_measure_where_less_is_better_a_fall_is_a_gain():
    found = last_doubling("nats", runs("nats", 1.0, 1.0, 1.0), runs("nats", 1.1, 1.1, 1.1), 0.02)
    assert (found.gain, found.trained) == (pytest.approx(0.1), False)


def test_of_a_measure_where_neither_is_better_any_change_counts():
    for before, after in ((2.0, 1.0), (1.0, 2.0)):
        found = last_doubling("entropy", runs("entropy", *[after] * 3), runs("entropy", *[before] * 3), 0.1)
        assert (found.gain, found.trained) == (1.0, False)
    lagging = last_doubling("entropy", runs("entropy", 1.0, 1.0, 3.0), runs("entropy", 1.0, 1.0, 3.0), 0.1)
    assert lagging.lags == (102,)


def test_a_seed_that_is_far_behind_lags_and_one_that_is_ahead_does_not():
    same = (30.0, 30.5, 24.9, 36.0)
    found = last_doubling("bleu", runs("bleu", *same), runs("bleu", *same), 1.0)
    assert (found.gain, found.lags, found.trained) == (0.0, (102,), False)


def test_one_seed_shows_nothing():
    found = last_doubling("bleu", runs("bleu", 30.0), runs("bleu", 30.0), 1.0)
    assert (found.at_most, found.trained) == (math.inf, False)
    learning = Learning(1.0, {"a": found}, ())
    assert [str(each) for each in learning.warnings("BLEU")] == [
        "one seed alone does not show whether a had done learning"
    ]


def test_each_seed_needs_both():
    assert last_doubling("bleu", runs("bleu", 30.0, 31.0), runs("bleu", 30.0), 1.0) is None
    assert last_doubling("bleu", [], [], 1.0) is None
    assert Learning(1.0, {"a": None}, ()).untrained(["a"])


@pytest.mark.parametrize(
    ("verdict", "measure", "expected"),
    [
        ((Superiority("layers=2", "layers=1", 0.5),), "bleu", 0.5),
        ((Superiority("layers=2", "layers=1", 0.0), Equivalence(("layers=2",), "layers=1", 3.0)), "bleu", 3.0),
        ((Superiority("layers=2", "layers=1", 0.0),), "bleu", 1.0),  # what counts as no difference in BLEU
        ((Superiority("layers=2", "layers=1", 0.3, measure="aer"),), "bleu", 1.0),  # of another measure
        ((Level("layers=1", 7.0, more=True),), "aer", 0.05),
        ((Superiority("layers=2", "layers=1", 0.0),), "perplexity", None),
    ],
)
def test_the_margin_of_a_question(verdict, measure, expected):
    assert margin(replace(QUESTION, verdict=verdict, measure=measure)) == expected


@pytest.mark.parametrize(("before", "turned"), [(-0.9, False), (-1.1, True), (0.1, False)])
def test_an_effect_that_changed_its_sign_by_more_than_the_margin(before, turned):
    """It was -0.9 or -1.1 BLEU after half of the steps, and is 0.5 in the end."""
    question = replace(QUESTION, measure="bleu", verdict=(Superiority("layers=2", "layers=1", 0.0),))

    def judged(difference):
        made = {"layers=1": runs("bleu", 30.0, 30.1, 29.9)}
        made["layers=2"] = [run._replace(values={"bleu": run.values["bleu"] + difference}) for run in made["layers=1"]]
        scores = Scores.of_runs({arm: [run.values["bleu"] for run in of] for arm, of in made.items()})
        return made, judge(question.verdict, "bleu", made, lambda measure: scores)[1]

    (now, claims), (then, claims_then) = judged(0.5), judged(before)
    learning = Learning.of(question, now, then, zip(claims, claims_then, strict=True))
    assert bool(learning.turned) == turned
    assert any("changed its sign" in str(each) for each in learning.warnings("BLEU")) == turned

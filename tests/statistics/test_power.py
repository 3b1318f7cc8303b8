"""Power against simulation, and against the textbook's sample size."""

import math

import numpy as np
import pytest
from scipy import stats

from research.statistics.contrasts import Estimate, Scores
from research.statistics.power import Design, detectable, power, seeds_needed


def estimate(seeds, sd):
    """The estimate of a difference of two arms of so many seeds each."""
    return Estimate(0.0, sd * math.sqrt(2 / seeds), 2.0 * (seeds - 1))


@pytest.mark.parametrize(("seeds", "sd", "effect"), [(5, 1.0, 2.0), (10, 0.7, 1.0), (3, 0.5, 2.0)])
def test_power_is_how_often_a_true_effect_is_shown(seeds, sd, effect):
    """Welch's test, two-sided at 5 %, of 4,000 made-up pairs of arms."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(effect, sd, (4_000, seeds)), rng.normal(0.0, sd, (4_000, seeds))
    found = stats.ttest_ind(a, b, axis=1, equal_var=False)
    shown = np.mean((found.pvalue < 0.05) & (found.statistic > 0))
    assert power(estimate(seeds, sd), Design(effect, 0.95, alike=False)) == pytest.approx(shown, abs=0.06)


@pytest.mark.parametrize(("seeds", "sd", "margin"), [(5, 0.4, 1.0), (10, 0.7, 1.0), (10, 0.3, 0.5)])
def test_power_of_an_equivalence(seeds, sd, margin):
    """Two one-sided tests at 5 % each, where there is no difference."""
    rng = np.random.default_rng(1)
    shown = 0
    for a, b in zip(rng.normal(0, sd, (2_000, seeds)), rng.normal(0, sd, (2_000, seeds)), strict=True):
        low, high = Scores.of_runs({"a": list(a), "b": list(b)}).contrast({"a": 1, "b": -1}).interval(0.9)
        shown += -margin < low and high < margin
    assert power(estimate(seeds, sd), Design(margin, 0.9, alike=True)) == pytest.approx(shown / 2_000, abs=0.06)


def test_the_detectable_effect_has_a_power_of_four_fifths():
    for alike, level in ((False, 0.95), (True, 0.9)):
        found = estimate(5, 1.0)._replace(sentence_error=0.2)
        room = detectable(found, Design(0.0, level, alike))
        assert power(found, Design(room, level, alike)) == pytest.approx(0.8)


def test_seeds_needed_are_those_of_the_textbook():
    """17 a group for an effect of one standard deviation at 80 % (Cohen 1988, table 2.4.1: 17)."""
    assert seeds_needed(estimate(5, 1.0), Design(1.0, 0.95, alike=False), 5) in (16, 17, 18)


def test_where_sentences_bind_no_seeds_help():
    found = estimate(5, 0.1)._replace(sentence_error=1.0)
    assert seeds_needed(found, Design(1.0, 0.95, alike=False), 5) is None
    assert seeds_needed(Estimate(0.0, math.inf, 1.0), Design(1.0, 0.95, alike=False), 1) is None


def test_where_nothing_varies_any_effect_is_shown():
    assert power(Estimate(0.0, 0.0, math.inf), Design(0.1, 0.95, alike=False)) == 1.0

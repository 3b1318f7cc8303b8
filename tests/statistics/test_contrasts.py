"""Scores with their uncertainty: against SciPy, the equation, and how often intervals hold the truth."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.contrasts import Estimate, Scores

A, B = [30.0, 31.0, 33.0], [27.0, 27.5, 29.5]


def mean_of(sums_MX):
    """A score that is a mean over sentences: Σ value / Σ 1."""
    return sums_MX[:, 0] / sums_MX[:, 1]


def test_where_only_seeds_vary_it_is_welchs_t():
    """SciPy's, in p and interval."""
    estimate = Scores.of_runs({"a": A, "b": B}).contrast({"a": 1, "b": -1})
    welch = stats.ttest_ind(A, B, equal_var=False)
    assert estimate.freedom == pytest.approx(welch.df)
    assert 2 * estimate.p_above(0) == pytest.approx(welch.pvalue)
    assert estimate.interval(0.95) == pytest.approx(tuple(welch.confidence_interval(0.95)))


def test_one_arm_is_students_t():
    estimate = Scores.of_runs({"a": A}).contrast({"a": 1})
    assert estimate.freedom == 2
    assert estimate.interval(0.95) == pytest.approx(stats.t.interval(0.95, 2, np.mean(A), stats.sem(A)))


def test_a_slope_is_that_of_the_least_squares_line():
    x = np.array([1.0, 2.0, 4.0])
    scores = {"a": [1.0, 1.5, 1.1], "b": [2.0, 2.4, 2.2], "c": [5.0, 4.4, 4.9]}
    weights = (x - x.mean()) / np.square(x - x.mean()).sum()
    estimate = Scores.of_runs(scores).contrast(dict(zip(scores, weights, strict=True)))
    assert estimate.value == pytest.approx(np.polyfit(x, [np.mean(of) for of in scores.values()], 1)[0])


def test_where_nothing_varies_what_was_seen_is_what_is():
    estimate = Estimate(2.0, 0.0, np.inf)
    assert (estimate.p_above(1), estimate.p_above(2), estimate.p_below(3)) == (0, 1, 0)
    assert estimate.interval(0.95) == (2, 2)


def test_sentences_add_their_share_to_what_is_uncertain():
    """Var = σ²_seed / R + σ²_sentence / N, of runs of the same sentences."""
    rng, sentences = np.random.default_rng(0), 400
    values_RN = 50 + rng.normal(0, 10, sentences) + rng.normal(0, 1, (5, 1))
    counts = np.stack([np.column_stack([row, np.ones(sentences)]) for row in values_RN])
    estimate = Scores.of_sentences({"a": counts}, mean_of, seed=0).contrast({"a": 1})
    of_seeds = values_RN.mean(axis=1).var(ddof=1) / 5
    of_sentences = values_RN.mean(axis=0).var(ddof=1) / sentences
    assert estimate.error**2 == pytest.approx(of_seeds + of_sentences, rel=0.1)
    assert estimate.freedom == pytest.approx((estimate.error**2) ** 2 / (of_seeds**2 / 4))


def test_sentences_that_both_arms_find_hard_cancel_in_their_difference():
    rng, sentences = np.random.default_rng(1), 300
    hard_N, seeds = rng.normal(0, 10, sentences), rng.normal(0, 0.1, (2, 3, 1))
    arms = {
        arm: np.stack([np.column_stack([hard_N + off + shift, np.ones(sentences)]) for off in of])
        for arm, of, shift in (("a", seeds[0], 1.0), ("b", seeds[1], 0.0))
    }
    scores = Scores.of_sentences(arms, mean_of, seed=0)
    assert scores.contrast({"a": 1}).error > 5 * scores.contrast({"a": 1, "b": -1}).error


@pytest.mark.parametrize("seed_share", [0.0, 1.0, 3.0])
def test_95_of_100_intervals_hold_the_truth(seed_share):
    """Three seeds an arm, whether seeds or sentences vary more; 2,000 made-up experiments would be 95 ± 1 %."""
    rng, sentences, held, tries = np.random.default_rng(2), 60, 0, 300
    for _ in range(tries):
        arms = {}
        for arm in "ab":
            noise_N = rng.normal(0, 1, sentences)
            values = noise_N + rng.normal(0, seed_share / np.sqrt(sentences), (3, 1)) + rng.normal(0, 0.01, (3, 1))
            arms[arm] = np.stack([np.column_stack([row, np.ones(sentences)]) for row in values])
        low, high = Scores.of_sentences(arms, mean_of, seed=0).contrast({"a": 1, "b": -1}).interval(0.95)
        held += low <= 0 <= high
    assert 0.92 <= held / tries <= 0.995

"""One interval and one p over seeds and sentences: against SciPy, the equation, and how often it holds the truth."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from research.statistics.contrasts import Estimate, Scores, verdict

A, B = [30.0, 31.0, 33.0], [27.0, 27.5, 29.5]
A_LESS_B = {"a": 1, "b": -1}
N = 101  # sentences


def mean(sums_MX):
    """A score that is a mean over sentences: Σ value / Σ 1."""
    return sums_MX[:, 0] / sums_MX[:, 1]


def with_ones(values_RN):
    """counts_RNX whose `mean` is the mean of the values."""
    values_RN = np.asarray(values_RN, np.float64)
    return np.stack([values_RN, np.ones_like(values_RN)], axis=-1)


def of_sentences(resamples=1_000, **values_RN):
    counts = {arm: with_ones(values) for arm, values in values_RN.items()}
    return Scores.of_sentences(counts, mean, seed=0, resamples=resamples)


@pytest.mark.parametrize("b_R", [[30.0, 31.5], [30.7] * 3, [29.9, 31.1, 30.2, 31.0, 30.4], B])
@pytest.mark.parametrize("sentences", [False, True])
def test_where_only_seeds_vary_it_is_welchs_t(b_R, sentences):
    """SciPy's, in degrees of freedom, p, interval and the two one-sided tests; also of sentences that are all alike."""
    margin = 3.3
    scores = of_sentences(a=np.repeat(np.c_[A], 7, 1), b=np.repeat(np.c_[b_R], 7, 1)) if sentences else None
    estimate = (scores or Scores.of_runs({"a": A, "b": b_R})).contrast(A_LESS_B)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)  # scores that are all the same are meant
        welch = stats.ttest_ind(A, b_R, equal_var=False)
        above = stats.ttest_ind(np.add(A, margin), b_R, equal_var=False, alternative="greater").pvalue
        below = stats.ttest_ind(np.subtract(A, margin), b_R, equal_var=False, alternative="less").pvalue
    assert estimate.freedom == pytest.approx(welch.df)
    assert estimate.p_value == pytest.approx(welch.pvalue)
    assert estimate.p_within(margin) == pytest.approx(max(above, below))
    for level in (0.5, 0.9, 0.95, 0.999):
        assert estimate.interval(level) == pytest.approx(tuple(welch.confidence_interval(level)))


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


@given(
    arrays(np.float64, st.tuples(st.integers(2, 4), st.just(7)), elements=st.floats(-50, 50, width=16)),
    arrays(np.float64, st.tuples(st.integers(2, 4), st.just(7)), elements=st.floats(-50, 50, width=16)),
    st.floats(0.01, 0.999),
)
def test_it_is_never_narrower_than_welch_over_seeds_alone(a_RN, b_RN, level):
    a_R, b_R = a_RN.mean(axis=1), b_RN.mean(axis=1)
    assume(max(np.ptp(a_R), np.ptp(b_R)) > 1e-6)
    estimate = of_sentences(a=a_RN, b=b_RN, resamples=53).contrast(A_LESS_B)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        welch = stats.ttest_ind(a_R, b_R, equal_var=False)
        interval = welch.confidence_interval(level)
    low, high = estimate.interval(level)
    assert high - low >= (interval.high - interval.low) * (1 - 1e-9)
    assert estimate.p_value >= welch.pvalue * (1 - 1e-5)


@given(
    st.floats(-20, 20), st.floats(0, 5), st.floats(1, 40), st.floats(0, 5), st.floats(0.001, 0.999), st.integers(0, 1)
)
def test_p_and_interval_agree(value, seed_error, freedom, sentence_error, level, end):
    """At an end of the interval at 1 - α, the one-sided p is α / 2; inside it is more."""
    assume(seed_error + sentence_error > 1e-3)
    estimate = Estimate(value, seed_error, freedom, sentence_error)
    bound = estimate.interval(level)[end]
    p = (estimate.p_above, estimate.p_below)[end](bound)
    assert p == pytest.approx((1 - level) / 2, rel=1e-4, abs=1e-9)
    assert estimate.p_above(bound) + estimate.p_below(bound) == pytest.approx(1)


@pytest.mark.parametrize(("distance", "p"), [(0.0, 0.5), (1e-13, 0.5), (30.0, 1e-5), (1e30, 1e-30)])
def test_p_of_the_far_and_the_near(distance, p):
    found = Estimate(distance, 1.0, 4.0, 1.0).p_above(0)
    assert found == pytest.approx(0.5) if p == 0.5 else 0 < found < p


def test_one_seed_a_side_is_near_a_paired_t_test():
    """Means of many sentences are normal, so both give the same interval."""
    rng = np.random.default_rng(1)
    b_N = rng.normal(0, 3, 997)
    for shift in (0.0, 0.04, 0.08):
        a_N = b_N + stats.zscore(rng.normal(size=997)) + shift
        theirs = stats.ttest_rel(a_N, b_N)
        found = of_sentences(a=[a_N], b=[b_N], resamples=4_001).contrast(A_LESS_B)
        assert (found.seed_error, found.freedom) == (0, np.inf)
        assert found.p_value == pytest.approx(theirs.pvalue, abs=0.01)
        assert found.interval(0.95) == pytest.approx(tuple(theirs.confidence_interval(0.95)), abs=0.005)


@pytest.mark.parametrize(("p", "equivalent"), [(0.03, True), (0.08, False)])
def test_equivalence_is_that_of_two_t_tests(p, equivalent):
    """The margin at which TOST by SciPy's one-sided t tests has this p, against ours over many sentences."""
    rng = np.random.default_rng(3)
    b_N = rng.normal(0, 3, 997)
    a_N = b_N + stats.zscore(rng.normal(size=997)) + 0.02
    difference_N = a_N - b_N
    margin = float(difference_N.mean() + stats.sem(difference_N) * stats.t.isf(p, 996))
    below = stats.ttest_1samp(difference_N, margin, alternative="less").pvalue
    above = stats.ttest_rel(a_N + margin, b_N, alternative="greater").pvalue
    assert max(below, above) == pytest.approx(p)
    found = of_sentences(a=[a_N], b=[b_N], resamples=4_001).contrast(A_LESS_B)
    assert found.p_within(margin) == pytest.approx(p, abs=0.01)
    said = verdict(found.interval(0.95), found.interval(0.9), margin=margin, better=1)
    assert said.startswith("equivalent") == equivalent


def test_seeds_and_sentences_have_each_their_error():
    """s² = Σ s_i² / R_i and u² = the variance of a mean over N sentences, of effects that are the same for all runs."""
    rng = np.random.default_rng(4)
    of_a_R, of_b_R = rng.normal(0, 0.3, 3), rng.normal(0, 0.5, 5)
    a_N, b_N = rng.normal(0, 2, N), rng.normal(0, 3, N)
    found = of_sentences(a=of_a_R[:, None] + a_N, b=of_b_R[:, None] + b_N, resamples=20_011).contrast(A_LESS_B)
    assert found.value == pytest.approx(of_a_R.mean() - of_b_R.mean() + a_N.mean() - b_N.mean())
    assert found.seed_error**2 == pytest.approx(of_a_R.var(ddof=1) / 3 + of_b_R.var(ddof=1) / 5)
    # Four standard deviations of a variance out of so many resamples.
    assert found.sentence_error**2 == pytest.approx(np.var(a_N - b_N) / N, rel=4 * np.sqrt(2 / 20_011))


def test_what_a_sentence_does_to_one_run_alone_counts_once():
    """It varies from run to run, so the error over seeds has it; nothing is left for sentences."""
    rng = np.random.default_rng(5)
    found = of_sentences(a=rng.normal(0, 1, (200, 60)), b=rng.normal(0, 1, (200, 60))).contrast(A_LESS_B)
    assert found.seed_error == pytest.approx(np.sqrt(2 / 200 / 60), rel=0.15)
    assert found.sentence_error < 0.5 * found.seed_error


def test_sentences_that_both_arms_find_hard_cancel_in_their_difference():
    rng = np.random.default_rng(1)
    hard_N, seeds = rng.normal(0, 10, 300), rng.normal(0, 0.1, (2, 3, 1))
    scores = of_sentences(a=hard_N + seeds[0] + 1, b=hard_N + seeds[1])
    assert scores.contrast({"a": 1}).error > 5 * scores.contrast(A_LESS_B).error


def test_identical_systems_have_no_p():
    a_N = np.random.default_rng(7).normal(size=N)
    for runs_RN in ([a_N], a_N + np.zeros((3, 1))):
        found = of_sentences(a=runs_RN, b=[a_N]).contrast(A_LESS_B)
        assert (found.value, found.error, found.p_value, found.p_within(1.0)) == (0, 0, None, None)
        assert found.interval(0.95) == (0, 0)
        assert not found.varies
    found = Scores.of_runs({"a": [1.1] * 3, "b": [1.1] * 5}).contrast(A_LESS_B)
    assert (found.value, found.p_value) == (0, None)
    seeds_RN = a_N + np.arange(3)[:, None]  # the same runs twice are not identical systems: other seeds may differ
    assert of_sentences(a=seeds_RN, b=seeds_RN).contrast(A_LESS_B).p_value == 1


def test_a_difference_that_nothing_changes_has_no_p():
    b_N = np.array([2.0, 3, 5, 7, 11])
    for found in (
        of_sentences(a=[b_N + 0.5], b=[b_N]).contrast(A_LESS_B),
        Scores.of_runs({"a": [1.6] * 3, "b": [1.1] * 3}).contrast(A_LESS_B),
    ):
        assert found.value == pytest.approx(0.5)
        assert found.interval(0.95) == (found.value, found.value)
        assert (found.p_value, found.p_above(0), found.p_below(0), found.p_within(1)) == (None,) * 4


def test_one_run_without_sentences_shows_no_error():
    found = Scores.of_runs({"a": A, "b": [3.0]}).contrast(A_LESS_B)
    assert found.interval(0.95) == (-np.inf, np.inf)
    assert found.p_value == 1


@given(arrays(np.int64, (2, 3, 13), elements=st.integers(1, 9)))
def test_turning_a_comparison_round_turns_its_sign(values):
    a_RN, b_RN = values
    found = of_sentences(a=a_RN, b=b_RN, resamples=97).contrast(A_LESS_B)
    turned = of_sentences(b=a_RN, a=b_RN, resamples=97).contrast(A_LESS_B)
    assert found.value == pytest.approx(-turned.value)
    assert found.interval(0.9) == pytest.approx(tuple(-end for end in reversed(turned.interval(0.9))))
    assert found.p_value == (None if turned.p_value is None else pytest.approx(turned.p_value))


@pytest.mark.parametrize(
    ("sentences", "alone"), [(0.2, 0.1), (1.0, 0.1), (0.2, 1.0)], ids=["seeds", "sentences", "both at once"]
)
@pytest.mark.parametrize("sds", [(1.0, 1.0), (0.25, 1.0)], ids=["alike", "unlike"])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_95_of_100_intervals_hold_the_truth(seeds, sds, sentences, alone):
    """Two arms that differ by nothing but chance, whichever chance is the largest.

    Of 2,000 such experiments of each kind, intervals held the truth in 96 to 99 % with 2 seeds, 95 to 98 % with 3, and
    94 to 96 % with 5, and most often where seeds are few and alike. Welch's over seeds alone held it in 10 to 98 %.

    sds: of the seeds of both arms, times 1 / √N; sentences: the sd of a sentence in all runs of an arm; alone: in one.
    """
    rng, tries, held, size = np.random.default_rng(seeds), 250, 0, 30

    def arm(sd):
        of_runs = rng.normal(0, sd / np.sqrt(size), (seeds, 1)) + rng.normal(0, alone, (seeds, size))
        return rng.normal(0, sentences, size) + of_runs

    for _ in range(tries):
        low, high = of_sentences(a=arm(sds[0]), b=arm(sds[1]), resamples=100).contrast(A_LESS_B).interval(0.95)
        held += low <= 0 <= high
    assert 0.93 <= held / tries <= (1 if seeds == 2 else 0.995)


@pytest.mark.parametrize(
    ("difference", "equivalence", "margin", "better", "expected"),
    [
        ((0.1, 0.9), (0.2, 0.8), None, 1, "A is better"),
        ((0.1, 0.9), (0.2, 0.8), None, -1, "B is better"),
        ((-0.9, -0.1), (-0.8, -0.2), None, 1, "B is better"),
        ((-0.9, -0.1), (-0.8, -0.2), None, -1, "A is better"),
        ((0.0, 0.9), (0.1, 0.8), None, 1, "inconclusive"),  # an end at 0 is no difference
        ((-0.9, 0.0), (-0.8, -0.1), None, 1, "inconclusive"),
        ((-0.1, 0.9), (0.0, 0.8), 0.8, 1, "inconclusive"),  # an end at the margin is not within it
        ((-0.9, 0.1), (-0.8, 0.0), 0.8, 1, "inconclusive"),
        ((-0.1, 0.9), (0.0, 0.8), 0.81, 1, "equivalent within ±0.81"),
        ((-0.9, 0.1), (-0.8, 0.0), 0.81, -1, "equivalent within ±0.81"),
        ((0.1, 0.4), (0.2, 0.3), 0.5, 1, "equivalent within ±0.5"),  # there, and too small to matter
        ((0.1, 0.9), (0.2, 0.8), 0.5, 1, "A is better"),
        ((0.0, 0.0), (0.0, 0.0), None, 1, "identical"),
        ((0.0, 0.0), (0.0, 0.0), 1.0, 1, "identical"),
        ((0.5, 0.5), (0.5, 0.5), None, 1, "A is better"),  # nothing varies, and they differ
    ],
)  # fmt: skip
def test_verdict(difference, equivalence, margin, better, expected):
    assert verdict(difference, equivalence, margin=margin, better=better) == expected

"""Resampling against sacreBLEU's paired tests, against SciPy, and against cases done by hand."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest, estimate_ci
from scipy import stats

from research.evaluation import alignment
from research.evaluation.gold import Gold
from research.statistics.resampling import approximate_randomisation, bootstrap, seed_test, verdict

N, M = 101, 499  # sentences, resamples
SEED = 7
METRICS = {"BLEU": BLEU(tokenize="13a", force=True), "chrF2": CHRF(), "TER": TER()}


def mean(sums_MX):
    """Of the first count, over the second."""
    return sums_MX[:, 0] / sums_MX[:, 1]


def with_ones(values):
    """(..., N) -> counts (..., N, 2) of which `mean` is the mean of the values."""
    values = np.asarray(values, np.float64)
    return np.stack([values, np.ones_like(values)], axis=-1)


@pytest.fixture(scope="module")
def corpus():
    """Two systems that make mistakes of one kind, the first a few more; and what they should have said."""
    rng = np.random.default_rng(11)
    words = ["the", "a", "dog", "cat", "man", "sees", "runs", "in", "on", "under", "red", "house", "river", "."]
    references = [" ".join(rng.choice(words, rng.integers(3, 13))) for _ in range(N)]

    def translate(share):
        kept = [np.where(rng.random(len(text.split())) < share, "x", text.split()) for text in references]
        return [" ".join(sentence) for sentence in kept]

    return translate(0.25), translate(0.21), references


@pytest.fixture(scope="module")
def counted(corpus):
    """metric -> (counts of A, counts of B, measure)."""
    first, second, references = corpus

    def of(metric):
        counts = [np.array(metric._extract_corpus_statistics(each, [references]), float) for each in (first, second)]
        return *counts, lambda sums_MX: np.array([metric._compute_score_from_stats(list(s)).score for s in sums_MX])

    return {name: of(metric) for name, metric in METRICS.items()}


def of_sacrebleu(corpus, monkeypatch, kind):
    monkeypatch.setenv("SACREBLEU_SEED", str(SEED))
    *systems, references = corpus
    named = list(zip(("first", "second"), systems, strict=True))
    _, scores = PairedTest(named, METRICS, [references], test_type=kind, n_samples=M)()
    return scores


def test_bootstrap_draws_and_scores_as_sacrebleu(corpus, counted, monkeypatch):
    """Its counts are float32, so scores agree to that; its p value, which is one-sided, to the last resample."""
    theirs = of_sacrebleu(corpus, monkeypatch, "bs")
    assert set(counted) <= set(theirs)
    for name, (a_NX, b_NX, measure) in counted.items():
        ours = bootstrap(a_NX[None], b_NX[None], measure, resamples=M, seed=SEED)
        first, second = theirs[name]
        assert (ours.a, ours.b) == pytest.approx((first.score, second.score))
        assert estimate_ci(ours.a_M) == pytest.approx((first.mean, first.ci), rel=1e-5)
        assert estimate_ci(ours.b_M) == pytest.approx((second.mean, second.ci), rel=1e-5)
        folded_M = np.abs(ours.a_M - ours.b_M)
        p = (1 + np.sum(folded_M - folded_M.mean() > abs(ours.difference))) / (1 + M)
        assert second.p_value == p
        assert 0 < p < ours.p_value < 1


def test_randomisation_is_that_of_sacrebleu(corpus, counted, monkeypatch):
    """But for swaps that give just what was observed, which it leaves out: TER, in whole edits, has some."""
    theirs = of_sacrebleu(corpus, monkeypatch, "ar")
    ties = {}
    for name, (a_NX, b_NX, measure) in counted.items():
        p = approximate_randomisation(a_NX, b_NX, measure, resamples=M, seed=SEED)
        observed = abs(np.subtract(*(measure(each_NX.sum(0)[None])[0] for each_NX in (a_NX, b_NX))))
        ties[name] = 0
        for heads_N in np.random.default_rng(SEED).integers(2, size=(M, N), dtype=bool):
            mixed = np.where(heads_N[:, None], a_NX, b_NX), np.where(heads_N[:, None], b_NX, a_NX)
            difference = np.subtract(*(measure(each_NX.sum(0)[None])[0] for each_NX in mixed))
            ties[name] += abs(abs(difference) - observed) < 1e-9
        assert p == pytest.approx(theirs[name][1].p_value + ties[name] / (1 + M))
        assert 1 / (1 + M) < p < 1
    assert ties["BLEU"] == ties["chrF2"] == 0 < ties["TER"]


def test_bootstrap_of_means_is_that_of_scipy():
    rng = np.random.default_rng(0)
    a_N, b_N = rng.normal(1, 2, N), rng.normal(1.3, 1, N)
    ours = bootstrap(with_ones([a_N]), with_ones([b_N]), mean, resamples=M, seed=SEED)
    for level in (0.9, 0.95):
        theirs = stats.bootstrap(
            (a_N, b_N), lambda a, b, axis: a.mean(axis) - b.mean(axis), paired=True, method="percentile",
            confidence_level=level, n_resamples=M, rng=np.random.default_rng(SEED),
        )  # fmt: skip
        assert ours.interval(level) == pytest.approx(tuple(theirs.confidence_interval))
    np.testing.assert_allclose(ours.a_M - ours.b_M, theirs.bootstrap_distribution)


def test_bootstrap_p_value_is_near_that_of_a_paired_t_test():
    """Of means of many sentences both are the normal distribution's."""
    rng = np.random.default_rng(1)
    b_N = rng.normal(0, 3, 997)
    for shift in (0.0, 0.04, 0.08):
        a_N = b_N + stats.zscore(rng.normal(size=997)) + shift
        theirs = stats.ttest_rel(a_N, b_N).pvalue
        ours = bootstrap(with_ones([a_N]), with_ones([b_N]), mean, resamples=4_001, seed=SEED).p_value
        assert ours == pytest.approx(theirs, abs=4 * np.sqrt(theirs * (1 - theirs) / 4_001) + 0.005)


def test_randomisation_of_means_is_near_all_permutations_of_scipy():
    """Of whole numbers: many swaps then give exactly the difference that was observed, and count."""
    rng = np.random.default_rng(2)
    a_N, b_N = rng.integers(0, 5, 11), rng.integers(1, 6, 11)
    exact = stats.permutation_test(
        (a_N, b_N), lambda a, b: a.mean() - b.mean(), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    ours = approximate_randomisation(with_ones(a_N), with_ones(b_N), mean, resamples=20_011, seed=SEED)
    assert 0.01 < exact < 0.9
    assert ours == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_011))


def test_randomisation_counts_ties_whatever_the_order_of_their_sums():
    """|±.1 ±.2 ±.3 ±.6| ≥ .6, which .1 + .2 - .3 + .6 is, in 5 of 8 cases; 0.1 + 0.2 is not 0.3 to a computer."""
    a_N, b_N = [0.1, 0.2, 0.0, 0.6], [0.0, 0.0, 0.3, 0.0]
    p = approximate_randomisation(with_ones(a_N), with_ones(b_N), mean, resamples=20_011, seed=SEED)
    assert p == pytest.approx(5 / 8, abs=4 * np.sqrt(5 / 8 * 3 / 8 / 20_011))


@pytest.mark.parametrize(("p", "equivalent"), [(0.03, True), (0.08, False)])
def test_equivalence_is_that_of_two_t_tests(p, equivalent):
    """The margin at which TOST by SciPy's one-sided t tests has this p value, against the 90 % interval at α = 0.05."""
    rng = np.random.default_rng(3)
    b_N = rng.normal(0, 3, 997)
    a_N = b_N + stats.zscore(rng.normal(size=997)) + 0.02
    difference_N = a_N - b_N
    margin = float(difference_N.mean() + stats.sem(difference_N) * stats.t.isf(p, 996))
    below = stats.ttest_1samp(difference_N, margin, alternative="less").pvalue
    above = stats.ttest_rel(a_N + margin, b_N, alternative="greater").pvalue
    assert max(below, above) == pytest.approx(p)
    found = bootstrap(with_ones([a_N]), with_ones([b_N]), mean, resamples=4_001, seed=SEED)
    said = verdict(found.interval(0.95), found.interval(0.9), margin=margin, better=1)
    assert said.startswith("equivalent") == equivalent


@pytest.mark.parametrize("b_R", [[30.0, 31.5], [30.7] * 3, [29.9, 31.1, 30.2, 31.0, 30.4]])
def test_seed_test_is_that_of_scipy(b_R):
    a_R, margin = [31.2, 31.9, 30.8], 2.3
    found = seed_test(a_R, b_R, level=0.9, margin=margin)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)  # scores that are all the same are meant
        theirs = stats.ttest_ind(a_R, b_R, equal_var=False)
        above = stats.ttest_ind(np.add(a_R, margin), b_R, equal_var=False, alternative="greater").pvalue
        below = stats.ttest_ind(np.subtract(a_R, margin), b_R, equal_var=False, alternative="less").pvalue
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.interval == pytest.approx(tuple(theirs.confidence_interval(0.9)))
    assert found.equivalence_p_value == pytest.approx(max(above, below))
    turned = seed_test(b_R, a_R, level=0.9, margin=margin)
    assert (turned.p_value, turned.equivalence_p_value) == pytest.approx((found.p_value, found.equivalence_p_value))
    assert seed_test(a_R, b_R, level=0.9, margin=None).equivalence_p_value is None


@pytest.mark.parametrize("scores", [([1.0], [1.0, 2.0]), ([1.1] * 3, [2.3] * 3)])
def test_seed_test_needs_seeds_that_vary(scores):
    assert seed_test(*scores, level=0.95, margin=None) is None


def test_variances_of_sentences_and_of_seeds_add_up():
    """Of R seeds the mean's variance is s² / R, s² unbiased; of N sentences it is the plain bootstrap's, σ² / N."""
    rng = np.random.default_rng(4)
    of_a_R, of_b_R = rng.normal(0, 0.3, 3), rng.normal(0, 0.5, 5)
    a_N, b_N = rng.normal(0, 2, N), rng.normal(0, 3, N)
    found = bootstrap(
        with_ones(of_a_R[:, None] + a_N), with_ones(of_b_R[:, None] + b_N), mean, resamples=20_011, seed=SEED
    )
    assert found.difference == pytest.approx(of_a_R.mean() - of_b_R.mean() + a_N.mean() - b_N.mean())
    expected = of_a_R.var(ddof=1) / 3 + of_b_R.var(ddof=1) / 5 + np.var(a_N - b_N) / N
    # Four standard deviations of a variance out of so many resamples.
    assert np.var(found.a_M - found.b_M) == pytest.approx(expected, rel=4 * np.sqrt(2 / 20_011))


def test_every_run_reads_the_same_sentences():
    """Runs that say the same differ in no resample, however many there are on either side."""
    a_N = np.random.default_rng(5).integers(0, 9, N)
    found = bootstrap(with_ones([a_N] * 3), with_ones([a_N] * 5), mean, resamples=M, seed=SEED)
    np.testing.assert_allclose(found.a_M, found.b_M, rtol=1e-12)
    assert np.ptp(found.a_M) > 0
    assert found.interval(0.95) == pytest.approx((0, 0), abs=1e-12)


def test_intervals_of_three_seeds_cover_what_the_docstring_says():
    """Sentences all alike, so that only seeds vary; 86 % of 601, within three standard deviations."""
    rng = np.random.default_rng(6)
    covered = 0
    for trial in range(601):
        a_R1, b_R1 = rng.normal(size=(2, 3, 1))
        systems = (with_ones(np.repeat(each_R1, 2, axis=1)) for each_R1 in (a_R1, b_R1))
        low, high = bootstrap(*systems, mean, resamples=499, seed=trial).interval(0.95)
        covered += low <= 0 <= high
    assert covered / 601 == pytest.approx(0.86, abs=3 * np.sqrt(0.86 * 0.14 / 601))


def test_identical_systems():
    a_N = np.random.default_rng(7).normal(size=N)
    counts_NX = with_ones(a_N)
    found = bootstrap(counts_NX[None], counts_NX[None], mean, resamples=M, seed=SEED)
    assert found.difference == 0
    assert found.interval(0.95) == (0, 0)
    assert found.p_value == 1
    assert approximate_randomisation(counts_NX, counts_NX, mean, resamples=M, seed=SEED) == 1
    runs_RNX = with_ones(a_N + np.arange(3)[:, None])
    assert bootstrap(runs_RNX, runs_RNX, mean, resamples=M, seed=SEED).p_value == 1


def test_constant_difference():
    """No resample can change it; swapping gives one as large only if it swaps all five sentences or none."""
    b_N = np.array([2.0, 3, 5, 7, 11])
    found = bootstrap(with_ones([b_N + 0.5]), with_ones([b_N]), mean, resamples=M, seed=SEED)
    assert found.interval(0.95) == pytest.approx((0.5, 0.5))
    assert found.p_value == 1 / (1 + M)
    p = approximate_randomisation(with_ones(b_N + 0.5), with_ones(b_N), mean, resamples=20_011, seed=SEED)
    assert p == pytest.approx(2 / 2**5, abs=4 * np.sqrt(2 / 2**5 / 20_011))


def test_one_sentence():
    """To swap it changes nothing but the sign; to draw it again and again says nothing at all."""
    assert approximate_randomisation(with_ones([3]), with_ones([1]), mean, resamples=M, seed=SEED) == 1
    with pytest.raises(ValueError, match="at least two"):
        bootstrap(with_ones([[3]]), with_ones([[1]]), mean, resamples=M, seed=SEED)


def test_other_sentences_are_refused():
    with pytest.raises(ValueError, match="must be run × sentence × count"):
        bootstrap(np.ones((1, 5, 2)), np.ones((1, 7, 2)), mean, resamples=M, seed=SEED)


@given(arrays(np.int64, (2, 13, 2), elements=st.integers(1, 9)))
def test_turning_a_comparison_round_turns_its_sign(counts):
    a_NX, b_NX = counts
    found, turned = (
        bootstrap(first[None], second[None], mean, resamples=97, seed=SEED)
        for first, second in ((a_NX, b_NX), (b_NX, a_NX))
    )
    assert found.difference == -turned.difference
    assert found.interval(0.9) == pytest.approx(tuple(-end for end in reversed(turned.interval(0.9))))
    assert found.p_value == turned.p_value
    p, turned_p = (
        approximate_randomisation(*pair, mean, resamples=97, seed=SEED) for pair in ((a_NX, b_NX), (b_NX, a_NX))
    )
    assert p == turned_p


def test_a_seed_is_the_resamples():
    a_RNX, b_RNX = with_ones(np.random.default_rng(8).normal(size=(2, 3, N)))
    first, again, other = (bootstrap(a_RNX, b_RNX, mean, resamples=M, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.a_M, again.a_M)
    assert first.interval(0.95) == again.interval(0.95) != other.interval(0.95)


def test_a_measure_is_any_function_of_sums():
    """Alignment error, by the counts of `alignment.sentence_counts`."""
    rng = np.random.default_rng(9)
    golds = [frozenset(map(tuple, rng.integers(0, 5, (7, 2)).tolist())) for _ in range(N)]
    counts_NX = np.stack([alignment.sentence_counts(rng.random((1, 5, 5)), Gold(sure, sure))[0] for sure in golds])

    def error(sums_MX):
        right_sure, right_possible, predicted, sure = sums_MX.T[:4]
        return 1 - (right_sure + right_possible) / (predicted + sure)

    counts_RNX = counts_NX[None]
    found = bootstrap(counts_RNX, counts_RNX, error, resamples=M, seed=SEED)
    assert found.a == pytest.approx(alignment.Alignment(*counts_NX.sum(axis=0)).error)
    low, high = found.intervals(0.95)[0]
    assert low < found.a < high


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
        ((0.0, 0.0), (0.0, 0.0), None, 1, "inconclusive"),  # identical systems
        ((0.0, 0.0), (0.0, 0.0), 1.0, 1, "equivalent within ±1"),
    ],
)  # fmt: skip
def test_verdict(difference, equivalence, margin, better, expected):
    assert verdict(difference, equivalence, margin=margin, better=better) == expected

"""Resamples against sacreBLEU's paired bootstrap and SciPy's."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest, estimate_ci
from scipy import stats

from research.evaluation import alignment
from research.evaluation.gold import Gold
from research.statistics.contrasts import Scores
from research.statistics.resampling import resample

N, M = 101, 499  # sentences, resamples
SEED = 7
METRICS = {"BLEU": BLEU(tokenize="13a", force=True), "chrF2": CHRF(), "TER": TER()}


def mean(sums_MX):
    """Return the first count over the second."""
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


def test_it_draws_and_scores_as_sacrebleu(corpus, counted, monkeypatch):
    """Its counts are float32, so scores agree to that."""
    theirs = of_sacrebleu(corpus, monkeypatch, "bs")
    assert set(counted) <= set(theirs)
    for name, (a_NX, b_NX, score) in counted.items():
        systems = resample([a_NX[None], b_NX[None]], score, resamples=M, seed=SEED)
        for ours, expected in zip(systems, theirs[name], strict=True):
            assert ours.scores_R == pytest.approx([expected.score])
            assert estimate_ci(ours.scores_RM[0]) == pytest.approx((expected.mean, expected.ci), rel=1e-5)


def test_resamples_of_means_are_those_of_scipy():
    rng = np.random.default_rng(0)
    a_N, b_N = rng.normal(1, 2, N), rng.normal(1.3, 1, N)
    a, b = resample([with_ones([a_N]), with_ones([b_N])], mean, resamples=M, seed=SEED)
    theirs = stats.bootstrap(
        (a_N, b_N), lambda a, b, axis: a.mean(axis) - b.mean(axis), paired=True, method="percentile",
        n_resamples=M, rng=np.random.default_rng(SEED),
    )  # fmt: skip
    np.testing.assert_allclose((a.scores_RM - b.scores_RM)[0], theirs.bootstrap_distribution)
    estimate = Scores.of_sentences(
        {"a": with_ones([a_N]), "b": with_ones([b_N])}, mean, seed=SEED, resamples=M
    ).contrast({"a": 1, "b": -1})
    assert estimate.sentence_error == pytest.approx(theirs.standard_error)


def test_every_run_is_scored_on_the_same_sentences():
    """Runs that say the same differ in no resample, however many there are on either side."""
    a_N = np.random.default_rng(5).integers(0, 9, N)
    three, five = resample([with_ones([a_N] * 3), with_ones([a_N] * 5)], mean, resamples=M, seed=SEED)
    assert three.scores_RM.shape == (3, M)
    np.testing.assert_array_equal(three.scores_RM, three.scores_RM[[0] * 3])
    np.testing.assert_allclose(three.scores_RM.mean(0), five.scores_RM.mean(0), rtol=1e-12)
    assert np.ptp(three.scores_RM) > 0


def test_one_sentence_says_nothing_of_sentences():
    with pytest.raises(ValueError, match="at least two"):
        resample([with_ones([[3]]), with_ones([[1]])], mean, resamples=M, seed=SEED)


def test_other_sentences_are_refused():
    with pytest.raises(ValueError, match="must be run × sentence × count"):
        resample([np.ones((1, 5, 2)), np.ones((1, 7, 2))], mean, resamples=M, seed=SEED)


def test_a_seed_is_the_resamples():
    runs_RNX = with_ones(np.random.default_rng(8).normal(size=(3, N)))
    first, again, other = (resample([runs_RNX], mean, resamples=M, seed=seed)[0].scores_RM for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all(axis=0).any()


def test_a_score_is_any_function_of_sums():
    """Alignment error, by the counts of `alignment.sentence_counts`."""
    rng = np.random.default_rng(9)
    golds = [frozenset(map(tuple, rng.integers(0, 5, (7, 2)).tolist())) for _ in range(N)]
    counts_NX = np.stack([alignment.sentence_counts(rng.random((1, 5, 5)), Gold(sure, sure))[0] for sure in golds])

    def error(sums_MX):
        right_sure, right_possible, predicted, sure = sums_MX.T[:4]
        return 1 - (right_sure + right_possible) / (predicted + sure)

    found = Scores.of_sentences({"a": counts_NX[None]}, error, seed=SEED).contrast({"a": 1})
    assert found.value == pytest.approx(alignment.Alignment(*counts_NX.sum(axis=0)).error)
    low, high = found.interval(0.95)
    assert low < found.value < high

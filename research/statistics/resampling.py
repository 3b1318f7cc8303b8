"""Whether two systems differ by more than chance: resampling of sentences, and of seeds where a system has several.

A system is its runs, one a seed, and a run is its counts sentence by sentence: a_RNX holds those of system A, run ×
sentence × count. A measure is a function of counts summed over sentences (n-gram matches for BLEU, links for alignment
error, nats and tokens for perplexity), so M resamples cost one product of matrices.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

Measure = Callable[[np.ndarray], np.ndarray]
"""(sums_MX) -> scores_M."""
Interval = tuple[float, float]

A_IS_BETTER, B_IS_BETTER, INCONCLUSIVE = "A is better", "B is better", "inconclusive"
ROUNDING = 1e-12  # relative; equal scores may differ by so much when their sums were taken in another order


class Bootstrap(NamedTuple):
    """The scores of both systems, each the mean of its runs: as observed, and in every resample."""

    a: float
    b: float
    a_M: np.ndarray
    b_M: np.ndarray

    @property
    def difference(self) -> float:
        """Of A over B."""
        return self.a - self.b

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference d: how often |d* - mean d*| ≥ |d|. Shifted, as in Riezler & Maxwell 2005.

        sacreBLEU's takes absolute values before it centres them: where one system wins every resample that counts one
        tail of the two, and its p value is about half of this.
        """
        differences_M = self.a_M - self.b_M
        return _p_value(differences_M - differences_M.mean(), self.difference)

    def interval(self, level: float) -> Interval:
        """Of the difference, by percentiles: outside lie 1 - level of the resamples, half of them on each side."""
        return _percentiles(self.a_M - self.b_M, level)

    def intervals(self, level: float) -> tuple[Interval, Interval]:
        """Of the score of A, and of that of B."""
        return _percentiles(self.a_M, level), _percentiles(self.b_M, level)


def bootstrap(a_RNX: np.ndarray, b_RNX: np.ndarray, measure: Measure, *, resamples: int, seed: int) -> Bootstrap:
    """Paired bootstrap (Koehn 2004) over sentences and seeds together: each resample draws N sentences, the same for
    every run of both systems, and then runs within each system.

    Of R runs R - 1 are drawn (Rao & Wu 1988): drawing all R makes the variance of their mean too small by (R - 1) / R,
    a third at three seeds. Percentiles still miss the long tails of few seeds: where nothing but seeds varies, a 95 %
    interval covers 67 % at two a side, 86 % at three and 91 % at five; `seed_test` says what a t test would. A single
    run is always drawn, and its seed adds nothing.

    Runs are never paired across systems, not even by equal seeds: under another architecture the same seed gives other
    initial weights. Where a seed does favour or harm both systems alike, the interval is only wider than it need be.

    ValueError for systems that do not hold the same sentences and counts, or fewer than two sentences.
    """
    (a_R, a_M), (b_R, b_M) = resample([a_RNX, b_RNX], measure, resamples=resamples, seed=seed)
    return Bootstrap(float(a_R.mean()), float(b_R.mean()), a_M, b_M)


def resample(
    systems: Sequence[np.ndarray], measure: Measure, *, resamples: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each system its runs' scores_R, and in every resample their mean, scores_M; as `bootstrap` draws, for any
    number of systems. ValueError as there."""
    shapes = [runs_RNX.shape for runs_RNX in systems]
    if any(len(shape) != 3 or shape[1:] != shapes[0][1:] for shape in shapes):
        raise ValueError(f"counts of shapes {' and '.join(map(str, shapes))}: all must be run × sentence × count")
    sentences = shapes[0][1]
    if sentences < 2:
        raise ValueError(f"{sentences} sentence cannot show how much sentences vary; compare on at least two")
    rng = np.random.default_rng(seed)
    # As sacreBLEU and SciPy draw, so that one seed is one resample everywhere.
    drawn_MN = rng.integers(sentences, size=(resamples, sentences))
    counts_MN = np.stack([np.bincount(drawn_N, minlength=sentences) for drawn_N in drawn_MN]).astype(np.float64)
    ones_1N = np.ones((1, sentences))

    def one(runs_RNX: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores_RM, share_MR = _scores(counts_MN, runs_RNX, measure), _shares(len(runs_RNX), resamples, rng)
        return _scores(ones_1N, runs_RNX, measure)[:, 0], (share_MR * scores_RM.T).sum(axis=1)

    return [one(runs_RNX) for runs_RNX in systems]


def approximate_randomisation(
    a_NX: np.ndarray, b_NX: np.ndarray, measure: Measure, *, resamples: int, seed: int
) -> float:
    """Two-sided p of no difference between two runs. Riezler & Maxwell 2005.

    Were there none, either run could have written either translation: swap them sentence by sentence by a coin, and
    count how often |d*| ≥ |d|. sacreBLEU counts > alone, and so finds a system different from itself.
    """
    swapped_MN = np.random.default_rng(seed).integers(2, size=(resamples, len(a_NX)), dtype=bool)  # as sacreBLEU draws
    swapped_MN, kept_MN = swapped_MN.astype(np.float64), (~swapped_MN).astype(np.float64)
    mixed_a_M = measure(kept_MN @ a_NX + swapped_MN @ b_NX)
    mixed_b_M = measure(swapped_MN @ a_NX + kept_MN @ b_NX)
    [a], [b] = (measure(each_NX.sum(axis=0, keepdims=True)) for each_NX in (a_NX, b_NX))
    return _p_value(mixed_a_M - mixed_b_M, a - b)


class SeedTest(NamedTuple):
    """Two-sided p of no difference, the interval of the difference, and p of a difference as large as the margin."""

    p_value: float
    interval: Interval
    equivalence_p_value: float | None


def seed_test(a_R: Sequence[float], b_R: Sequence[float], *, level: float, margin: float | None) -> SeedTest | None:
    """Welch's t over the scores of runs, sentences taken as given; and TOST (Schuirmann 1987) within ±margin.

    The t distribution has the long tails of few seeds that percentiles miss. None where a system has one run, or all
    runs of each score the same: nothing then shows how much seeds vary.
    """
    if min(len(a_R), len(b_R)) < 2 or not max(np.ptp(a_R), np.ptp(b_R)) > 0:
        return None
    (of_a, free_a), (of_b, free_b) = ((np.var(each_R, ddof=1) / len(each_R), len(each_R) - 1) for each_R in (a_R, b_R))
    variance = of_a + of_b
    freedom = variance**2 / (of_a**2 / free_a + of_b**2 / free_b)
    no_difference = stats.t(freedom, scale=np.sqrt(variance))
    difference = float(np.mean(a_R) - np.mean(b_R))
    half = float(no_difference.ppf((1 + level) / 2))
    return SeedTest(
        p_value=2 * float(no_difference.sf(abs(difference))),
        interval=(difference - half, difference + half),
        equivalence_p_value=None if margin is None else float(no_difference.sf(margin - abs(difference))),
    )


def verdict(difference: Interval, equivalence: Interval, *, margin: float | None, better: int) -> str:
    """What the two intervals of the score of A less that of B say, in one of four ways.

    difference: at 1 - α; no end of it may be 0 where one system is better. equivalence: at 1 - 2α, which is TOST at α
    (Schuirmann 1987); it lies strictly within ±margin where the two are equivalent. better: 1 where a higher score is
    better, -1 where a lower one is. margin: None where equivalence is not asked for.

    A difference that is there and is smaller than the margin is equivalence: the margin says what does not matter.
    """
    if margin is not None and -margin < equivalence[0] <= equivalence[1] < margin:
        return f"equivalent within ±{margin:g}"
    if difference[0] > 0 or difference[1] < 0:
        return A_IS_BETTER if (difference[0] > 0) == (better > 0) else B_IS_BETTER
    return INCONCLUSIVE


def _scores(weights_MN: np.ndarray, runs_RNX: np.ndarray, measure: Measure) -> np.ndarray:
    return np.stack([measure(weights_MN @ run_NX) for run_NX in runs_RNX])


def _shares(runs: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Of each run in the mean of a resample, (M, R)."""
    drawn = max(runs - 1, 1)
    return rng.multinomial(drawn, np.full(runs, 1 / runs), size=resamples) / drawn


def _p_value(under_no_difference_M: np.ndarray, observed: float) -> float:
    """What was observed is one of the samples: so p is never 0, and the test never rejects too often."""
    least = abs(observed) * (1 - ROUNDING)
    return float((1 + np.count_nonzero(np.abs(under_no_difference_M) >= least)) / (1 + len(under_no_difference_M)))


def _percentiles(values_M: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(values_M, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)

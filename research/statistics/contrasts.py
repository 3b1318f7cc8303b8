"""One interval and one p for "is A better than B", over seeds and sentences.

An arm is one system: its runs, one a seed. A contrast is a weighted sum of arms' mean scores, d = Σ c_i ȳ_i: a
difference, a slope, or one arm alone. Two things vary by chance, and each has its own standard error:

    seeds       s² = Σ c_i² s_i² / R_i, from the variance s_i² between the R_i runs of arm i (Welch 1947), with
                ν = s⁴ / Σ (c_i² s_i² / R_i)² / (R_i - 1) degrees of freedom (Satterthwaite 1946)
    sentences   u² = max(0, Var*(Σ c_i ȳ*_i) - Σ c_i² w_i / R_i), where * is a resample of the sentences, the same for
                all runs, and the runs stay as they are (Koehn 2004)

w_i is the variance between the runs of arm i within a resample, after each run's own mean over the resamples is taken
off. It is the part of the sentences' effect that differs from run to run. s² has it already, so that the plain sum of
both variances counts it twice (min F' of Clark 1973; Owen 2007 for bootstraps of both). The interval at 1 - 2α adds
the two half widths as squares, each with its own quantile (Howe 1974):

    d ± √((t_{ν,α} s)² + (z_α u)²)

It is never narrower than Welch's interval over seeds alone, at any level, and it is Welch's where no sentence can be
drawn. With one run an arm there is no s and it is d ± z_α u. p is the α at which the interval ends at the bound, so
that p and interval cannot contradict each other. Where nothing varies there is no p, and the interval is d alone.

References:
    Clark 1973, The language-as-fixed-effect fallacy. Howe 1974, Approximate confidence limits on the mean of X + Y
    where X and Y are two tabled independent random variables. Koehn 2004, Statistical significance tests for machine
    translation evaluation. Owen 2007, The pigeonhole bootstrap. Satterthwaite 1946, An approximate distribution of
    estimates of variance components. Schuirmann 1987, A comparison of the two one-sided tests procedure. Welch 1947,
    The generalization of Student's problem when several different population variances are involved.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from research.statistics.resampling import ScoreOfSums, resample

RESAMPLES = 1_000
ROUNDING = 1e-12  # relative to the scores: equal scores may differ by so much when summed in another order
LEAST_LOG_P = math.log(1e-300)

Interval = tuple[float, float]

A_IS_BETTER, B_IS_BETTER, INCONCLUSIVE, IDENTICAL = "A is better", "B is better", "inconclusive", "identical"


class Estimate(NamedTuple):
    """A contrast with its standard errors; see the module's docstring.

    Attributes:
        value: the contrast, d.
        seed_error: its standard error over seeds, s; inf where nothing shows how much the contrast varies.
        freedom: the degrees of freedom of `seed_error`, ν; inf where it is 0.
        sentence_error: its standard error over sentences, u.
        arms: the arms that it is a contrast of.
    """

    value: float
    seed_error: float
    freedom: float
    sentence_error: float = 0.0
    arms: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """The standard error over seeds and sentences."""
        return math.hypot(self.seed_error, self.sentence_error)

    @property
    def varies(self) -> bool:
        """True if seeds or sentences make a difference; otherwise there is nothing to test, and no p."""
        return self.error != 0

    @property
    def p_value(self) -> float | None:
        """Two-sided p of a true value of 0."""
        return two_sided(self.p_above(0.0), self.p_below(0.0))

    def p_above(self, bound: float) -> float | None:
        """One-sided p of a true value at the bound, against one above it; None where nothing varies."""
        return self._tail(self.value - bound) if self.varies else None

    def p_below(self, bound: float) -> float | None:
        """One-sided p of a true value at the bound, against one below it; None where nothing varies."""
        return self._tail(bound - self.value) if self.varies else None

    def p_within(self, margin: float) -> float | None:
        """Two one-sided tests (Schuirmann 1987): p of a true value at ±margin, against one between them."""
        return max(self._tail(self.value + margin), self._tail(margin - self.value)) if self.varies else None

    def interval(self, level: float) -> Interval:
        """Return the confidence interval at a level such as 0.95."""
        half = self._half_width((1 - level) / 2) if self.varies else 0.0
        return self.value - half, self.value + half

    def _half_width(self, tail: float) -> float:
        of_seeds = float(special.stdtrit(self.freedom, tail)) * self.seed_error if self.seed_error else 0.0
        return math.hypot(of_seeds, float(special.ndtri(tail)) * self.sentence_error)

    def _tail(self, distance: float) -> float:
        """Return the α whose half width is the distance; 1 - α of the opposite distance where it is negative."""
        if distance < 0:
            return 1.0 - self._tail(-distance)
        errors = distance / self.error
        if not self.seed_error:
            return float(special.ndtr(-errors))
        if not self.sentence_error or not errors > 1e-9:
            return float(special.stdtr(self.freedom, -errors))
        # α lies between the tails of a normal and of t with all of the error; a little wider, for rounding.
        low = max(float(special.log_ndtr(-errors)) - 1e-6, LEAST_LOG_P)
        high = min(math.log(float(special.stdtr(self.freedom, -errors))) + 1e-6, math.log(0.5))
        if high <= low or self._half_width(math.exp(low)) <= distance:
            return math.exp(low)
        return math.exp(optimize.brentq(lambda x: self._half_width(math.exp(x)) - distance, low, high))


@dataclass(frozen=True)
class Scores:
    """The scores of arms, and what is needed to say how uncertain their contrasts are.

    Attributes:
        runs: arm -> the score of each of its runs.
        resamples: arm -> scores_RM of its runs on resampled sentences; empty if a run has the measure as a whole.
    """

    runs: Mapping[str, Sequence[float]]
    resamples: Mapping[str, np.ndarray]

    @classmethod
    def of_sentences(
        cls, counts: Mapping[str, np.ndarray], score: ScoreOfSums, *, seed: int, resamples: int = RESAMPLES
    ) -> "Scores":
        """Score runs of which the counts of each sentence are known: seeds and sentences vary.

        Args:
            counts: arm -> counts_RNX (run × sentence × count), of the same N sentences for all arms.
            score: the score of summed counts.
            seed: the seed of the resamples.
            resamples: the number of resamples.

        Raises:
            ValueError: see `resampling.resample`.
        """
        drawn = dict(zip(counts, resample(list(counts.values()), score, resamples=resamples, seed=seed), strict=True))
        return cls(
            {arm: of.scores_R.tolist() for arm, of in drawn.items()}, {arm: of.scores_RM for arm, of in drawn.items()}
        )

    @classmethod
    def of_runs(cls, runs: Mapping[str, Sequence[float]]) -> "Scores":
        """Take scores that a run has as a whole, such as its speed: only seeds vary."""
        return cls(runs, {})

    def contrast(self, weights: Mapping[str, float]) -> Estimate:
        """Estimate Σ c_i ȳ_i.

        An arm of one run adds nothing to the error over seeds: how much it varies is not known (see `repeated`). The
        error is infinite where no sentences can be drawn either.

        Args:
            weights: arm -> c_i.
        """
        value = sum(c * float(np.mean(self.runs[arm])) for arm, c in weights.items())
        parts = {arm: c**2 * _variance_of_mean(self.runs[arm]) for arm, c in weights.items()}
        of_seeds, of_sentences = sum(parts.values()), self._sentence_variance(weights)
        if not self.resamples and min(len(self.runs[arm]) for arm in weights) < 2:
            of_seeds = math.inf
        smallest = ROUNDING * sum(abs(c) * float(np.max(np.abs(self.runs[arm]))) for arm, c in weights.items())
        if of_seeds + of_sentences <= smallest**2:
            return Estimate(0.0 if abs(value) <= smallest else value, 0.0, math.inf, 0.0, tuple(weights))
        few = sum(part**2 / (len(self.runs[arm]) - 1) for arm, part in parts.items() if part)
        freedom = sum(parts.values()) ** 2 / few if few else math.inf
        return Estimate(value, math.sqrt(of_seeds), freedom, math.sqrt(of_sentences), tuple(weights))

    def _sentence_variance(self, weights: Mapping[str, float]) -> float:
        """Return u² of the module's docstring."""
        if not self.resamples:
            return 0.0
        drawn = {arm: self.resamples[arm] for arm in weights}
        whole = np.var(sum(c * drawn[arm].mean(axis=0) for arm, c in weights.items()), ddof=1)
        in_seeds = sum(c**2 * _differs_by_run(drawn[arm]) for arm, c in weights.items())
        return float(np.maximum(0.0, whole - in_seeds))  # NaN stays: a resample that has no score

    def of(self, arms: Iterable[str]) -> "Scores":
        """Return the scores of some arms alone."""
        kept = list(arms)
        return Scores(
            {arm: self.runs[arm] for arm in kept}, {arm: self.resamples[arm] for arm in kept if arm in self.resamples}
        )

    @property
    def repeated(self) -> list[str]:
        """The arms of more than one run; of the others nothing shows how much seeds vary."""
        return [arm for arm, runs in self.runs.items() if len(runs) > 1]


def verdict(difference: Interval, equivalence: Interval, *, margin: float | None, better: int) -> str:
    """Say which of two systems is better, if either is.

    A difference that is there and smaller than the margin is equivalence: the margin says what does not matter.

    Args:
        difference: the interval of the score of A less that of B, at 1 - α. A system is better where 0 is outside.
        equivalence: the interval at 1 - 2α. The systems are equivalent at α where it lies strictly within ±margin:
            that is TOST (Schuirmann 1987).
        margin: the difference that does not matter; None if equivalence is not asked for.
        better: 1 if a higher score is better, -1 if a lower one is.

    Returns:
        "identical" where nothing differs or varies, "equivalent within ±margin", "A is better", "B is better" or
        "inconclusive".
    """
    if difference == (0.0, 0.0):
        return IDENTICAL
    if margin is not None and -margin < equivalence[0] <= equivalence[1] < margin:
        return f"equivalent within ±{margin:g}"
    if difference[0] > 0 or difference[1] < 0:
        return A_IS_BETTER if (difference[0] > 0) == (better > 0) else B_IS_BETTER
    return INCONCLUSIVE


def two_sided(one: float | None, other: float | None) -> float | None:
    """Return the two-sided p of the p of both sides; None where there is none."""
    return None if one is None or other is None else min(1.0, 2 * min(one, other))


def _variance_of_mean(runs: Sequence[float]) -> float:
    return float(np.var(runs, ddof=1)) / len(runs) if len(runs) > 1 else 0.0


def _differs_by_run(scores_RM: np.ndarray) -> float:
    """Return w / R of the module's docstring; 0 of one run, whose error over seeds is not known."""
    runs = len(scores_RM)
    if runs < 2:
        return 0.0
    return float(np.var(scores_RM - scores_RM.mean(axis=1, keepdims=True), axis=0, ddof=1).mean()) / runs

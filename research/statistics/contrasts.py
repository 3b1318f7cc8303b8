"""Scores of arms with what is uncertain about them, seeds and sentences together; and contrasts of such scores.

An arm is its runs, one a seed. All arms translate the same sentences, so resamples draw the same sentences for all of
them, and seeds within each (resampling.resample). Few seeds have long tails that percentiles of a bootstrap miss: so
the bootstrap gives the variance, and Student's t the tails,

    t = (Σ c_i score_i - bound) / s,   s² = Var*(Σ c_i score*_i),   ν = s⁴ / Σ_i (c_i² v_i / R_i)² / (R_i - 1)

where v_i is the variance between the R_i seeds of arm i (Satterthwaite 1946: only they have few degrees of freedom).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from research.statistics.resampling import Interval, Measure, resample

RESAMPLES = 1_000


class Estimate(NamedTuple):
    """A number, its standard error, the degrees of freedom of that error, and the arms that it is of."""

    value: float
    error: float
    freedom: float
    arms: tuple[str, ...] = ()

    def p_above(self, bound: float) -> float:
        """One-sided p of a true value at the bound, against one above it."""
        return self._tail(self.value - bound)

    def p_below(self, bound: float) -> float:
        return self._tail(bound - self.value)

    def interval(self, level: float) -> Interval:
        half = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.error if self.error else 0.0
        return self.value - half, self.value + half

    def _tail(self, distance: float) -> float:
        if not self.error:  # nothing varies: what was seen is what is
            return 0.0 if distance > 0 else 1.0
        return float(stats.t.sf(distance / self.error, self.freedom))


@dataclass(frozen=True)
class Scores:
    """runs: arm -> the score of each run. resamples: arm -> the arm's mean in each resample, or () where a measure is
    of a whole run and no sentence can be drawn."""

    runs: Mapping[str, Sequence[float]]
    resamples: Mapping[str, np.ndarray]

    @classmethod
    def of_sentences(cls, counts: Mapping[str, np.ndarray], measure: Measure, *, seed: int) -> "Scores":
        """counts: arm -> counts_RNX of its runs, of the same N sentences for all arms."""
        drawn = resample(list(counts.values()), measure, resamples=RESAMPLES, seed=seed)
        pairs = dict(zip(counts, drawn, strict=True))
        return cls(
            {arm: runs_R.tolist() for arm, (runs_R, _) in pairs.items()}, {arm: m for arm, (_, m) in pairs.items()}
        )

    @classmethod
    def of_runs(cls, runs: Mapping[str, Sequence[float]]) -> "Scores":
        """Of a measure that a run has as a whole: only seeds vary."""
        return cls(runs, {})

    def contrast(self, weights: Mapping[str, float]) -> Estimate:
        """Σ c_i score_i, over the arms in `weights`."""
        value = sum(c * float(np.mean(self.runs[arm])) for arm, c in weights.items())
        seeds = {arm: c**2 * _variance_of_mean(self.runs[arm]) for arm, c in weights.items()}
        if self.resamples:
            variance = float(np.var(sum(c * self.resamples[arm] for arm, c in weights.items()), ddof=1))
        else:
            variance = sum(seeds.values())
        few = sum(part**2 / (len(self.runs[arm]) - 1) for arm, part in seeds.items() if part)
        return Estimate(value, math.sqrt(variance), variance**2 / few if few else math.inf, tuple(weights))

    def of(self, arms: Iterable[str]) -> "Scores":
        """The scores of some arms alone."""
        kept = list(arms)
        return Scores(
            {arm: self.runs[arm] for arm in kept}, {arm: self.resamples[arm] for arm in kept if arm in self.resamples}
        )

    @property
    def repeated(self) -> list[str]:
        """Arms of more than one run; of the others nothing shows how much seeds vary."""
        return [arm for arm, runs in self.runs.items() if len(runs) > 1]


def _variance_of_mean(runs: Sequence[float]) -> float:
    return float(np.var(runs, ddof=1)) / len(runs) if len(runs) > 1 else 0.0

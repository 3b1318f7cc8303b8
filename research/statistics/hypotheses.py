"""What may be said of arms before they run, each with a margin: superiority, equivalence, a level, a trend, a crossing.

Each is one or more contrasts of arms' scores, Σ c_i score_i, and asks on which side of a bound the contrast lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple, Protocol

import numpy as np

from research.statistics.contrasts import Estimate, Scores
from research.words import Words

LEVEL = 0.95


class Claim(NamedTuple):
    """One thing that must be true for a hypothesis to be, and what the runs say to it.

    p_supports: how likely runs like these are, or further off, if it is false by a hair; p_refutes: if it is true by a
    hair. Both two-sided but for equivalence, whose two one-sided tests (Schuirmann 1987) are at α each. against: the
    number that the estimate is seen against, 0 where it is a difference; margin: about it, or None. alike: whether the
    claim is that scores are the same within the margin.
    """

    words: Words
    estimate: Estimate
    against: float
    margin: float | None
    p_supports: float
    p_refutes: float
    level: float
    alike: bool = False


class Hypothesis(Protocol):
    """arms: those that it speaks of. measure: by what, if not by the experiment's. needs: what must all be true, where
    better is 1 if a higher score is better and -1 if a lower one is."""

    @property
    def arms(self) -> tuple[str, ...]: ...

    @property
    def measure(self) -> str: ...

    def needs(self, scores: Scores, better: int, unit: str) -> list[Claim]: ...


def _above(words: Words, estimate: Estimate, margin: float) -> Claim:
    """That a difference is more than the margin."""
    supports, refutes = _two_sided(estimate.p_above(margin)), _two_sided(estimate.p_below(margin))
    return Claim(words, estimate, 0.0, margin, supports, refutes, LEVEL)


def _two_sided(p: float) -> float:
    return min(1.0, 2 * p)


@dataclass(frozen=True)
class Superiority:
    """`better` beats `than` by more than the margin; which way is better, the measure says."""

    better: str
    than: str
    margin: float
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.better, self.than)

    def needs(self, scores: Scores, better: int, unit: str) -> list[Claim]:
        words = Words(
            "{better} is better than {than} by more than {margin:g} {unit}",
            "{better}: {than}보다 {margin:g} {unit} 넘게 낫다",
        ).of(better=self.better, than=self.than, margin=self.margin, unit=unit)
        sign = better or 1
        estimate = scores.contrast({self.better: sign, self.than: -sign})
        return [_above(words, estimate, self.margin)]


@dataclass(frozen=True)
class Equivalence:
    """Each of `same` scores within ±margin of `to`. Refuted where one certainly lies outside."""

    same: tuple[str, ...]
    to: str
    margin: float
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (*self.same, self.to)

    def needs(self, scores: Scores, better: int, unit: str) -> list[Claim]:
        return [self._one(arm, scores.contrast({arm: 1, self.to: -1}), unit) for arm in self.same]

    def _one(self, arm: str, estimate: Estimate, unit: str) -> Claim:
        words = Words("{arm} is within ±{margin:g} {unit} of {to}", "{arm}: {to}에서 ±{margin:g} {unit} 안에 있다").of(
            arm=arm, to=self.to, margin=self.margin, unit=unit
        )
        supports = max(estimate.p_above(-self.margin), estimate.p_below(self.margin))
        refutes = _two_sided(min(estimate.p_above(self.margin), estimate.p_below(-self.margin)))
        return Claim(words, estimate, 0.0, self.margin, supports, refutes, 2 * LEVEL - 1, alike=True)


@dataclass(frozen=True)
class Level:
    """An arm scores more than a bound, or less: whichever `more` says."""

    arm: str
    bound: float
    more: bool
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.arm,)

    def needs(self, scores: Scores, better: int, unit: str) -> list[Claim]:
        en, ko = ("more", "크다") if self.more else ("less", "작다")
        words = Words("{arm} is {en} than {bound:g} {unit}", "{arm}: {bound:g} {unit}보다 {ko}").of(
            arm=self.arm, bound=self.bound, unit=unit, en=en, ko=ko
        )
        estimate = scores.contrast({self.arm: 1})
        above, below = _two_sided(estimate.p_above(self.bound)), _two_sided(estimate.p_below(self.bound))
        supports, refutes = (above, below) if self.more else (below, above)
        return [Claim(words, estimate, self.bound, None, supports, refutes, LEVEL)]


@dataclass(frozen=True)
class Trend:
    """Along `over`, which stand at `at`, the measure gets better by more than `margin` a unit (worse: a negative one).

    The slope of the least-squares line through the arms' scores. log: a unit is a doubling.
    """

    over: tuple[str, ...]
    at: tuple[float, ...]
    margin: float
    improves: bool = True
    log: bool = False
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return self.over

    def needs(self, scores: Scores, better: int, unit: str) -> list[Claim]:
        x = np.log2(self.at) if self.log else np.asarray(self.at, float)
        sign = (better or 1) * (1 if self.improves else -1)
        weights = sign * (x - x.mean()) / np.square(x - x.mean()).sum()
        en, ko = ("better", "좋아진다") if self.improves else ("worse", "나빠진다")
        per = Words("doubling", "두 배") if self.log else Words("step", "한 단계")
        words = Words(
            f"From {{first}} to {{last}} it gets {en} by more than {{margin:g}} {{unit}} a {per.en}",
            f"{{first}}에서 {{last}}까지 {per.ko}마다 {{margin:g}} {{unit}} 넘게 {ko}",
        ).of(first=self.over[0], last=self.over[-1], margin=self.margin, unit=unit)
        estimate = scores.contrast(dict(zip(self.over, map(float, weights), strict=True)))
        return [_above(words, estimate, self.margin)]


@dataclass(frozen=True)
class Crossing:
    """`first` beats `second` at the near end of the axis by more than the margin, and loses to it at the far end."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    margin: float
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.first[0], self.second[0], self.first[-1], self.second[-1])

    def needs(self, scores: Scores, better: int, unit: str) -> list[Claim]:
        near = Superiority(self.first[0], self.second[0], self.margin)
        far = Superiority(self.second[-1], self.first[-1], self.margin)
        return [*near.needs(scores, better, unit), *far.needs(scores, better, unit)]

    def points(self, scores: Scores, at: Sequence[float], *, log: bool) -> list[float]:
        """Where the means cross, on straight lines between the places `at` of the arms."""
        pairs = zip(self.first, self.second, strict=True)
        apart = [float(np.mean(scores.runs[first]) - np.mean(scores.runs[second])) for first, second in pairs]
        sides: list[float] = list(
            accumulate(np.sign(apart), lambda before, now: now or before)
        )  # where they meet, they came from
        places = np.log2(at) if log else np.asarray(at, float)
        found = [
            float(near + (far - near) * here / (here - there))
            for (near, far), (here, there), (side, other) in zip(
                pairwise(places), pairwise(apart), pairwise(sides), strict=True
            )
            if side * other < 0
        ]
        return [2.0**point for point in found] if log else found


def holm(p_values: Sequence[float]) -> list[float]:
    """P values that hold for all of them together. Holm 1979: max_{j ≤ i} min(1, (m - j + 1) p_(j)), p in order."""
    order = np.argsort(p_values)
    m, adjusted, highest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (m - rank) * float(p_values[index])))
        adjusted[int(index)] = highest
    return adjusted

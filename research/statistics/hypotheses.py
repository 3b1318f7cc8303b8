"""Hypotheses about the scores of arms, declared before they run, and the function that judges them.

A hypothesis is data: arms, a margin or a bound, and the measure. It requires that one or more contrasts of the arms'
scores (see `contrasts`) lie on a side of a bound. `assess` tests each of these requirements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple, Protocol

import numpy as np

from research.statistics.contrasts import Estimate, Interval, Scores, two_sided

LEVEL = 0.95


class Requirement(NamedTuple):
    """One contrast of arms, and where it must lie.

    Attributes:
        weights: arm -> its weight in the contrast.
        side: "above" or "below" the bound, which is `against` plus the margin; or "within" ±margin of `against`.
        against: the number that the contrast is seen against; 0 for a difference.
        margin: the least difference that counts, or for "within" the largest that does not; None for a level.
    """

    weights: Mapping[str, float]
    side: Literal["above", "below", "within"]
    against: float = 0.0
    margin: float | None = None


class Claim(NamedTuple):
    """A requirement of a hypothesis, and what the scores say of it.

    Attributes:
        arms: the arms of the contrast.
        effect: the contrast.
        interval: its interval at `level`.
        level: 1 - α; 1 - 2α for "within", which is two one-sided tests at α each.
        against, margin: see `Requirement`.
        side: where the contrast must lie, see `Requirement`.
        p_supports: p of the test against "the claim is false": a small p supports the claim. Two-sided, except for
            "within" (Schuirmann 1987). None if neither seeds nor sentences vary: there is nothing to test.
        p_refutes: p of the test against "the claim is true": a small p refutes it. Two-sided; None as above.
        holds: where nothing varies, whether the effect is on the side of the bound that was claimed; None where it lies
            on the bound, or where something varies.
        estimate: the contrast with its standard errors.
    """

    arms: tuple[str, ...]
    effect: float
    interval: Interval
    level: float
    against: float
    margin: float | None
    side: Literal["above", "below", "within"]
    p_supports: float | None
    p_refutes: float | None
    holds: bool | None
    estimate: Estimate

    @property
    def alike(self) -> bool:
        """True if the claim is that arms score the same within the margin."""
        return self.side == "within"


class Hypothesis(Protocol):
    """Something that may be claimed of arms.

    Attributes:
        arms: the arms that it is about.
        measure: the measure of the scores; "" for that of the experiment.
    """

    @property
    def arms(self) -> tuple[str, ...]: ...

    @property
    def measure(self) -> str: ...

    def requirements(self, better: int) -> list[Requirement]:
        """Return the requirements that must all be met.

        Args:
            better: 1 if a higher score is better, -1 if a lower one is, 0 if neither.
        """


def assess(hypothesis: Hypothesis, scores: Scores, better: int, level: float = LEVEL) -> list[Claim]:
    """Judge each requirement of a hypothesis by the scores.

    Args:
        hypothesis: the hypothesis.
        scores: the scores of its arms at least.
        better: 1 if a higher score is better, -1 if a lower one is, 0 if neither.
        level: 1 - α.

    Returns:
        A claim for each of `hypothesis.requirements`, in their order.
    """
    return [_claim(each, scores.contrast(each.weights), level) for each in hypothesis.requirements(better)]


def _claim(asked: Requirement, found: Estimate, level: float) -> Claim:
    alike, margin = asked.side == "within", asked.margin or 0.0
    if alike:
        room = margin - abs(found.value)
        supports, refutes = found.p_within(margin), two_sided(found.p_above(margin), found.p_below(-margin))
    else:
        bound, sign = asked.against + margin, 1 if asked.side == "above" else -1
        room = sign * (found.value - bound)
        above, below = (two_sided(p, p) for p in (found.p_above(bound), found.p_below(bound)))
        supports, refutes = (above, below)[::sign]
    level = 2 * level - 1 if alike else level
    return Claim(
        arms=found.arms,
        effect=found.value,
        interval=found.interval(level),
        level=level,
        against=asked.against,
        margin=asked.margin,
        side=asked.side,
        p_supports=supports,
        p_refutes=refutes,
        holds=None if found.varies or room == 0 else room > 0,
        estimate=found,
    )


@dataclass(frozen=True)
class Superiority:
    """The claim that `better` beats `than` by more than the margin; the measure says whether higher is better."""

    better: str
    than: str
    margin: float
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.better, self.than)

    def requirements(self, better: int) -> list[Requirement]:
        sign = better or 1
        return [Requirement({self.better: sign, self.than: -sign}, "above", margin=self.margin)]


@dataclass(frozen=True)
class Equivalence:
    """The claim that each of `same` scores within ±margin of `to`; refuted where one certainly lies outside."""

    same: tuple[str, ...]
    to: str
    margin: float
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (*self.same, self.to)

    def requirements(self, better: int) -> list[Requirement]:
        return [Requirement({arm: 1, self.to: -1}, "within", margin=self.margin) for arm in self.same]


@dataclass(frozen=True)
class Level:
    """The claim that an arm scores more than a bound, or less if `more` is False."""

    arm: str
    bound: float
    more: bool
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.arm,)

    def requirements(self, better: int) -> list[Requirement]:
        return [Requirement({self.arm: 1}, "above" if self.more else "below", against=self.bound)]


@dataclass(frozen=True)
class Fraction:
    """The claim that an arm scores less than a share of what another scores, such as half of its BLEU."""

    arm: str
    of: str
    share: float
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.arm, self.of)

    def requirements(self, better: int) -> list[Requirement]:
        return [Requirement({self.arm: 1, self.of: -self.share}, "below")]


@dataclass(frozen=True)
class Trend:
    """The claim that the measure gets better along `over` by more than the margin a unit.

    The contrast is the slope of the least-squares line through the arms' scores.

    Attributes:
        over: the arms, in their order.
        at: where each arm stands on the axis.
        margin: the slope that it must exceed; per unit of `at`, or per doubling if `log`.
        improves: False for the claim that it gets worse.
        log: True if doublings are equal steps.
        measure: the measure of the scores; "" for that of the experiment.
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

    def requirements(self, better: int) -> list[Requirement]:
        x = np.log2(self.at) if self.log else np.asarray(self.at, float)
        sign = (better or 1) * (1 if self.improves else -1)
        slope = sign * (x - x.mean()) / np.square(x - x.mean()).sum()
        return [Requirement(dict(zip(self.over, slope.tolist(), strict=True)), "above", margin=self.margin)]


@dataclass(frozen=True)
class Crossing:
    """The claim that `first` beats `second` by more than the margin at the near end of the axis, and loses at the far.

    Attributes:
        first, second: the arms of two lines, from the near end to the far end.
        margin: the difference that must be exceeded at either end.
        measure: the measure of the scores; "" for that of the experiment.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    margin: float
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.first[0], self.second[0], self.first[-1], self.second[-1])

    @property
    def ends(self) -> tuple[Superiority, Superiority]:
        """The claim at the near end, and the claim at the far end."""
        return (
            Superiority(self.first[0], self.second[0], self.margin),
            Superiority(self.second[-1], self.first[-1], self.margin),
        )

    def requirements(self, better: int) -> list[Requirement]:
        return [each for end in self.ends for each in end.requirements(better)]


def crossing_points(lines: Crossing, scores: Scores, at: Sequence[float], *, log: bool) -> list[float]:
    """Return where the mean scores of two lines cross, on straight lines between neighbouring arms.

    Args:
        lines: the two lines.
        scores: the scores of all their arms.
        at: where the arms of each line stand on the axis.
        log: True if doublings are equal steps.
    """
    pairs = zip(lines.first, lines.second, strict=True)
    apart = [float(np.mean(scores.runs[first]) - np.mean(scores.runs[second])) for first, second in pairs]
    # Where they meet they keep the side that they came from.
    sides: list[float] = list(accumulate(np.sign(apart), lambda before, now: now or before))
    x = np.log2(at) if log else np.asarray(at, float)
    found = [
        float(near + (far - near) * here / (here - there))
        for (near, far), (here, there), (side, other) in zip(pairwise(x), pairwise(apart), pairwise(sides), strict=True)
        if side * other < 0
    ]
    return [2.0**point for point in found] if log else found


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct p values so that they hold for all tests together. Holm 1979: max_{j ≤ i} min(1, (m - j + 1) p_(j)).

    Args:
        p_values: one a test, in any order; None where there was nothing to test, which does not count among the m.

    Returns:
        The corrected p values in the same order, and None where there was none.
    """
    tested = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * p))
        adjusted[index] = highest
    return adjusted

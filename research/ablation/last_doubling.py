"""Had an arm done learning? What the last doubling of its steps gained, under the seeds that it is judged by.

Each seed is trained for N / 2 steps and for N, and the two share their trunk (`training.trunk`). g is what the second
half of the steps gained in the question's measure, m the question's margin. An arm had done learning where

    ḡ + t_{R-1, 0.95} · s_g / √R < m / 2

and where no seed lags: none is more than 5 m worse than the arm's median, as one is whose attention has not begun.
Arms whose effect changed its sign in the last doubling, by more than m, had not done learning either.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from research.ablation.experiment import Experiment
from research.ablation.measured import MeasuredRun
from research.ablation.verdict import Judged
from research.results.answers import ArmDoubling
from research.results.measures import MEASURES
from research.results.message import Message
from research.statistics.hypotheses import LEVEL, Claim, Crossing, Equivalence, Superiority

ENOUGH = 0.5  # of the margin: an arm that gained less had done learning
LAG = 5.0  # margins behind the median of its arm


class LastDoubling(NamedTuple):
    """The gain of an arm from the last doubling of its steps.

    Attributes:
        gain: the mean over seeds, in the measure's unit; above 0 is better.
        at_most: the upper end of its one-sided 95 % interval; infinite from a single seed.
        margin: the question's.
        lags: the seeds that lag.
    """

    gain: float
    at_most: float
    margin: float
    lags: tuple[int, ...]

    @property
    def trained(self) -> bool:
        """True if the arm had done learning."""
        return self.at_most < ENOUGH * self.margin and not self.lags


def margin(experiment: Experiment) -> float | None:
    """Return the least difference that the question cares about, in its measure; None where nothing says so."""
    declared = [
        each.margin
        for each in experiment.verdict
        if isinstance(each, Superiority | Equivalence | Crossing) and each.measure in ("", experiment.measure)
    ]
    return min((each for each in declared if each > 0), default=MEASURES[experiment.measure].negligible)


def last_doubling(
    measure: str, runs: Sequence[MeasuredRun], halves: Sequence[MeasuredRun], margin: float
) -> LastDoubling | None:
    """Compare the runs of an arm with those of half their steps; None unless each seed has both, with the measure.

    Args:
        measure: a name of `MEASURES`; where neither more nor less is better, any change counts as a gain.
        runs: the runs of the arm.
        halves: the runs of half as many steps.
        margin: the least difference that counts.
    """
    better = MEASURES[measure].better
    ends = _scores(measure, runs)
    middles = _scores(measure, halves)
    if not ends or ends.keys() != middles.keys():
        return None
    changes = np.array([ends[seed] - middles[seed] for seed in ends])
    gained = gain(measure, float(changes.mean()))
    error = float(changes.std(ddof=1)) / math.sqrt(len(changes)) if len(changes) > 1 else math.inf
    quantile = float(special.stdtrit(max(len(changes) - 1, 1), LEVEL))
    behind = float(np.median(list(ends.values()))) - np.array(list(ends.values()))
    behind = better * behind if better else np.abs(behind)
    lags = tuple(seed for seed, by in zip(ends, behind, strict=True) if by > LAG * margin)
    return LastDoubling(gained, gained + quantile * error, margin, lags)


def gain(measure: str, change: float) -> float:
    """Return what a change is worth: above 0 where it is for the better, or, where neither way is better, at all."""
    better = MEASURES[measure].better
    return better * change if better else abs(change)


@dataclass(frozen=True)
class Learning:
    """The last doublings of all arms of a question, and which of them had done learning.

    Attributes:
        margin: the question's.
        doublings: arm -> its last doubling; None where runs of half as many steps are missing.
        turned, turned_probes: the arms of each effect that changed its sign, of the claim and of what is asked beside.
    """

    margin: float
    doublings: Mapping[str, LastDoubling | None]
    turned: Sequence[tuple[str, ...]]
    turned_probes: Sequence[tuple[str, ...]] = ()

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        runs: Mapping[str, Sequence[MeasuredRun]],
        halves: Mapping[str, Sequence[MeasuredRun]],
        judged: Iterable[tuple[Judged, Judged]],
        probes: Iterable[tuple[Judged, Judged]] = (),
    ) -> "Learning":
        """Compare all arms with themselves after half their steps.

        Args:
            experiment: what was asked.
            runs, halves: arm -> its runs, of all steps and of half of them.
            judged, probes: each claim, and each probe, by the runs of all steps and by those of half of them.
        """
        least = margin(experiment) or 0.0
        return cls(
            margin=least,
            doublings={arm: last_doubling(experiment.measure, runs[arm], halves.get(arm, []), least) for arm in runs},
            turned=_all_turned(judged, experiment.measure, least),
            turned_probes=_all_turned(probes, experiment.measure, least),
        )

    def untrained(self, arms: Sequence[str], *, probe: bool = False) -> bool:
        """Return whether one of these arms had not done learning, or an effect between them changed its sign."""
        found = [self.doublings.get(arm) for arm in arms]
        turned = (*self.turned, *self.turned_probes) if probe else self.turned
        return not all(each and each.trained for each in found) or any(set(each) <= set(arms) for each in turned)

    def doubling(self, arm: str) -> ArmDoubling | None:
        """Return what an answer keeps of an arm's last doubling."""
        if (found := self.doublings[arm]) is None:
            return None
        return ArmDoubling(found.gain, found.at_most, found.lags, found.trained)

    def warnings(self, unit: str) -> Iterator[Message]:
        """Say of each arm that had not done learning why.

        Args:
            unit: of the question's measure.
        """
        gained = Message(
            "{arm} had not done learning: its last doubling of steps gained {gain:.2g} {unit}, {at_most:.2g} at most, "
            "where less than {enough:.2g} would do"
        )
        lags = Message("{arm} has seeds that are far behind the others: {seeds}")
        for arm, each in self.doublings.items():
            if each is None:
                yield Message("no runs of half its steps show whether {arm} had done learning", arm=arm)
                continue
            if math.isinf(each.at_most):
                yield Message("one seed alone does not show whether {arm} had done learning", arm=arm)
            elif each.at_most >= ENOUGH * each.margin:
                enough = ENOUGH * each.margin
                yield gained.of(arm=arm, gain=each.gain, unit=unit, at_most=each.at_most, enough=enough)
            if each.lags:
                yield lags.of(arm=arm, seeds=", ".join(map(str, each.lags)))
        for arms in (*self.turned, *self.turned_probes):
            yield Message("an effect changed its sign in the last doubling of steps: {arms}", arms=" − ".join(arms))


def _all_turned(pairs: Iterable[tuple[Judged, Judged]], measure: str, least: float) -> list[tuple[str, ...]]:
    return [now.claim.arms for now, before in pairs if _turned(now.claim, before.claim, _least(now, measure, least))]


def _turned(now: Claim, before: Claim, least: float) -> bool:
    """Return whether an effect changed its side, and is or was more than so much; of arms to be alike, never."""
    ends = [claim.effect - claim.against for claim in (now, before)]
    return not now.alike and ends[0] * ends[1] < 0 and max(map(abs, ends)) > least


def _least(judged: Judged, measure: str, margin: float) -> float:
    """Return the margin of a claim: the question's, or of another measure that measure's own."""
    other = margin if judged.measure == measure else MEASURES[judged.measure].negligible or 0.0
    return max(judged.claim.margin or 0.0, other)


def _scores(measure: str, runs: Sequence[MeasuredRun]) -> Mapping[int, float]:
    return {run.seed: value for run in runs if (value := run.values.get(measure)) is not None}

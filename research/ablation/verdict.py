"""Results to a verdict: a pure function of what the runs measured and of what was declared before them."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from research.ablation.measures import MEASURES, Measure
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import LEVEL, Claim, Hypothesis, holm
from research.statistics.resampling import Interval

SUPPORTED, REFUTED, INCONCLUSIVE, TOO_FEW = "supported", "refuted", "inconclusive", "not enough seeds"
SEEDS = 3  # the fewest that a verdict may rest on


class Run(NamedTuple):
    """What one seed of an arm measured. counts: measure -> counts_NX, a row a sentence; values: measure -> score."""

    seed: int
    counts: Mapping[str, np.ndarray]
    values: Mapping[str, float | None]


class Judged(NamedTuple):
    """A claim, the measure that it is of, and what is to be said of it. p_refutes: corrected for all claims (Holm).
    at_bound: whether its arms stand where the measure tells nothing apart."""

    claim: Claim
    measure: str
    p_refutes: float
    at_bound: bool
    verdict: str


class Comparison(NamedTuple):
    """a less b. p_holm: corrected for all comparisons of the experiment."""

    a: str
    b: str
    difference: float
    interval: Interval
    p_value: float
    p_holm: float


def judge(
    hypotheses: Sequence[Hypothesis], measure: str, arms: Mapping[str, Sequence[Run]], scores: Callable[[str], Scores]
) -> tuple[str, list[Judged]]:
    """The verdict over all hypotheses, and over each claim that they need.

    measure: of those that name none. scores: `scores_of` all the arms, by the measure's name: the same that `compare`
    takes, so that a pair has one interval wherever it is spoken of.

    Supported where every claim is (an intersection of hypotheses needs no correction: Berger 1982); refuted where any
    certainly is not, p corrected for their number (Holm 1979); else inconclusive. Where all arms of a claim stand at
    the measure's floor or ceiling, they tell nothing apart, and the claim is inconclusive; so it is where one of two
    that are to be alike does, and the other is within the margin of it. A hypothesis of an arm that is not in `arms` is
    left out: the others can refute what was declared, and not support it.
    """
    asked = [hypothesis for hypothesis in hypotheses if arms.keys() >= set(hypothesis.arms)]
    if any(len(arms[arm]) < SEEDS for hypothesis in asked for arm in hypothesis.arms):
        return TOO_FEW, []
    claims: list[tuple[Claim, str, bool]] = []
    for hypothesis in asked:
        name = hypothesis.measure or measure
        by, found = MEASURES[name], scores(name)
        if set(hypothesis.arms) - found.runs.keys():
            return INCONCLUSIVE, []
        for claim in hypothesis.needs(found, by.better, by.unit):
            claims.append((claim, name, _stands_at_bound(claim, by, found)))
    refutes = holm([claim.p_refutes for claim, _, _ in claims])
    judged = [
        Judged(claim, name, p_refutes, bound, _verdict(claim.p_supports, p_refutes, bound))
        for (claim, name, bound), p_refutes in zip(claims, refutes, strict=True)
    ]
    verdicts = {each.verdict for each in judged}
    whole = len(asked) == len(hypotheses)
    overall = REFUTED if REFUTED in verdicts else SUPPORTED if whole and verdicts == {SUPPORTED} else INCONCLUSIVE
    return overall, judged


def compare(scores: Scores) -> list[Comparison]:
    """Every pair of arms of several seeds, p of no difference corrected for the number of pairs."""
    pairs = list(combinations(scores.repeated, 2))
    estimates = [scores.contrast({a: 1, b: -1}) for a, b in pairs]
    p_values = [min(1.0, 2 * min(each.p_above(0), each.p_below(0))) for each in estimates]
    return [
        Comparison(a, b, each.value, each.interval(LEVEL), p, corrected)
        for (a, b), each, p, corrected in zip(pairs, estimates, p_values, holm(p_values), strict=True)
    ]


def scores_of(measure: str, arms: Mapping[str, Sequence[Run]]) -> Scores:
    """Scores of the arms whose runs have the measure."""
    by = MEASURES[measure]
    found = {
        arm: runs for arm, runs in arms.items() if runs and all(run.values.get(measure) is not None for run in runs)
    }
    if found and by.of_sums is not None:
        counts = {arm: np.stack([run.counts[measure] for run in runs]) for arm, runs in found.items()}
        return Scores.of_sentences(counts, by.of_sums, seed=0)
    return Scores.of_runs({arm: [float(run.values[measure] or 0.0) for run in runs] for arm, runs in found.items()})


def at_bound(by: Measure, scores: Scores) -> str | None:
    """ "floor" or "ceiling" where all arms stand there: the task was too hard or too easy to tell them apart."""
    means = [float(np.mean(runs)) for runs in scores.runs.values()]
    if len(means) > 1:
        for name, bound, outside in (("floor", by.low, max(means)), ("ceiling", by.high, min(means))):
            if bound is not None and (outside <= bound if name == "floor" else outside >= bound):
                return name
    return None


def _stands_at_bound(claim: Claim, by: Measure, scores: Scores) -> bool:
    """Whether arms stand where the measure tells nothing apart. Of two that are to be alike, one is enough, with the
    other within the margin of that bound."""
    arms = scores.of(claim.estimate.arms)
    if claim.margin is None or not claim.alike:
        return at_bound(by, arms) is not None
    means = np.array([np.mean(runs) for runs in arms.runs.values()])
    told = np.clip(means, -np.inf if by.low is None else by.low, np.inf if by.high is None else by.high)
    return bool((told != means).any() and np.ptp(told) <= claim.margin)


def _verdict(p_supports: float, p_refutes: float, bound: bool) -> str:
    if bound:
        return INCONCLUSIVE
    if p_refutes < 1 - LEVEL:
        return REFUTED
    return SUPPORTED if p_supports < 1 - LEVEL else INCONCLUSIVE

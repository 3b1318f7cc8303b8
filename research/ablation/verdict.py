"""The verdict: a pure function of what the runs measured and of what was declared before them."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from research.ablation.measured import MeasuredRun
from research.ablation.wording import statements
from research.results.answers import ArmComparison, Verdict
from research.results.measures import MEASURES, Measure
from research.results.message import Message
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import LEVEL, Claim, Hypothesis, assess, holm
from research.statistics.power import ENOUGH, Design, power

EXPLORATORY: Verdict = "exploratory"
SUPPORTED: Verdict = "supported"
REFUTED: Verdict = "refuted"
INCONCLUSIVE: Verdict = "inconclusive"
TOO_FEW: Verdict = "not enough seeds"
NOT_TRAINED: Verdict = "not trained"
NOT_MEASURED: Verdict = "not measured"
NOT_TESTED: Verdict = "not tested here"
NOT_CALIBRATED: Verdict = "not calibrated"
SATURATED: Verdict = "saturated"
NO_DIFFERENCE: Verdict = "no difference"
UNDERPOWERED: Verdict = "underpowered"
OPEN: Verdict = "open"
SEEDS = 3  # the fewest that a verdict may rest on
DECISION = (
    "trained: the last doubling of steps gained less than half the margin (upper end of a one-sided 95 % interval over "
    "seeds), no seed is 5 margins behind its arm's median, no effect changed its sign; supported: every hypothesis at "
    "5 %; refuted: any false at 5 % after Holm; alike: two one-sided tests; intervals over seeds and sentences, never "
    "narrower than a t test over seeds; else the first of: saturated, no difference, underpowered, open"
)
"""The rule below as a lock names it: another rule is another plan."""


class Judged(NamedTuple):
    """A claim with its verdict.

    Attributes:
        claim: its contrast, and what the scores say of it.
        statement: the claim as a sentence.
        measure: the name of the measure of the scores.
        p_refutes: p to refute the claim, corrected for all claims of the question (Holm); None where nothing varies.
        at_bound: True if its arms are at the measure's floor or ceiling.
        verdict: supported, refuted or inconclusive.
    """

    claim: Claim
    statement: Message
    measure: str
    p_refutes: float | None
    at_bound: bool
    verdict: Verdict


def judge(
    hypotheses: Sequence[Hypothesis],
    measure: str,
    arms: Mapping[str, Sequence[MeasuredRun]],
    scores: Callable[[str], Scores],
    level: float = LEVEL,
) -> tuple[Verdict, list[Judged]]:
    """Give the verdict over all hypotheses, and over each claim that they need.

    A question is supported if every claim is (an intersection of hypotheses needs no correction: Berger 1982). It is
    refuted if any claim is significantly false, with p corrected for their number (Holm 1979). Otherwise it is
    inconclusive. A claim is inconclusive if all of its arms are at the measure's floor or ceiling; for an equivalence,
    one arm there is enough if the other is within the margin of it. If neither seeds nor sentences vary there is no p,
    and the side of the bound that the number is on decides.

    Args:
        hypotheses: the hypotheses of the question. One about an arm that is not in `arms` is left out: the others can
            refute the question, and cannot support it.
        measure: the measure of hypotheses that name none.
        arms: arm -> its runs.
        scores: name of a measure -> `scores_of` all the arms, which `compare_pairs` takes too, so that a pair of arms
            has one interval everywhere.
        level: 1 - α of each test, α being what this look at the runs may spend.
    """
    asked = [hypothesis for hypothesis in hypotheses if arms.keys() >= set(hypothesis.arms)]
    if any(len(arms[arm]) < SEEDS for hypothesis in asked for arm in hypothesis.arms):
        return TOO_FEW, []
    claims: list[tuple[Claim, Message, str, bool]] = []
    for hypothesis in asked:
        name = hypothesis.measure or measure
        by, found = MEASURES[name], scores(name)
        if set(hypothesis.arms) - found.runs.keys():
            return INCONCLUSIVE, []
        said = zip(assess(hypothesis, found, by.better, level), statements(hypothesis, by.unit), strict=True)
        claims += [(claim, statement, name, _stands_at_bound(claim, by, found)) for claim, statement in said]
    refutes = holm([claim.p_refutes for claim, *_ in claims])
    judged = [
        Judged(claim, statement, name, p_refutes, bound, _verdict(claim, p_refutes, bound, level))
        for (claim, statement, name, bound), p_refutes in zip(claims, refutes, strict=True)
    ]
    verdicts = {each.verdict for each in judged}
    whole = len(asked) == len(hypotheses)
    overall = REFUTED if REFUTED in verdicts else SUPPORTED if whole and verdicts == {SUPPORTED} else INCONCLUSIVE
    return overall, judged


def unresolved(judged: Sequence[Judged], level: float = LEVEL) -> Verdict:
    """Say of claims that are neither supported nor refuted why: the first word that applies to one of them.

    saturated, where the measure tells nothing apart; no difference, where a difference is within what counts as none,
    by two one-sided tests; underpowered, where an effect of one margin beyond the bound would more likely than one time
    in five have been missed; and open otherwise. Without such a claim something was not measured.
    """
    found = {_why(each, level) for each in judged if each.verdict == INCONCLUSIVE}
    order = (SATURATED, NO_DIFFERENCE, UNDERPOWERED, OPEN)
    return next((word for word in order if word in found), NOT_MEASURED)


def design_of(claim: Claim, measure: str) -> Design | None:
    """Return what a claim has to show: that it holds if the truth lies one margin beyond its bound.

    The margin is that of a claim that arms are alike, else the largest difference in the measure that is called none,
    or what there is below the bound, if that is less. None where nothing says which one is.

    Args:
        claim: the claim.
        measure: a name of `MEASURES`, of its scores.
    """
    by = MEASURES[measure]
    room = claim.margin if claim.alike else by.negligible or claim.margin
    if room and claim.side == "below" and claim.margin is None and by.least is not None:
        room = min(room, claim.against - by.least)
    return Design(room, claim.level, claim.alike) if room else None


def _why(judged: Judged, level: float) -> Verdict:
    claim, design = judged.claim, design_of(judged.claim, judged.measure)
    if judged.at_bound:
        return SATURATED
    if design is None:
        return OPEN
    if claim.margin is not None and not claim.alike:
        p_alike = claim.estimate.p_within(design.room)
        if p_alike is not None and p_alike < 1 - level:
            return NO_DIFFERENCE
    return UNDERPOWERED if power(claim.estimate, design) < ENOUGH else OPEN


def compare_pairs(scores: Scores, level: float = LEVEL) -> list[ArmComparison]:
    """Compare every pair of arms that have several seeds; p of no difference is corrected for the number of pairs."""
    pairs = list(combinations(scores.repeated, 2))
    estimates = [scores.contrast({a: 1, b: -1}) for a, b in pairs]
    p_values = [each.p_value for each in estimates]
    return [
        ArmComparison(a, b, each.value, each.interval(level), p, corrected)
        for (a, b), each, p, corrected in zip(pairs, estimates, p_values, holm(p_values), strict=True)
    ]


def scores_of(measure: str, arms: Mapping[str, Sequence[MeasuredRun]]) -> Scores:
    """Return the scores of the arms whose runs have the measure."""
    by = MEASURES[measure]
    found = {
        arm: runs for arm, runs in arms.items() if runs and all(run.values.get(measure) is not None for run in runs)
    }
    if found and by.of_sums is not None:
        counts = {arm: np.stack([run.counts[measure] for run in runs]) for arm, runs in found.items()}
        return Scores.of_sentences(counts, by.of_sums, seed=0)
    return Scores.of_runs({arm: [float(run.values[measure] or 0.0) for run in runs] for arm, runs in found.items()})


def at_bound(by: Measure, scores: Scores) -> str | None:
    """Return "floor" or "ceiling" where all arms stand there: the task was too hard or too easy to tell them apart."""
    means = [float(np.mean(runs)) for runs in scores.runs.values()]
    if len(means) > 1:
        for name, bound, outside in (("floor", by.floor, max(means)), ("ceiling", by.ceiling, min(means))):
            if bound is not None and (outside <= bound if name == "floor" else outside >= bound):
                return name
    return None


def _stands_at_bound(claim: Claim, by: Measure, scores: Scores) -> bool:
    """Return whether the arms of a claim stand where the measure tells nothing apart.

    Of two that are to be alike, one is enough, with the other within the margin of that bound.
    """
    arms = scores.of(claim.arms)
    if claim.margin is None or not claim.alike:
        return at_bound(by, arms) is not None
    means = np.array([np.mean(runs) for runs in arms.runs.values()])
    told = np.clip(means, -np.inf if by.floor is None else by.floor, np.inf if by.ceiling is None else by.ceiling)
    return bool((told != means).any() and np.ptp(told) <= claim.margin)


def _verdict(claim: Claim, p_refutes: float | None, bound: bool, level: float) -> Verdict:
    if bound:
        return INCONCLUSIVE
    if claim.p_supports is None or p_refutes is None:
        return INCONCLUSIVE if claim.holds is None else SUPPORTED if claim.holds else REFUTED
    if p_refutes < 1 - level:
        return REFUTED
    return SUPPORTED if claim.p_supports < 1 - level else INCONCLUSIVE

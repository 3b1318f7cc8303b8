"""Hypotheses and what was computed beside them, as sentences."""

from collections.abc import Iterator
from functools import singledispatch

from research.ablation.experiment import Experiment
from research.results.message import Message
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import (
    Crossing,
    Equivalence,
    Fraction,
    Hypothesis,
    Level,
    Superiority,
    Trend,
    crossing_points,
)


def beside(statement: Message) -> Message:
    """Word what a probe says: it is ours, and decides nothing on the claim."""
    return Message("beside the claim: {statement}", statement=statement)


@singledispatch
def statements(hypothesis: Hypothesis, unit: str) -> list[Message]:
    """Word what a hypothesis claims: a sentence for each of its claims, in their order.

    Args:
        hypothesis: of `statistics.hypotheses`.
        unit: of its measure.
    """
    raise TypeError(f"no words for a hypothesis of type {type(hypothesis).__name__}; add them here")


@statements.register
def _(hypothesis: Superiority, unit: str) -> list[Message]:
    return [
        Message(
            "{better} is better than {than} by more than {margin:g} {unit}",
            better=hypothesis.better,
            than=hypothesis.than,
            margin=hypothesis.margin,
            unit=unit,
        )
    ]


@statements.register
def _(hypothesis: Equivalence, unit: str) -> list[Message]:
    within = Message("{arm} is within ±{margin:g} {unit} of {to}", margin=hypothesis.margin, unit=unit)
    return [within.of(arm=arm, to=hypothesis.to) for arm in hypothesis.same]


@statements.register
def _(hypothesis: Level, unit: str) -> list[Message]:
    more = Message("{arm} is more than {bound:g} {unit}")
    less = Message("{arm} is less than {bound:g} {unit}")
    return [(more if hypothesis.more else less).of(arm=hypothesis.arm, bound=hypothesis.bound, unit=unit)]


@statements.register
def _(hypothesis: Fraction, unit: str) -> list[Message]:
    said = Message("{arm} has less than {share:.0%} of the {unit} of {of}")
    return [said.of(arm=hypothesis.arm, share=hypothesis.share, unit=unit, of=hypothesis.of)]


@statements.register
def _(hypothesis: Trend, unit: str) -> list[Message]:
    better = Message("From {first} to {last} it gets better by more than {margin:g} {unit} a {step}")
    worse = Message("From {first} to {last} it gets worse by more than {margin:g} {unit} a {step}")
    return [
        (better if hypothesis.improves else worse).of(
            first=hypothesis.over[0],
            last=hypothesis.over[-1],
            margin=hypothesis.margin,
            unit=unit,
            step=Message("doubling") if hypothesis.log else Message("step"),
        )
    ]


@statements.register
def _(hypothesis: Crossing, unit: str) -> list[Message]:
    return [sentence for end in hypothesis.ends for sentence in statements(end, unit)]


def crossings(experiment: Experiment, scores: Scores) -> Iterator[Message]:
    """Say where the lines of each declared crossing cross, by the question's measure.

    A crossing whose arms lack that measure is left out.
    """
    if (axis := experiment.axis) is None:
        return
    for each in experiment.verdict:
        if isinstance(each, Crossing) and {*each.first, *each.second} <= scores.runs.keys():
            at = [experiment.place(arm)[0] or 0.0 for arm in each.first]
            points = [f"{float(f'{point:.2g}'):,.0f}" for point in crossing_points(each, scores, at, log=axis.log)]
            lines = {"first": experiment.place(each.first[0])[1], "second": experiment.place(each.second[0])[1]}
            if points:
                yield Message(
                    "In the mean over seeds, {first} and {second} cross at about {points} {axis}.",
                    points=" / ".join(points),
                    axis=axis.title,
                    **lines,
                )
            else:
                yield Message("In the mean over seeds, {first} and {second} do not cross.", **lines)

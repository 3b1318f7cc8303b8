"""The names that the report gives to verdicts, corpora, measures and costs, as messages."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from research.report import numbers
from research.results.answers import Answer, Verdict
from research.results.measures import COSTS
from research.results.message import Message, listed, verbatim

VERDICT_TITLES: dict[Verdict, Message] = {
    "supported": Message("supported"),
    "refuted": Message("refuted"),
    "inconclusive": Message("inconclusive"),
    "not measured": Message("not measured"),
    "not tested here": Message("not tested here"),
    "not calibrated": Message("not calibrated"),
    "not trained": Message("not trained"),
    "saturated": Message("saturated"),
    "no difference": Message("no difference"),
    "underpowered": Message("underpowered"),
    "open": Message("open"),
    "exploratory": Message("exploratory"),
    "not enough seeds": Message("not enough seeds"),
}
MEANINGS: dict[Verdict, Message] = {
    "supported": Message("every hypothesis holds, by its margin"),
    "refuted": Message("at least one hypothesis certainly does not"),
    "inconclusive": Message("the intervals leave it open"),
    "not measured": Message("runs are missing, or do not have the measure"),
    "not tested here": Message("what the claim is about is absent here"),
    "not calibrated": Message("the corpus's baseline has not reached its number"),
    "not trained": Message("an arm had not done learning"),
    "saturated": Message("at the floor or the ceiling of the measure"),
    "no difference": Message("any difference is smaller than what counts"),
    "underpowered": Message("too few seeds or sentences to tell"),
    "open": Message("enough seeds to tell, and the intervals leave it open"),
    "exploratory": Message("no plan was locked before the runs, so no verdict"),
    "not enough seeds": Message("fewer than three seeds, so no verdict"),
}
CORPORA = {"embedded": Message("embedded corpus"), "multi30k": Message("Multi30k")}
IN_A_SENTENCE = {"embedded": Message("the embedded corpus")}


class CostColumn(NamedTuple):
    """A cost of a run: its name, and how it is written."""

    title: Message
    show: Callable[[float | None], str]


COST_COLUMNS = {
    name: CostColumn(COSTS[name], show)
    for name, show in {
        "parameters": numbers.size,
        "flops_per_token": numbers.size,
        "steps": numbers.whole,
        "tokens": numbers.size,
        "seconds": numbers.duration,
        "trials": numbers.whole,
    }.items()
}


def corpus_title(name: str) -> Message:
    """Return what people call a corpus, by the stem of its config file."""
    return CORPORA.get(name) or verbatim(name)


def scope(answer: Answer) -> Message:
    """Return what a verdict holds for: its corpus, the models' widths, the target tokens that they read, and seeds."""
    corpus = IN_A_SENTENCE.get(answer.corpus) or corpus_title(answer.corpus)
    tokens = [each for arm in answer.arms if (each := arm.costs.get("tokens")) is not None]
    widths = Message("at width {widths}", widths=_span(answer.widths, str)) if answer.widths else None
    learnt = Message("after {tokens} target tokens", tokens=_span(tokens, numbers.size)) if tokens else None
    seeds = Message("one seed") if answer.seeds == "1" else Message("{seeds} seeds", seeds=answer.seeds)
    parts = [Message("on {corpus}", corpus=corpus), *filter(None, (widths, learnt)), seeds]
    return listed(parts)


def _span(values: Sequence[float], show: Callable[[Any], str]) -> str:
    """Return the smallest and the largest value, or the only one."""
    return "–".join(dict.fromkeys(show(value) for value in (min(values), max(values))))


def search_title(search: str) -> Message:
    """Return what people call a search: `beam1` is greedy."""
    width = search.removeprefix("beam")
    if width == "1":
        return Message("greedy search")
    return Message("beam {n}", n=width) if width.isdecimal() else verbatim(search)


def duration(seconds: float | None) -> Message:
    """Return how long something took, as `numbers.duration` does, with units that can be translated."""
    if seconds is None:
        return verbatim(numbers.NOTHING)
    first, *rest = numbers.duration(seconds).split(" ")
    if len(rest) == 1:
        return Message("{seconds} s", seconds=first)
    if rest[0] == "min":
        return Message("{minutes} min {seconds} s", minutes=first, seconds=rest[1])
    return Message("{hours} h {minutes} min", hours=first, minutes=rest[1])

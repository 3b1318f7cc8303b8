"""The charts of an answer: every run, means with intervals, and the literature's numbers on axes of their own."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import altair as alt

from research.report import numbers, style
from research.report.charts import (
    BY_ROW,
    End,
    Extent,
    Panel,
    around,
    below_each_other,
    labelled,
    layer,
    layered,
    marks,
    names_at_end,
    rings,
    x_of,
    y_of,
)
from research.report.words import COST_COLUMNS, search_title
from research.results.answers import Answer, ArmResult, Curve
from research.results.measures import MEASURES
from research.results.measures import title as title_of
from research.results.message import Message

TALL, ROW = 250, 38  # pixels of a chart, and of a row of one
WIDTH = 660  # pixels of a PNG, without names
MOST_LEVELS = 2  # arms that may lie across the lines of the others
FEWEST_RATIO = 5  # costs that differ by more are drawn on a logarithmic axis
SECONDS, RATIO = "s", 10  # so are times that differ by more
PUBLISHED = ("diamond", "square", "triangle-up", "triangle-down", "cross", "triangle-right")
BASE = "base"  # the line of the arms that change nothing but their x
DASHES: tuple[list[int], ...] = ([1, 0], [5, 3], [1, 2], [7, 2, 1, 2])

Look = tuple[str, str]
"""A colour and the shape of a mark."""


class Mark(NamedTuple):
    """One mean and what is around it, or a published number, which has neither interval nor runs.

    Attributes:
        series: the line that goes through it.
        source: who published it; "" of a mean of ours.
    """

    arm: ArmResult
    value: float
    ends: tuple[float, float] | None
    seeds: Sequence[tuple[int, float]]
    look: Look
    series: str
    source: str = ""

    @property
    def drawn(self) -> list[float]:
        """All values that the mark needs room for."""
        return [self.value, *(self.ends or ()), *(score for _, score in self.seeds)]


def answer_panels(answer: Answer) -> list[Panel]:
    """Return a panel for all that there are numbers of: our scores, their costs, the literature, and curves."""
    found = []
    if ours := _ours(answer):
        note = Message("Large mark and bar: mean over seeds and its interval. Small marks: each seed.")
        found += _panels("main", answer, _title(answer), note, ours, 0.0)
        found += _front(answer, ours)
        for measure in dict.fromkeys(each.measure for each in answer.literature):
            if published := _published(answer, measure):
                found += _literature(answer, measure, published, ours)
    for measure in dict.fromkeys(curve.measure for curve in answer.curves if curve.points):
        found.append(_curves(answer, measure))
    return found


def answer_figure(answer: Answer) -> tuple[alt.VConcatChart, list[str]] | None:
    """Return all panels below each other with their English words, and the names at the right edge; None of nothing."""
    panels = answer_panels(answer)
    if not panels:
        return None
    return below_each_other(panels, WIDTH, str(answer.claim)), [name for panel in panels for name in panel.names]


def looks(answer: Answer) -> dict[str, Look]:
    """Return the look of each arm: its group's, its own if curves or costs tell arms apart, else one for all."""
    groups = list(dict.fromkeys(arm.group for arm in answer.arms))
    alone: list[str] = []
    if len(groups) == 1 and not answer.axis:
        alone = [arm.name for arm in answer.arms] if answer.cost else [*dict.fromkeys(c.arm for c in answer.curves)]
    found = {}
    for arm in answer.arms:
        place = alone.index(arm.name) if arm.name in alone else groups.index(arm.group)
        found[arm.name] = style.COLOURS[place % len(style.COLOURS)], style.MARKERS[place % len(style.MARKERS)]
    return found


def pareto_front(points: Sequence[tuple[float, float]], better: int) -> list[int]:
    """Return which (cost, score) no other beats, by rising cost: those that cost no more score less.

    Args:
        points: cost and score of each arm.
        better: 1 if a higher score is better, -1 if a lower one is.
    """
    kept: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -better * points[i][1])):
        if not kept or better * points[index][1] > better * points[kept[-1]][1]:
            kept.append(index)
    return kept


def places_on_axis(values: Sequence[float], log: bool) -> tuple[Callable[[float], float], dict[float, str]]:
    """Return where an x goes, and the labels of the places. Zero has no logarithm: it stands a step before the rest."""
    distinct = sorted(set(values))
    above = [value for value in distinct if value > 0]
    if not log or not above:
        return float, {value: numbers.exact(value) for value in distinct}
    logs = [math.log10(value) for value in above]
    step = max((b - a for a, b in pairwise(logs)), default=1.0)

    def place(x: float) -> float:
        return math.log10(x) if x > 0 else logs[0] - step

    return place, {place(value): numbers.exact(value) for value in distinct}


def _panels(
    kind: str, answer: Answer, title: Message, note: Message, found: Sequence[Mark], least: float
) -> list[Panel]:
    """Return lines over the axis, and rows for arms without a place on it if they are too many for levels."""
    if not answer.axis:
        return [_rows(kind, answer, title, note, found, least)]
    on, off = ([mark for mark in found if (mark.arm.x is None) == without] for without in (False, True))
    if len(off) <= MOST_LEVELS or not on:
        return [_lines(kind, answer, title, note, found, least)]
    aside = Message("Arms that have no place on the axis. {note}", note=note)
    rows = _rows(kind, answer, title, aside, off, max(least, _reach(on)))
    return [_lines(kind, answer, title, note, on, least), rows]


def _rows(kind: str, answer: Answer, title: Message, note: Message, found: Sequence[Mark], least: float) -> Panel:
    """Return a row for each arm in the order given, below the heading of its group if there are several groups."""
    look, known = looks(answer), {mark.arm.name for mark in found}
    whole = kind == "main" and not answer.axis  # an arm without a score keeps its row there
    arms = [arm for arm in answer.arms if whole or arm.name in known]
    headings = len({arm.group for arm in answer.arms}) > 1
    rows: dict[str, float] = {}
    groups: dict[str, float] = {}
    at = 0.0
    for arm in arms:
        if headings and arm.group not in groups:
            groups[arm.group] = at + (0.1 if groups else 0)
            at = groups[arm.group] + 0.8
        rows[arm.name] = at
        at += 1
    extent = around([value for mark in found for value in mark.drawn], least=least)
    down = Extent(at - 0.4, -0.6)
    bars = [{"x": m.ends[0], "x2": m.ends[1], "y": rows[m.arm.name], "colour": m.look[0]} for m in found if m.ends]
    layers = [layer(bars).mark_rule(strokeWidth=2.5).encode(x2="x2:Q", color=BY_ROW)]
    layers.append(rings([_ring(mark, seed, score, x=score, y=rows[mark.arm.name] + 0.27)
                         for mark in found for seed, score in mark.seeds]))  # fmt: skip
    layers += _means(found, lambda mark: {"x": mark.value, "y": rows[mark.arm.name]})
    words = [(rows[name], "–", style.SOFT) for name in rows if name not in known]
    colours = {arm.group: look[arm.name][0] for arm in arms}
    words += [(y, style.drawable(group), colours[group]) for group, y in groups.items()]
    if words:
        text = layer([{"x": extent.low, "y": y, "name": name, "colour": colour} for y, name, colour in words])
        layers.append(text.mark_text(align="left", dx=4, fontWeight="bold").encode(text="name:N", color=BY_ROW))
    names = labelled({y: style.drawable(name) for name, y in rows.items()})
    limit = alt.ExprRef("containerSize()[0] < 480 ? 130 : 220")
    y = y_of(down, **names, labelColor=style.INK, labelLimit=limit, labelOverlap=False)
    chart = layered(layers, x_of(extent, grid=True, domain=False), y, ROW * (at + 0.2))
    return Panel(kind, title, None, note, chart)


def _lines(kind: str, answer: Answer, title: Message, note: Message, found: Sequence[Mark], least: float) -> Panel:
    """Return a line for each series over the x of its arms; an arm without x is a level across."""
    assert answer.axis is not None
    log = answer.axis.log and MEASURES[answer.measure].unit == SECONDS and _spans(found, RATIO)
    place, ticks = places_on_axis([arm.x for arm in answer.arms if arm.x is not None], answer.axis.log)
    low, high = (min(ticks), max(ticks)) if ticks else (0.0, 1.0)
    span = (high - low) or 1.0
    series: dict[str, list[Mark]] = {}
    for mark in found:
        if mark.arm.x is not None:
            series.setdefault(mark.series or BASE, []).append(mark)
    levels = [mark for mark in found if mark.arm.x is None]
    nearest = min((b - a for a, b in pairwise(sorted(ticks))), default=span)
    step = min(0.08 * span, 0.45 * nearest) / max(2, len(series))  # aside, so that no line's bars hide another's
    edge = 0.05 * span + step * len(series) / 2
    beside = 0.05 * span if any(mark.seeds for mark in levels) else 0.0
    x = Extent(low - edge, high + edge + beside)
    y = around([value for mark in found for value in mark.drawn], least=least, log=log)

    aside = {name: 0.0 if members[0].source else (index - (len(series) - 1) / 2) * step
             for index, (name, members) in enumerate(series.items())}  # fmt: skip
    level_at = high + edge + 0.3 * beside

    def at(mark: Mark) -> float:
        return place(mark.arm.x or 0.0) + aside[mark.series or BASE]

    lined = [mark for members in series.values() for mark in members]
    layers = []
    for mark in levels:
        across = {"x": x.low, "x2": x.high, "y": mark.value}
        if mark.ends:
            band = layer([across | dict(zip(("y", "y2"), mark.ends, strict=True))])
            layers.append(band.mark_rect(color=_level_colour(mark), opacity=0.12).encode(x2="x2:Q", y2="y2:Q"))
        rule = layer([across]).mark_rule(color=_level_colour(mark), strokeDash=[5, 4], strokeWidth=1.5)
        layers.append(rule.encode(x2="x2:Q"))
    for published, dash in ((False, [1, 0]), (True, [3, 3])):
        rows = [{"x": at(mark), "y": mark.value, "series": mark.series, "colour": mark.look[0]}
                for mark in lined if bool(mark.source) == published]  # fmt: skip
        if rows:
            line = layer(rows).mark_line(strokeDash=dash, strokeWidth=1 if published else 1.8)
            layers.append(line.encode(color=BY_ROW, detail="series:N"))
    bars = [{"x": at(m), "y": m.ends[0], "y2": m.ends[1], "colour": m.look[0]} for m in lined if m.ends]
    layers.append(layer(bars).mark_rule(strokeWidth=2.5).encode(y2="y2:Q", color=BY_ROW))
    dots = [_ring(m, seed, score, x=at(m) + 0.02 * span, y=score) for m in lined for seed, score in m.seeds]
    dots += [
        _ring(m, seed, score, x=level_at, y=score, colour=style.BASELINE) for m in levels for seed, score in m.seeds
    ]
    layers.append(rings(dots))
    layers += _means(lined, lambda mark: {"x": at(mark), "y": mark.value})
    ends = [End(name, at(max(members, key=at)), max(members, key=at).value, members[0].look[0])
            for name, members in series.items() if len(series) > 1 and not members[0].source]  # fmt: skip
    ends += [End(mark.arm.name, x.high, mark.value, _level_colour(mark)) for mark in levels]
    layers += names_at_end(ends, x, y, TALL)
    if log:
        note = Message("{note} Scores on a log scale.", note=note)
    if any(not mark.source for mark in levels):
        note = Message("{note} Dashed: an arm that has no place on the axis.", note=note)
    chart = layered(layers, x_of(x, **labelled(ticks), labelColor=style.INK), y_of(y), TALL)
    return Panel(kind, title, _across(answer.axis.title, answer.axis.log), note, chart, [end.name for end in ends])


def _front(answer: Answer, ours: Sequence[Mark]) -> list[Panel]:
    """Return scores over what they cost, with a line along the Pareto front, if the question is what a score costs."""
    priced = {mark.arm.name: price for mark in ours if (price := mark.arm.costs.get(answer.cost or "")) is not None}
    if answer.cost is None or len(priced) < 2:
        return []
    column, found = COST_COLUMNS[answer.cost], [mark for mark in ours if mark.arm.name in priced]
    log = max(priced.values()) > FEWEST_RATIO * min(priced.values()) > 0
    x = around(list(priced.values()), air=0.06, log=log)
    y = around([value for mark in found for value in mark.drawn])
    better = MEASURES[answer.measure].better
    best = [found[i] for i in pareto_front([(priced[mark.arm.name], mark.value) for mark in found], better)]
    line = [{"x": priced[mark.arm.name], "y": mark.value} for mark in best]
    bars = [{"x": priced[mark.arm.name], "y": mark.ends[0], "y2": mark.ends[1], "colour": mark.look[0]}
            for mark in found if mark.ends]  # fmt: skip
    dots = [_ring(m, seed, score, x=priced[m.arm.name], y=score) for m in found for seed, score in m.seeds]
    ends = [End(mark.arm.name, priced[mark.arm.name], mark.value, mark.look[0]) for mark in found]
    layers = [
        layer(line).mark_line(color=style.BASELINE, strokeWidth=1.8),
        layer(bars).mark_rule(strokeWidth=2.5).encode(y2="y2:Q", color=BY_ROW),
        rings(dots),
        *_means(found, lambda mark: {"x": priced[mark.arm.name], "y": mark.value}),
        *names_at_end(ends, x, y, TALL),
    ]
    ticks = labelled({tick: column.show(tick) for tick in _round_numbers(x)})
    chart = layered(layers, x_of(x, **ticks), y_of(y), TALL)
    title = Message("{measure} over what a run costs", measure=title_of(answer.measure))
    note = Message("Line: the Pareto front, arms of which no other is both cheaper and better.")
    return [Panel("front", title, _across(column.title, log), note, chart, [end.name for end in ends])]


def _literature(answer: Answer, measure: str, found: Sequence[Mark], ours: Sequence[Mark]) -> list[Panel]:
    """Return published numbers on axes of their own, for corpora differ.

    A difference in a measure that we have too is never drawn longer than ours.
    """
    our = MEASURES[answer.measure]
    same = measure.casefold() in {answer.measure, our.unit.casefold(), str(our.title).casefold()}
    least = _reach(ours) if same else 0.0
    note = Message("Other corpora and other sizes: the order compares, the numbers do not.")
    if least >= _reach(found):
        note = Message("{note} A difference is as long as in our figure.", note=note)
    title = Message("In the literature: {measure}", measure=measure)
    return _panels("literature", answer, title, note, found, least)


def _curves(answer: Answer, measure: str) -> Panel:
    """Return a measure over steps: a line for each run in its arm's colour; arms of one colour differ in dashes."""
    curves = [curve for curve in answer.curves if curve.measure == measure and curve.points]
    arms = list(dict.fromkeys(curve.arm for curve in curves))
    colours = _curve_colours(answer)
    alike = {arm: [other for other in arms if colours[other] == colours[arm]].index(arm) for arm in arms}
    points = [point for curve in curves for point in curve.points]
    x, y = around([step for step, _ in points], air=0.02), around([value for _, value in points], air=0.08)
    layers = [_curve(curve, colours[curve.arm], DASHES[alike[curve.arm] % len(DASHES)]) for curve in curves]
    ends = []
    for arm in arms:
        last = [curve.points[-1] for curve in curves if curve.arm == arm]
        ends.append(End(arm, max(step for step, _ in last), sum(value for _, value in last) / len(last), colours[arm]))
    chart = layered([*layers, *names_at_end(ends, x, y, TALL)], x_of(x), y_of(y), TALL)
    title = Message("{measure} over training steps", measure=title_of(measure))
    return Panel("curves", title, Message("training steps"), Message("A line for each seed."), chart, arms)


def _curve(curve: Curve, colour: str, dash: list[int]) -> alt.Chart:
    rows = [{"x": step, "y": value, "said": f"{curve.arm}, seed {curve.seed}"} for step, value in curve.points]
    point = len(rows) == 1
    line = layer(rows).mark_line(color=colour, strokeDash=dash, strokeWidth=1.5, point=point)
    return line.encode(tooltip="said:N")


def _curve_colours(answer: Answer) -> dict[str, str]:
    """Return the colour of each arm's curves: its group's; without groups, as over an axis, its own."""
    found = looks(answer)
    if len(set(found.values())) > 1:
        return {arm: colour for arm, (colour, _) in found.items()}
    curved = dict.fromkeys(curve.arm for curve in answer.curves)
    return {arm: style.COLOURS[place % len(style.COLOURS)] for place, arm in enumerate(curved)}


def _ours(answer: Answer) -> list[Mark]:
    look, found = looks(answer), []
    for arm in answer.arms:
        scores = [(run.seed, score) for run in arm.runs if (score := run.scores.get(answer.measure)) is not None]
        if arm.score is not None:
            found.append(Mark(arm, arm.score, arm.interval, scores, look[arm.name], arm.group))
    return found


def _published(answer: Answer, measure: str) -> list[Mark]:
    """Return the published numbers of arms that we have too; the table shows the others."""
    arms = {arm.name: arm for arm in answer.arms}
    found = []
    for index, each in enumerate(each for each in answer.literature if each.measure == measure):
        look = style.SOFT, PUBLISHED[index % len(PUBLISHED)]
        for name, value in each.values.items():
            if name in arms:
                found.append(Mark(arms[name], value, None, (), look, f"{each.source} {arms[name].group}", each.source))
    return found


def _means(found: Sequence[Mark], place: Callable[[Mark], Mapping[str, float]]) -> list[alt.Chart]:
    """Return the large marks: ours filled; published ones hollow, as none of ours is, with their sources below."""
    ours = [{**place(m), "colour": m.look[0], "shape": m.look[1], "said": _said(m)} for m in found if not m.source]
    theirs = [{**place(m), "source": style.drawable(m.source), "said": _said(m)} for m in found if m.source]
    layers = [marks(ours)] if ours else []
    if theirs:
        shapes = {style.drawable(mark.source): mark.look[1] for mark in found if mark.source}
        legend = alt.Legend(orient="bottom", direction="vertical", title=None)
        scale = alt.Scale(domain=list(shapes), range=list(shapes.values()))
        mark = layer(theirs).mark_point(fill=style.PAPER, color=style.SOFT, size=70, opacity=1)
        layers.append(mark.encode(shape=alt.Shape("source:N", scale=scale, legend=legend), tooltip="said:N"))
    return layers


def _said(mark: Mark) -> str:
    """Return what a mark tells when it is pointed at: luong: 40.8 [38.2, 43.4]."""
    places = numbers.decimals([mark.ends[1] - mark.ends[0] if mark.ends else None], [mark.value])
    ends = f" {numbers.interval(mark.ends, places)}" if mark.ends else ""
    source = f", {mark.source}" if mark.source else ""
    return f"{mark.arm.name}{source}: {numbers.plain(mark.value, places)}{ends}"


def _ring(mark: Mark, seed: int, score: float, *, x: float, y: float, colour: str = "") -> dict[str, float | str]:
    said = f"{mark.arm.name}, seed {seed}: {numbers.exact(score)}"
    return {"x": x, "y": y, "colour": colour or mark.look[0], "said": said}


def _level_colour(mark: Mark) -> str:
    return mark.look[0] if mark.source else style.BASELINE


def _across(title: Message, log: bool) -> Message:
    return Message("{axis}, log scale", axis=title) if log else title


def _title(answer: Answer) -> Message:
    """Return such as: BLEU, higher is better · test, greedy search."""
    measure = MEASURES[answer.measure]
    title = Message("{measure}", measure=title_of(answer.measure))
    if measure.better:
        better = Message("higher is better") if measure.better > 0 else Message("lower is better")
        title = Message("{measure}, {direction}", measure=title, direction=better)
    title = Message("{measure} · {split}", measure=title, split=answer.split)
    return Message("{title}, {search}", title=title, search=search_title(answer.search)) if answer.search else title


def _reach(found: Sequence[Mark]) -> float:
    """Return the distance from the lowest to the highest of all that is drawn, with the air around it."""
    values = [value for mark in found for value in mark.drawn]
    return 1.2 * (max(values) - min(values))


def _spans(found: Sequence[Mark], ratio: float) -> bool:
    """Return whether the highest is more than `ratio` times the lowest, and none is zero or less."""
    values = [value for mark in found for value in mark.drawn]
    return min(values) > 0 and max(values) > ratio * min(values)


def _round_numbers(extent: Extent) -> list[float]:
    """Return ticks at 1, 2 and 5 times powers of ten, or at equal steps, few enough for their labels."""
    if extent.log:
        powers = range(math.floor(math.log10(extent.low)), math.ceil(math.log10(extent.high)) + 1)
        return [m * 10.0**n for n in powers for m in (1, 2, 5) if extent.low <= m * 10.0**n <= extent.high]
    span = extent.high - extent.low
    step = 10.0 ** math.floor(math.log10(span / 3))
    step *= next(m for m in (1, 2, 5, 10) if span / (m * step) <= 5)
    first = math.ceil(extent.low / step)
    return [n * step for n in range(first, math.floor(extent.high / step) + 1)]

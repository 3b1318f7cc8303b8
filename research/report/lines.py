"""Arms as points of lines: over a number that they differ in, or over the steps of their training."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from research.report import style
from research.report.numbers import exact
from research.report.panel import (
    BELOW,
    LINE,
    Mark,
    Panel,
    Plain,
    put_names,
    put_point,
    put_seeds,
    put_sources,
    room,
    sources,
    widened,
)
from research.report.words import SAID
from research.results.answers import AnswerAxis, Curve
from research.results.message import Message, listed

BASE = "base"  # the line of the arms that change nothing but their x
DASHES = ("-", "--", ":", "-.")
EDGE = 0.05  # of what the axis spans: air before its first x and after its last


def lines_panel(
    kind: str,
    title: Message,
    note: Message,
    axis: AnswerAxis,
    places: Sequence[float],
    marks: Sequence[Mark],
    least: float,
    by_ratio: bool,
) -> Panel:
    """A line a series over the x of its arms, of which there are `places`; an arm that has no x is a level across.

    least: how much the axis of scores holds at least. by_ratio: it is logarithmic.
    """
    where, ticks = scale(places, axis.log)
    low, high = (min(ticks), max(ticks)) if ticks else (0.0, 1.0)
    span = (high - low) or 1.0
    series: dict[str, list[Mark]] = {}
    for mark in (mark for mark in marks if mark.arm.x is not None):
        series.setdefault(mark.series or BASE, []).append(mark)
    levels = [mark for mark in marks if mark.arm.x is None]
    named = [name for name, members in series.items() if len(series) > 1 and not members[0].source]
    nearest = min((b - a for a, b in pairwise(sorted(ticks))), default=span)
    step = min(0.08 * span, 0.45 * nearest) / max(2, len(series))  # aside, so that no line's bars hide another's
    edge = EDGE * span + step * len(series) / 2
    beside = EDGE * span if any(mark.seeds for mark in levels) else 0.0

    def draw(axes: Axes, letters: int) -> None:
        axes.set_xlim(low - edge, high + edge + beside)
        ends: list[tuple[str, float, float, str]] = []
        for index, (name, members) in enumerate(series.items()):
            aside = 0.0 if members[0].source else (index - (len(series) - 1) / 2) * step
            last = _line(
                axes, sorted(((where(m.arm.x) + aside, m) for m in members), key=lambda pair: pair[0]), 0.02 * span
            )
            ends += [(name, *last)] if name in named else []
        for mark in levels:
            _level(axes, mark, high + edge + 0.3 * beside)
            ends.append((mark.arm.name, high + edge + beside, mark.value, _level_colour(mark)))
        if by_ratio:
            axes.set_yscale("log")
        axes.margins(y=0.1)
        axes.set_ylim(*(axes.get_ylim() if by_ratio else widened(axes.get_ylim(), least)))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if by_ratio else MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: exact(value)) if by_ratio else Plain())
        axes.yaxis.set_minor_locator(NullLocator())
        shown = apart(list(ticks), axes.get_xlim(), 10 if letters > 20 else 6)
        axes.set_xticks(shown, [ticks[at] for at in shown], color=style.INK)
        put_names(axes, ends, letters)
        put_sources(axes, marks)

    across = listed([axis.title, SAID["log"]]) if axis.log else axis.title
    if by_ratio:
        note = Message("{first} {rest}", first=note, rest=SAID["by_ratio"])
    if any(not mark.source for mark in levels):
        note = Message("{first} {rest}", first=note, rest=SAID["reference"])
    right = room([*named, *(mark.arm.name for mark in levels)], 0.15)
    return Panel(kind, title, across, note, 2.7, lambda _: 0.5, right, BELOW + LINE * len(sources(marks)), draw)


def curves_panel(title: Message, curves: Sequence[Curve], colours: dict[str, str]) -> Panel:
    """A measure over steps: a line for each seed, in the colour of its arm; arms of one colour differ in dashes."""
    arms = list(dict.fromkeys(curve.arm for curve in curves))
    alike = {arm: [other for other in arms if colours[other] == colours[arm]].index(arm) for arm in arms}

    def draw(axes: Axes, letters: int) -> None:
        for curve in curves:
            x, y = zip(*curve.points, strict=True)
            dash, marker = DASHES[alike[curve.arm] % len(DASHES)], "" if len(x) > 1 else "o"
            axes.plot(x, y, color=colours[curve.arm], linestyle=dash, marker=marker, markersize=4, linewidth=1.3)
        axes.margins(x=0.02, y=0.08)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(Plain())
        axes.xaxis.set_major_locator(MaxNLocator(5 if letters > 20 else 4, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ends = []
        for arm in arms:
            last = [curve.points[-1] for curve in curves if curve.arm == arm]
            height = sum(y for _, y in last) / len(last)
            ends.append((arm, max(x for x, _ in last), height, colours[arm]))
        put_names(axes, ends, letters)

    note, across = SAID["curves_note"], SAID["steps_axis"]
    return Panel("curves", title, across, note, 2.5, lambda _: 0.5, room(arms, 0.15), BELOW, draw)


def scale(values: Sequence[float], log: bool) -> tuple[Callable[[float | None], float], dict[float, str]]:
    """Where an x goes, and its ticks: every x that an arm has. What has no logarithm stands a step before the rest."""
    distinct = sorted(set(values))
    above = [value for value in distinct if value > 0]
    if not log or not above:
        return lambda x: float(x or 0), {value: exact(value) for value in distinct}
    logs = [math.log10(value) for value in above]
    step = max((b - a for a, b in pairwise(logs)), default=1.0)

    def where(x: float | None) -> float:
        return math.log10(x) if x and x > 0 else logs[0] - step

    return where, {where(value): exact(value) for value in distinct}


def apart(places: Sequence[float], limits: tuple[float, float], most: int) -> list[float]:
    """The ticks that there is room for, the largest first."""
    gap = (limits[1] - limits[0]) / most / 1.6
    kept: list[float] = []
    for place in sorted(places, reverse=True):
        if not kept or kept[-1] - place >= gap:
            kept.append(place)
    return kept[::-1]


def _line(axes: Axes, points: Sequence[tuple[float, Mark]], beside: float) -> tuple[float, float, str]:
    """One series, its seeds `beside` their means; where it ends, and its colour."""
    colour = points[0][1].look[0]
    published = bool(points[0][1].source)
    drawn: dict[str, Any] = {"linestyle": (0, (2, 2)), "linewidth": 1.0} if published else {"linewidth": 1.6}
    axes.plot([x for x, _ in points], [mark.value for _, mark in points], color=colour, zorder=2, **drawn)
    for x, mark in points:
        put_point(axes, x, mark, beside)
    return points[-1][0], points[-1][1].value, colour


def _level(axes: Axes, mark: Mark, x: float) -> None:
    colour = _level_colour(mark)
    if mark.ends:
        axes.axhspan(*mark.ends, color=colour, alpha=0.12, linewidth=0, zorder=0)
    axes.axhline(mark.value, color=colour, linestyle=(0, (4, 3)), linewidth=1.4, zorder=1)
    put_seeds(axes, [x] * len(mark.seeds), mark.seeds, colour)


def _level_colour(mark: Mark) -> str:
    return mark.look[0] if mark.source else style.BASELINE

"""One set of axes of an answer's figure, and the marks on it: means, intervals, every seed, published numbers."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from research.report import style
from research.report.figures import DOTS_PER_INCH, LABEL_INCHES
from research.results.answers import ArmResult
from research.results.message import Message

LETTER = 0.08  # inches, about, of a letter of the labels
LINE = 0.19  # inches of a source below the axes
BELOW = 0.28  # inches of the numbers along the axes
Look = tuple[str, str]  # colour and marker


class Mark(NamedTuple):
    """A mean and what is around it; or, published, a number of the literature, which has neither interval nor seeds.

    series: what a line goes through; of published numbers, who published them.
    """

    arm: ArmResult
    value: float
    ends: tuple[float, float] | None
    seeds: Sequence[float]
    look: Look
    series: str
    source: str = ""


class Panel(NamedTuple):
    """title, across, note: what is said above, along and below it; kind: main, front, literature, curves.

    tall: inches of the axes. left, right, below: inches around them, the first two for names of so many letters.
    """

    kind: str
    title: Message
    across: Message
    note: Message
    tall: float
    left: Callable[[int], float]
    right: Callable[[int], float]
    below: float
    draw: Callable[[Axes, int], None]

    def figure(self, width: float) -> Figure:
        """The panel alone, `width` inches wide."""
        with matplotlib.rc_context(style.RC):
            figure = Figure(figsize=(width, 0.08 + self.tall + self.below), dpi=DOTS_PER_INCH)
            self.put(figure, self.below)
        return figure

    def put(self, figure: Figure, bottom: float) -> None:
        """Into a figure, its axes `bottom` inches up."""
        width, height = figure.get_size_inches()
        letters = 20 if width < 5 else 32
        left, right = self.left(letters), self.right(letters)
        box = (left / width, bottom / height, (width - left - right) / width, self.tall / height)
        self.draw(figure.add_axes(box), letters)


class Plain(ScalarFormatter):
    """Ticks with as many decimals as all of them need, and nothing taken out of them."""

    def __init__(self) -> None:
        super().__init__(useOffset=False, useMathText=False)
        self.set_scientific(False)


def put_mean(axes: Axes, x: float, y: float, mark: Mark) -> None:
    """A published number is hollow, as none of ours is."""
    colour, marker = mark.look
    face, edge, size = (style.PAPER, colour, 44) if mark.source else (colour, style.PAPER, 58)
    axes.scatter([x], [y], size, face, marker=marker, edgecolors=edge, linewidths=1.2, zorder=5)


def put_point(axes: Axes, x: float, mark: Mark, beside: float = 0.0) -> None:
    """A mean over x, its interval upright, its seeds `beside` it."""
    if mark.ends:
        axes.plot([x, x], mark.ends, color=mark.look[0], linewidth=2.2, zorder=3)
    put_seeds(axes, [x + beside] * len(mark.seeds), mark.seeds, mark.look[0])
    put_mean(axes, x, mark.value, mark)


def put_seeds(axes: Axes, x: Sequence[float], y: Sequence[float], colour: str) -> None:
    """A small ring a seed."""
    axes.scatter(x, y, 13, style.PAPER, marker="o", edgecolors=colour, linewidths=0.9, zorder=4)


def put_names(axes: Axes, ends: Sequence[tuple[str, float, float, str]], letters: int) -> None:
    """Each (name, x, y, colour) at the right edge, level with its point or as near as the other names allow."""
    inside = axes.transData + axes.transAxes.inverted()
    starts = [tuple(map(float, inside.transform((x, y)))) for _, x, y, _ in ends]
    heights = style.spread([y for _, y in starts], LABEL_INCHES / _inches(axes)[1], 0.0, 1.0)
    whole: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
    for (name, _, _, colour), (x, y), height in zip(ends, starts, heights, strict=True):
        axes.plot([x, 1.015], [y, height], ":", color=colour, linewidth=0.9, **whole)
        axes.text(1.025, height, cut(name, letters), color=colour, va="center", weight="bold", **whole)


def put_sources(axes: Axes, marks: Sequence[Mark]) -> None:
    """Who published the numbers, a line each below the axes."""
    width, height = _inches(axes)
    whole: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False, "color": style.SOFT}
    for index, (source, marker) in enumerate(sources(marks).items()):
        y = -(BELOW + 0.06 + LINE * index) / height
        axes.plot([0.06 / width], [y], marker, markerfacecolor=style.PAPER, markersize=5.5, **whole)
        axes.text(0.18 / width, y, cut(source, int(width / LETTER)), va="center", **whole)


def sources(marks: Sequence[Mark]) -> dict[str, str]:
    """The marker of each source, in order."""
    return {mark.source: mark.look[1] for mark in marks if mark.source}


def reach(marks: Sequence[Mark]) -> float:
    """From the lowest to the highest of all that is drawn, with the air that an axis leaves around it."""
    ends = [end for mark in marks for end in (mark.value, *(mark.ends or ()), *mark.seeds)]
    return 1.2 * (max(ends) - min(ends))


def spans(marks: Sequence[Mark], ratio: float) -> bool:
    """Whether the highest of all that is drawn is more than `ratio` times the lowest, and none is zero or less."""
    ends = [end for mark in marks for end in (mark.value, *(mark.ends or ()), *mark.seeds)]
    return min(ends) > 0 and max(ends) > ratio * min(ends)


def widened(limits: tuple[float, float], least: float) -> tuple[float, float]:
    """The same centre and `least` around it, for on an axis of their own small differences would look large."""
    low, high = limits
    more = max(0.0, least - (high - low)) / 2
    return low - more, high + more


def room(names: Sequence[str], empty: float) -> Callable[[int], float]:
    """Inches that `names` need beside the axes, by how many letters each may have."""
    longest = max((len(style.drawable(name)) for name in names), default=0)
    return lambda letters: 0.18 + LETTER * min(longest, letters) if longest else empty


def cut(name: str, letters: int) -> str:
    """`name` in letters that can be drawn, and no more than so many."""
    name = style.drawable(name)
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def _inches(axes: Axes) -> tuple[float, float]:
    figure = axes.get_figure(root=True)
    assert figure is not None  # axes that were never put into one have no size
    box = axes.get_position()
    return box.width * figure.get_figwidth(), box.height * figure.get_figheight()

"""Scores over what they cost, and the Pareto front: the arms of which no other is both cheaper and better."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from research.report import style
from research.report.panel import BELOW, Mark, Panel, Plain, put_names, put_point, room
from research.report.words import SAID
from research.results.message import Message, listed

RATIO = 5  # costs that differ by more are drawn by their ratio


def front(points: Sequence[tuple[float, float]], better: int) -> list[int]:
    """Which (cost, score) no other beats: those that cost no more score less. By rising cost.

    better: 1 where a higher score is better, -1 where a lower one is.
    """
    kept: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -better * points[i][1])):
        if not kept or better * points[index][1] > better * points[kept[-1]][1]:
            kept.append(index)
    return kept


def front_panel(
    title: Message, cost: Message, shown: Callable[[float], str], priced: Sequence[tuple[float, Mark]], better: int
) -> Panel:
    """Every arm at its price, and a line along the front. shown: a price as people read it."""
    prices = [price for price, _ in priced]
    by_ratio = max(prices) > RATIO * min(prices) > 0
    along = front([(price, mark.value) for price, mark in priced], better)

    def draw(axes: Axes, letters: int) -> None:
        if by_ratio:
            axes.set_xscale("log")
        line = [priced[index] for index in along]
        axes.plot([x for x, _ in line], [mark.value for _, mark in line], color=style.BASELINE, linewidth=1.6, zorder=1)
        for price, mark in priced:
            put_point(axes, price, mark)
        axes.margins(x=0.06, y=0.1)
        axes.set_ylim(*axes.get_ylim())  # as it will be: names are put level with their points
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(Plain())
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if by_ratio else MaxNLocator(5 if letters > 20 else 4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda price, _: shown(price)))
        axes.xaxis.set_minor_locator(NullLocator())
        put_names(axes, [(mark.arm.name, price, mark.value, mark.look[0]) for price, mark in priced], letters)

    across = listed([cost, SAID["log"]]) if by_ratio else cost
    right = room([f"{mark.arm.name}  " for _, mark in priced], 0.15)
    return Panel("front", title, across, SAID["front_note"], 2.7, lambda _: 0.5, right, BELOW, draw)

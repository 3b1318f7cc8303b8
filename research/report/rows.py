"""Arms as rows, for questions whose arms are names."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from research.report import style
from research.report.panel import (
    BELOW,
    LINE,
    Mark,
    Panel,
    Plain,
    cut,
    put_mean,
    put_seeds,
    put_sources,
    room,
    sources,
    widened,
)
from research.results.answers import ArmResult
from research.results.message import Message, verbatim

ROW = 0.42  # inches


def rows_panel(
    kind: str,
    title: Message,
    note: Message,
    arms: Sequence[ArmResult],
    marks: Sequence[Mark],
    heads: dict[str, str],
    least: float,
) -> Panel:
    """A row for each arm in the order given, under the head (and its colour) of its group where there are several.

    least: how much the axis of scores holds at least.
    """
    rows: dict[str, float] = {}
    places: dict[str, float] = {}
    at = 0.0
    for arm in arms:
        if arm.group in heads and arm.group not in places:
            places[arm.group] = at + (0.1 if places else 0)
            at = places[arm.group] + 0.8
        rows[arm.name] = at
        at += 1

    def draw(axes: Axes, letters: int) -> None:
        axes.set_ylim(at - 0.4, -0.6)
        side = axes.get_yaxis_transform()
        for mark in marks:
            y, colour = rows[mark.arm.name], mark.look[0]
            if mark.ends:
                axes.plot(mark.ends, [y, y], color=colour, linewidth=2.2, zorder=3)
            put_seeds(axes, mark.seeds, [y + 0.27] * len(mark.seeds), colour)
            put_mean(axes, mark.value, y, mark)
        for name in rows.keys() - {mark.arm.name for mark in marks}:
            axes.text(0.015, rows[name], "–", color=style.SOFT, va="center", transform=side)
        for group, y in places.items():
            axes.text(0.015, y, cut(group, 40), color=heads[group], weight="bold", va="center", transform=side)
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        for y in rows.values():
            axes.axhline(y, color=style.RULE, linewidth=0.6, zorder=0)
        axes.set_yticks(list(rows.values()), [cut(name, letters) for name in rows], color=style.INK)
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.1)
        axes.set_xlim(*widened(axes.get_xlim(), least))
        axes.xaxis.set_major_locator(MaxNLocator(5 if letters > 20 else 4))
        axes.xaxis.set_major_formatter(Plain())
        put_sources(axes, marks)

    below = BELOW + LINE * len(sources(marks))
    edge = lambda _: 0.14  # noqa: E731
    return Panel(kind, title, verbatim(""), note, ROW * (at + 0.2), room(list(rows), 0.2), edge, below, draw)

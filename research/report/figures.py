"""The report's figures: BLEU by source length, learning curves, attention maps, and the overview of the README."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from research.report import style
from research.report.maps import Map, sharpest, tokens
from research.report.maps import maps as attention_maps
from research.report.runs import LANGUAGES, Comparison, Run
from research.results.run_folder import search_words

FEW_SENTENCES = 30  # a bin with fewer is drawn hollow: its BLEU is mostly chance
DOTS_PER_INCH = 200
LABEL_INCHES = 0.17  # a line of type
LONGEST_NAME = 24  # letters of a run's name beside its line


class Line(NamedTuple):
    """One run's line: its points, and which of them rest on enough sentences."""

    run: Run
    x: list[float]
    y: list[float]
    firm: list[bool]


def png(figure: Figure) -> bytes:
    """`figure` as PNG, the same bytes for the same figure."""
    out = io.BytesIO()
    with matplotlib.rc_context(style.RC):
        FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()


def svg(figure: Figure, name: str, colours: Mapping[str, str]) -> str:
    """`figure` as SVG to put into a page: ids begin with `name`, type is the page's, and so are its `colours`."""
    out = io.StringIO()
    with matplotlib.rc_context(style.RC):
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    start, rest = text.split(">", 1)
    start = re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", start)
    text = f"{start}>{rest}"
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font: (\d+ )?([\d.]+px) [^;\"]+", _size_and_weight, text)
    return re.sub(r"#[0-9a-f]{6}\b", lambda colour: colours.get(colour[0], colour[0]), text)


def length_figure(comparisons: Sequence[Comparison], runs: Sequence[Run], width: float) -> Figure | None:
    """BLEU by source length, a panel per set of test sentences; None when nothing was measured by length."""
    shown = [each for each in comparisons if any(each.bins(run) for run in each.runs)]
    if not shown:
        return None
    with matplotlib.rc_context(style.RC):
        across = 2 if width > 6 and len(shown) > 1 else 1
        down = math.ceil(len(shown) / across)
        panels = _panels(width, 4.3 if width > 6 else 3.6, down, across, runs)
        for axes, comparison in zip(panels, shown, strict=False):
            _lengths(axes, comparison, style.colours(runs))
        for axes in panels[len(shown) :]:
            axes.remove()
    return panels[0].get_figure(root=True)


def curves_figure(runs: Sequence[Run], width: float) -> Figure | None:
    """Validation BLEU and perplexity over steps and over seconds; None when no run was validated."""
    measures = [m for m in ("bleu", "perplexity") if any(run.curve(m, "steps") for run in runs)]
    if not measures:
        return None
    with matplotlib.rc_context(style.RC):
        across = 2 if width > 6 else 1
        down = len(measures) * 2 // across
        panels = _panels(width, 3.1, down, across, runs)
        for axes, (measure, over) in zip(panels, product(measures, ("steps", "seconds")), strict=True):
            _curves(axes, runs, measure, over)
    return panels[0].get_figure(root=True)


def maps_figure(panels: Sequence[Map], runs: Sequence[Run]) -> Figure:
    """One sentence, side by side: what each attentive run read as it wrote."""
    with matplotlib.rc_context(style.RC):
        sizes = [(0.36 * len(panel.source) + 1.4, 0.36 * len(panel.target) + 1.6) for panel in panels]
        size = (sum(wide for wide, _ in sizes), max(tall for _, tall in sizes))
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
        axes = figure.subplots(1, len(panels), width_ratios=[wide for wide, _ in sizes], squeeze=False)[0]
        for each, panel in zip(axes, panels, strict=True):
            colour = style.colours(runs)[panel.run.name][0]
            _map(each, panel.source, panel.target, panel.weights, colour)
            each.set_title(
                style.drawable(panel.run.title), loc="left", color=colour, weight="bold", pad=10, fontsize=11
            )
            each.set_anchor("NW")
    return figure


def map_figure(source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]]) -> Figure:
    """One map on its own: `weights` has a row for each token of `target`, tokens as the vocabulary has them."""
    with matplotlib.rc_context(style.RC):
        size = (0.36 * len(source) + 1.4, 0.36 * len(target) + 1.4)
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
        _map(figure.add_subplot(), tokens(source), tokens(target), weights, style.COLOURS[0])
    return figure


def overview_figure(comparisons: Sequence[Comparison], runs: Sequence[Run]) -> Figure | None:
    """The README's picture: BLEU by source length on the left, one attention map on the right."""
    shown = next((each for each in comparisons if any(each.bins(run) for run in each.runs)), None)
    if shown is None:
        return None
    panels = next(iter(attention_maps(shown)), [])
    with matplotlib.rc_context(style.RC):
        figure = Figure(figsize=(12.4 if panels else 7.2, 5.4), dpi=DOTS_PER_INCH)
        left = figure.add_axes((0.036, 0.145, 0.44, 0.665) if panels else (0.06, 0.145, 0.78, 0.665))
        _lengths(left, shown, style.colours(runs), titled=False)
        _heading(figure, 0.018 if panels else 0.03, "Translation quality by sentence length", _subtitle(shown))
        if panels:
            panel = sharpest(panels, shown)
            source, target = (LANGUAGES.get(code, code) for code in shown.languages)
            words = f"{panel.run.title}'s attention, {source} across, {target} down"
            _heading(figure, 0.6, "What is read as each word is written", words)
            names = 0.006 * max(len(style.drawable(token)) for token in panel.target) + 0.01
            right = figure.add_axes((0.6 + names, 0.03, 0.39 - names, 0.69))
            _map(right, panel.source, panel.target, panel.weights, style.colours(runs)[panel.run.name][0])
            right.set_anchor("NW")
    return figure


def _size_and_weight(font: re.Match[str]) -> str:
    weight, size = font.groups()
    return f"font-size: {size}" + (f"; font-weight: {weight.strip()}" if weight else "")


def _panels(width: float, height: float, down: int, across: int, runs: Sequence[Run]) -> list[Axes]:
    """Axes in a grid, each `height` inches with its margins: the right one holds the names of the runs."""
    figure = Figure(figsize=(width, down * height), dpi=DOTS_PER_INCH)
    left, right, top, bottom = 0.38, 0.3 + 0.08 * max(len(_name(run)) for run in runs), 0.45, 0.72
    each = width / across
    places = [(x * each + left, (down - 1 - y) * height + bottom) for y in range(down) for x in range(across)]
    size = ((each - left - right) / width, (height - top - bottom) / (down * height))
    return [figure.add_axes((x / width, y / (down * height), *size)) for x, y in places]


def _heading(figure: Figure, x: float, title: str, subtitle: str) -> None:
    figure.text(x, 0.945, style.drawable(title), fontsize=15, weight="bold", va="center")
    figure.text(x, 0.885, style.drawable(subtitle), fontsize=10, color=style.SOFT, va="center")


def _subtitle(comparison: Comparison) -> str:
    return f"BLEU on {comparison.title}, {search_words(comparison.search)}"


def _lengths(axes: Axes, comparison: Comparison, colours: dict[str, tuple[str, str]], titled: bool = True) -> None:
    lines: list[Line] = []
    bins: list[dict[str, Any]] = []
    for run in comparison.runs:
        bins = comparison.bins(run) or bins
        scored = [(x, each) for x, each in enumerate(comparison.bins(run)) if _finite(each["bleu"])]
        firm = [each["sentences"] >= FEW_SENTENCES for _, each in scored]
        lines.append(Line(run, [float(x) for x, _ in scored], [each["bleu"] for _, each in scored], firm))
    high = _ceiling([value for line in lines for value in line.y])
    axes.set_ylim(0, high)
    axes.set_xlim(-0.25, len(bins) - 1 + 0.1)
    lines = [line for line in lines if line.x]
    _draw(axes, lines, colours)
    _label(axes, lines, colours)
    axes.set_xticks(range(len(bins)), [_bin(each["words"]) for each in bins], color=style.INK)
    for x, each in enumerate(bins):
        axes.annotate(
            f"n = {each['sentences']:,}" if x == 0 else f"{each['sentences']:,}",
            (x, 0),
            (0, -17),
            ("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7.5,
            color=style.SOFT,
        )
    few = any(not firm for line in lines for firm in line.firm)
    axes.set_xlabel(
        "source length, words" + (f"  (hollow: fewer than {FEW_SENTENCES} sentences)" if few else ""),
        labelpad=17,
        loc="left",
    )
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    if titled:
        axes.set_title(style.drawable(_subtitle(comparison)), loc="left", pad=12, fontsize=10, weight="bold")


def _curves(axes: Axes, runs: Sequence[Run], measure: str, over: str) -> None:
    lines = []
    for run in runs:
        points = run.curve(measure, over)
        lines.append(Line(run, [x for x, _ in points], [y for _, y in points], [True] * len(points)))
    lines = [line for line in lines if line.x]
    axes.set_xlim(0, max(max(line.x) for line in lines) * 1.02)
    values = [value for line in lines for value in line.y]
    if measure == "perplexity":
        axes.set_yscale("log")  # its floor is 1, which is where the axis starts
        axes.set_ylim(1, max(2.0, 1.15 * max(values)))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.minorticks_off()
    else:
        axes.set_ylim(0, _ceiling(values))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _draw(axes, lines, style.colours(runs), small=True)
    if over == "steps":  # over seconds the ends lie anywhere; colours and marks are those of the panel beside it
        _label(axes, lines, style.colours(runs))
    axes.set_xlabel("training steps" if over == "steps" else "training seconds")
    name = "BLEU, greedy" if measure == "bleu" else "perplexity (log scale from 1)"
    axes.set_title(f"Validation {name}", loc="left", pad=10, fontsize=10, weight="bold")


def _draw(axes: Axes, lines: Sequence[Line], colours: dict[str, tuple[str, str]], small: bool = False) -> None:
    for line in lines:
        colour, marker = colours[line.run.name]
        faces = [colour if firm else style.PAPER for firm in line.firm]
        edges = [style.PAPER if firm and not small else colour for firm in line.firm]
        axes.plot(line.x, line.y, color=colour, zorder=3, linewidth=1.6 if small else 2.0)
        size = 7 if small else 52
        axes.scatter(
            line.x, line.y, size, faces, marker=marker, edgecolors=edges, linewidths=1.2, zorder=4, clip_on=False
        )


def _label(axes: Axes, lines: Sequence[Line], colours: dict[str, tuple[str, str]]) -> None:
    """The name of each run at the right edge, level with its last point or as near as the other names allow."""
    across = axes.transData + axes.transAxes.inverted()
    ends = [across.transform((line.x[-1], line.y[-1])) for line in lines]
    figure = axes.get_figure(root=True)
    gap = LABEL_INCHES / (axes.get_position().height * figure.get_figheight()) if figure else 0.0
    heights = style.spread([float(y) for _, y in ends], gap, gap / 2, 1.0)
    for line, (x, y), height in zip(lines, ends, heights, strict=True):
        colour, _ = colours[line.run.name]
        axes.plot([x, 1.02], [y, height], ":", transform=axes.transAxes, color=colour, linewidth=1, clip_on=False)
        axes.text(
            1.027,
            height,
            _name(line.run),
            transform=axes.transAxes,
            va="center",
            color=colour,
            weight="bold",
            fontsize=9,
        )


def _map(
    axes: Axes, source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]], colour: str
) -> None:
    shades = LinearSegmentedColormap.from_list("run", [style.PAPER, colour])
    axes.imshow(weights, cmap=shades, vmin=0, vmax=1, aspect="equal")
    fonts = style.token_fonts()
    across, down = ([style.drawable(token, fonts) for token in side] for side in (source, target))
    axes.set_xticks(range(len(across)), across, rotation=50, ha="left", rotation_mode="anchor", family=fonts)
    axes.set_yticks(range(len(down)), down, family=fonts)
    axes.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, colors=style.INK, pad=3, labelsize=9.5)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    for index in range(len(source) + 1):
        axes.axvline(index - 0.5, color=style.RULE, linewidth=0.7)
    for index in range(len(target) + 1):
        axes.axhline(index - 0.5, color=style.RULE, linewidth=0.7)


def _name(run: Run) -> str:
    """What stands beside its line, no longer than the margin can hold."""
    name = style.drawable(run.title)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _bin(words: str) -> str:
    return str(words).replace("-", "–")


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _ceiling(values: Sequence[float]) -> float:
    """The top of an axis of BLEU: the best value and some air, never more than 100."""
    return min(100.0, max(1.0, 1.12 * max(values, default=1.0)))

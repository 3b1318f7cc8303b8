"""The charts of runs: BLEU by source length, learning curves, attention maps, and the overview of the README."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from research.report import style
from research.report.charts import (
    BY_ROW,
    End,
    Extent,
    Panel,
    heatmap,
    labelled,
    layer,
    layered,
    marks,
    names_at_end,
    x_of,
    y_of,
)
from research.report.maps import AttentionMap, attention_maps, sharpest
from research.report.runs import LANGUAGES, Run, RunGroup
from research.results.message import Message
from research.results.run_folder import search_words

FEW_SENTENCES = 30  # a bin with fewer is drawn hollow: its BLEU is mostly chance
TALL, LOW = 300, 210  # pixels
MAPS_IN_A_ROW = 4
PERPLEXITIES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000)


def length_panels(groups: Sequence[RunGroup], runs: Sequence[Run]) -> list[Panel]:
    """Return BLEU by source length, a panel for each set of test sentences that was measured so."""
    return [_lengths(group, style.colours(runs)) for group in groups if any(map(group.bins, group.runs))]


def curve_panels(runs: Sequence[Run]) -> list[Panel]:
    """Return validation BLEU and perplexity, each over steps and over seconds, of the runs that were validated."""
    measures = [measure for measure in ("bleu", "perplexity") if any(run.curve(measure, "steps") for run in runs)]
    return [_curves(runs, measure, over) for measure in measures for over in ("steps", "seconds")]


def run_heatmap(each: AttentionMap, runs: Sequence[Run], cell: int = 26) -> alt.Chart:
    """Return one run's attention map in its colour."""
    return heatmap(each.source, each.target, each.weights, style.colours(runs)[each.run.name][0], cell)


def maps_figure(found: Sequence[AttentionMap], runs: Sequence[Run]) -> alt.VConcatChart:
    """Return the maps of one sentence, a few beside each other, for a PNG."""
    parts = []
    for each in found:
        title = alt.Title(style.drawable(each.run.title), color=style.colours(runs)[each.run.name][0], fontSize=15)
        parts.append(run_heatmap(each, runs).properties(title=title))
    rows = [alt.hconcat(*parts[at : at + MAPS_IN_A_ROW], spacing=40) for at in range(0, len(parts), MAPS_IN_A_ROW)]
    return alt.vconcat(*rows, spacing=40)


def overview_figure(groups: Sequence[RunGroup], runs: Sequence[Run]) -> tuple[alt.HConcatChart, list[str]] | None:
    """Return the README's picture, BLEU by source length and an attention map, and the names at its right edge."""
    group = next((each for each in groups if any(map(each.bins, each.runs))), None)
    if group is None:
        return None
    panel = _lengths(group, style.colours(runs))
    across = style.drawable(str(panel.across))
    title = alt.Title("Translation quality by sentence length", subtitle=[str(panel.title), f"→ {across}"], fontSize=18)
    parts: list[Any] = [panel.chart.properties(width=560, height=340, title=title)]
    if found := next(iter(attention_maps(group)), []):
        best = sharpest(found, group)
        source, target = (LANGUAGES.get(code, code) for code in group.languages)
        said = style.drawable(f"{best.run.title}'s attention, {source} across, {target} down")
        title = alt.Title("What is read as each word is written", subtitle=said, fontSize=18)
        parts.append(run_heatmap(best, runs, cell=34).properties(title=title))
        return alt.hconcat(*parts, spacing=30 + 6 * max(map(len, panel.names))), []
    return alt.hconcat(*parts), list(panel.names)


def _lengths(group: RunGroup, colours: dict[str, tuple[str, str]]) -> Panel:
    bins = max(map(group.bins, group.runs), key=len)
    rows: list[dict[str, Any]] = []
    for run in group.runs:
        colour, shape = colours[run.name]
        for place, each in enumerate(group.bins(run)):
            if each["bleu"] is not None and math.isfinite(each["bleu"]):
                said = f"{run.title}, {each['words']} words: BLEU {each['bleu']:.1f} of {each['sentences']:,} sentences"
                few = each["sentences"] < FEW_SENTENCES
                rows.append({"x": place, "y": each["bleu"], "run": run.title, "colour": colour, "shape": shape,
                             "said": said, "few": few})  # fmt: skip
    places = {float(place): [str(each["words"]).replace("-", "–"), f"{each['sentences']:,}"]
              for place, each in enumerate(bins)}  # fmt: skip
    if places:
        places[0.0][1] = f"n = {places[0.0][1]}"
    x, y = Extent(-0.25, len(bins) - 0.9), Extent(0, _ceiling([row["y"] for row in rows]))
    hollow = [row for row in rows if row["few"]]
    ends = [End(title, last["x"], last["y"], last["colour"]) for title, last in _last(rows).items()]
    layers = [
        layer(rows).mark_line(strokeWidth=2).encode(color=BY_ROW, detail="run:N"),
        marks([row for row in rows if not row["few"]]),
        marks(hollow).mark_point(filled=False, fill=style.PAPER, size=70, opacity=1),
        *names_at_end(ends, x, y, TALL),
    ]
    across = Message("source length, words")
    if hollow:
        across = Message("{across} (hollow: fewer than {n} sentences)", across=across, n=FEW_SENTENCES)
    title = Message("BLEU on {sentences}, {search}", sentences=group.title, search=search_words(group.search))
    axis = labelled(places)  # type: ignore[arg-type]
    chart = layered(layers, x_of(x, **axis, labelColor=style.INK, labelOverlap=False), y_of(y), TALL)
    return Panel("length", title, across, None, chart, [end.name for end in ends])


def _curves(runs: Sequence[Run], measure: str, over: str) -> Panel:
    rows: list[dict[str, Any]] = []
    for run in runs:
        colour, shape = style.colours(runs)[run.name]
        for at, value in run.curve(measure, over):
            said = f"{run.title}, {at:,.0f} {over}: {value:.1f}"
            rows.append({"x": at, "y": value, "run": run.title, "colour": colour, "shape": shape, "said": said})
    values = [row["y"] for row in rows]
    x = Extent(0, 1.02 * max(row["x"] for row in rows))
    axis: dict[str, Any] = {}
    if measure == "perplexity":
        y = Extent(1, max(2.0, 1.15 * max(values)), log=True)  # 1 is the least a perplexity can be
        axis = {"values": [value for value in PERPLEXITIES if value <= y.high], "format": ","}
    else:
        y = Extent(0, _ceiling(values))
    ends = [End(title, last["x"], last["y"], last["colour"]) for title, last in _last(rows).items()]
    layers = [layer(rows).mark_line(strokeWidth=1.6).encode(color=BY_ROW, detail="run:N"), marks(rows, size=25)]
    layers += names_at_end(ends, x, y, LOW)
    across = Message("training steps") if over == "steps" else Message("training seconds")
    name = (
        Message("Validation BLEU, greedy") if measure == "bleu" else Message("Validation perplexity (log scale from 1)")
    )
    chart = layered(layers, x_of(x, format=",.0f", tickMinStep=1), y_of(y, **axis), LOW)
    return Panel("curves", name, across, None, chart, [end.name for end in ends])


def _last(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the last row of each run."""
    return {row["run"]: row for row in rows}


def _ceiling(values: Sequence[float]) -> float:
    """Return the top of an axis of BLEU: the best value and some air, never more than 100."""
    return min(100.0, max(1.0, 1.12 * max(values, default=1.0)))

"""Charts by Altair: one specification is the chart of the page, in light and dark and at any width, and the PNG.

The page holds Vega, 0.9 MB, and draws each chart when a reader comes near it; vl-convert draws the PNGs. Measured with
five charts in headless Chromium on a busy machine of two cores: 0.23 s to the first chart, where an empty page takes
0.04 s. The limits were 3 MB and a second; above them matplotlib would have stayed.

Colours are those of `style`. In the page they become the variables of page.css, so that a switch to dark needs no
new chart. Words stand around a chart, in the reader's language; inside are names and numbers.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import vl_convert

from research.report import style
from research.results.message import Message

LETTER, LINE = 6.6, 14  # pixels: about the width of a letter beside a line, and the height of a line of type
FEWEST_LETTERS, MOST_LETTERS = 18, 30  # of a name beside the axes: on a phone, and elsewhere
SCALE = 2.5  # pixels of a PNG for one of the page
SMALL = "containerSize()[0] < 480"  # of a chart on a phone; false in a PNG, which has no container
BY_ROW = alt.Color("colour:N", scale=None, legend=None)

CONFIG: dict[str, Any] = {
    "font": style.FONT,
    "background": "transparent",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "grid": False,
        "gridColor": style.RULE,
        "labelColor": style.SOFT,
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleColor": style.SOFT,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "axisY": {"grid": True, "tickCount": 5},
    "axisX": {"domain": True, "domainColor": style.SOFT, "tickCount": 5, "labelOverlap": "greedy"},
    "legend": {"labelColor": style.SOFT, "labelFontSize": 12, "labelLimit": 420},
    "title": {"color": style.INK, "fontSize": 13, "anchor": "start", "offset": 12, "subtitleColor": style.SOFT},
}


class Panel(NamedTuple):
    """A chart and the words around it.

    Attributes:
        kind: "main", "front", "literature", "curves" or "length".
        title, across, note: what stands above the chart, along its lower edge and below it.
        chart: without a width.
        names: those at the right edge, which need room there.
    """

    kind: str
    title: Message
    across: Message | None
    note: Message | None
    chart: alt.LayerChart
    names: Sequence[str] = ()


class End(NamedTuple):
    """The end of a line, which its name is put beside."""

    name: str
    x: float
    y: float
    colour: str


class Extent(NamedTuple):
    """The span of an axis. log: equal ratios are equally long."""

    low: float
    high: float
    log: bool = False

    @property
    def scale(self) -> alt.Scale:
        """The scale of Vega-Lite."""
        kind = {"type": "log"} if self.log else {"type": "linear", "zero": False}
        return alt.Scale(domain=[self.low, self.high], nice=False, **kind)

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 at the low end to 1 at the high one."""
        low, high, at = (math.log(each) if self.log else each for each in (self.low, self.high, value))
        return (at - low) / ((high - low) or 1.0)

    def value(self, share: float) -> float:
        """Return the value that lies there: the inverse of `share`."""
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)


def around(values: Sequence[float], air: float = 0.1, least: float = 0.0, log: bool = False) -> Extent:
    """Return an extent that holds `values`.

    Args:
        values: what is drawn.
        air: around them, as a share of what they span.
        least: how much the extent spans at least; of no use to a logarithmic one.
        log: whether it is logarithmic.
    """
    low, high = min(values), max(values)
    if log:
        ratio = (high / low) ** air if high > low else 1.1
        return Extent(low / ratio, high * ratio, True)
    more = max(air * (high - low) or 0.05 * abs(high) or 0.5, (least - (high - low)) / 2)
    return Extent(low - more, high + more)


def layer(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Return the start of a layer that shows these rows."""
    return alt.Chart(alt.Data(values=list(rows)))


def x_of(extent: Extent, **axis: Any) -> alt.X:
    """Return the encoding of a number across."""
    return alt.X("x:Q", scale=extent.scale, axis=alt.Axis(**axis), title=None)


def y_of(extent: Extent, **axis: Any) -> alt.Y:
    """Return the encoding of a number upwards."""
    return alt.Y("y:Q", scale=extent.scale, axis=alt.Axis(**axis), title=None)


def labelled(places: Mapping[float, str | list[str]]) -> dict[str, Any]:
    """Return the options of an axis that has a label at each of these places."""
    values, labels = (json.dumps(list(each), ensure_ascii=False) for each in (places, places.values()))
    return {"values": list(places), "labelExpr": f"{labels}[indexof({values}, datum.value)]"}


def layered(layers: Sequence[alt.Chart], x: alt.X, y: alt.Y, height: float) -> alt.LayerChart:
    """Return layers whose rows have x and y, on these axes."""
    return alt.layer(*layers).encode(x=x, y=y).properties(height=round(height))


def marks(rows: Sequence[Mapping[str, Any]], size: int = 75, **options: Any) -> alt.Chart:
    """Return large marks, filled, at x and y, in the `colour` and the `shape` of each row, that tell what is `said`."""
    mark = layer(rows).mark_point(filled=True, size=size, stroke=style.PAPER, strokeWidth=1, opacity=1, **options)
    return mark.encode(color=BY_ROW, shape=alt.Shape("shape:N", scale=None, legend=None), tooltip="said:N")


def rings(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Return small rings at x and y: single runs."""
    ring = layer(rows).mark_point(filled=False, fill=style.PAPER, size=20, strokeWidth=1.2, opacity=1)
    return ring.encode(stroke=alt.Stroke("colour:N", scale=None, legend=None), tooltip="said:N")


def names_at_end(ends: Sequence[End], x: Extent, y: Extent, height: float) -> list[alt.Chart]:
    """Write each name at the right edge, level with the end of its line or as near as the other names allow."""
    if not ends:
        return []
    placed = style.spread([y.share(end.y) for end in ends], LINE / height, 0.0, 1.0)
    leaders, names = [], []
    for end, share in zip(ends, placed, strict=True):
        to = {"x": x.high, "y": y.value(share), "name": style.drawable(end.name), "colour": end.colour}
        leaders += [{"x": end.x, "y": end.y, "name": end.name, "colour": end.colour}, to]
        names.append(to)
    few, most = (round(1.12 * LETTER * letters) for letters in (FEWEST_LETTERS, MOST_LETTERS))
    limit = alt.ExprRef(f"{SMALL} ? {few} : {most}")
    return [
        layer(leaders).mark_line(strokeDash=[1, 3], strokeWidth=1).encode(color=BY_ROW, detail="name:N"),
        layer(names)
        .mark_text(align="left", dx=6, fontWeight="bold", fontSize=12, limit=limit)
        .encode(color=BY_ROW, text="name:N"),
    ]


def heatmap(
    source: Sequence[str],
    target: Sequence[str],
    weights: Sequence[Sequence[float]],
    colour: str,
    cell: int = 26,
) -> alt.Chart:
    """Return an attention map.

    Args:
        source: tokens, across.
        target: tokens, downwards.
        weights: a row for each target token, from 0 to 1.
        colour: of a weight of 1.
        cell: pixels of a side of a cell.
    """
    across, down = ([style.drawable(token) for token in side] for side in (source, target))
    rows = [
        {"s": s, "t": t, "weight": round(w, 4), "said": f"{target[t]} ← {source[s]}  {w:.2f}"}
        for t, row in enumerate(weights)
        for s, w in enumerate(row)
    ]

    def side(names: Sequence[str], **options: Any) -> alt.Axis:
        expression = f"{json.dumps(names, ensure_ascii=False)}[datum.value]"
        font = style.FONT if "".join(names).isascii() else style.HANGUL_FONT
        options |= {"labelColor": style.INK, "labelFont": font, "labelOverlap": False, "domain": False, "grid": False}
        return alt.Axis(labelExpr=expression, **options)

    return (
        layer(rows)
        .mark_rect(color=colour, stroke=style.RULE, strokeWidth=1)
        .encode(
            x=alt.X("s:O", title=None, axis=side(across, orient="top", labelAngle=-50, labelAlign="left")),
            y=alt.Y("t:O", title=None, axis=side(down)),
            fillOpacity=alt.FillOpacity("weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None),
            tooltip="said:N",
        )
        .properties(width=cell * len(source), height=cell * len(target))
    )


def for_page(chart: alt.TopLevelMixin, colours: Mapping[str, str], names: Sequence[str] = ()) -> dict[str, Any]:
    """Return the specification that page.js draws.

    Args:
        chart: a panel's, or an attention map.
        colours: what a colour of `style` is called on the page, such as var(--ink).
        names: those at the right edge.
    """
    spec = _spec(chart)
    if "width" not in spec:
        spec |= {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}, "padding": _padding(names)}
    text = json.dumps(spec, ensure_ascii=False)
    for colour, name in colours.items():
        text = text.replace(json.dumps(colour), json.dumps(name))
    found: dict[str, Any] = json.loads(text)
    return found


def png(chart: alt.TopLevelMixin, names: Sequence[str] = ()) -> bytes:
    """Return the chart as PNG on white, the same bytes for the same chart."""
    margin = {"left": 14, "top": 14, "bottom": 14, "right": 20 + _room(names, MOST_LETTERS)}
    spec = _spec(chart) | {"config": CONFIG | {"background": style.PAPER}, "padding": margin}
    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


def below_each_other(panels: Sequence[Panel], width: int, title: str = "") -> alt.VConcatChart:
    """Return panels with their English words as one chart, for a PNG."""
    parts = []
    for panel in panels:
        across: dict[str, Any] = {"subtitle": f"→ {style.drawable(str(panel.across))}"} if panel.across else {}
        heading = alt.Title(style.drawable(str(panel.title)), **across)
        parts.append(panel.chart.properties(width=width, title=heading))
    whole = alt.vconcat(*parts, spacing=30).resolve_scale(shape="independent")
    if title:
        whole = whole.properties(title=alt.Title(_folded(style.drawable(title), width // 8), fontSize=15, offset=18))
    return whole


def _folded(text: str, letters: int) -> list[str]:
    """Break a title into lines of at most so many letters."""
    lines = [""]
    for word in text.split():
        lines = (
            [*lines, word] if len(lines[-1]) + len(word) >= letters else [*lines[:-1], f"{lines[-1]} {word}".strip()]
        )
    return lines


def _spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return the chart as Vega-Lite, without what Altair puts into every chart."""
    spec: dict[str, Any] = chart.to_dict()
    return {name: value for name, value in spec.items() if name not in ("$schema", "config")}


def _room(names: Sequence[str], letters: int) -> int:
    """Return the pixels that names need at the right edge."""
    longest = max((len(style.drawable(name)) for name in names), default=0)
    return round(8 + 1.12 * LETTER * min(longest, letters)) if longest else 0


def _padding(names: Sequence[str]) -> dict[str, str]:
    few, most = (5 + _room(names, letters) for letters in (FEWEST_LETTERS, MOST_LETTERS))
    return {"expr": f"{{left: 2, top: 6, bottom: 4, right: {SMALL} ? {few} : {most}}}"}

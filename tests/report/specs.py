"""Charts read back from their Vega-Lite specifications."""

import json
import re
from typing import Any

import altair as alt


def layers_of(chart: alt.TopLevelMixin) -> list[dict[str, Any]]:
    """Return the layers of a chart with their rows; a chart without layers is one."""
    spec: dict[str, Any] = chart.to_dict()
    return spec.get("layer") or [spec]


def mark_of(layer: dict[str, Any]) -> dict[str, Any]:
    """Return the type of a layer's mark and its options."""
    mark: dict[str, Any] = layer["mark"]
    return mark


def rows_of(chart: alt.TopLevelMixin, kind: str, **options: Any) -> list[list[dict[str, Any]]]:
    """Return the rows of each layer whose marks are of this kind and have these options."""
    return [
        layer["data"]["values"]
        for layer in layers_of(chart)
        if mark_of(layer)["type"] == kind and all(mark_of(layer).get(name) == value for name, value in options.items())
    ]


def axis_of(chart: alt.TopLevelMixin, channel: str) -> dict[str, Any]:
    """Return the encoding of x or y."""
    found: dict[str, Any] = chart.to_dict()["encoding"][channel]
    return found


def axis_labels(chart: alt.TopLevelMixin, channel: str) -> dict[float, Any]:
    """Return the labels of an axis by their places."""
    axis = axis_of(chart, channel)["axis"]
    labels = json.loads(re.match(r"(\[.*?\])\[(indexof|datum\.value)", axis["labelExpr"], re.S)[1])  # type: ignore[index]
    return dict(zip(axis.get("values", range(len(labels))), labels, strict=True))

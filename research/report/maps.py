"""Attention maps: which sentence all runs can show, how its subwords read, and the map as SVG for the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from research.report.runs import Comparison, Run

WORD_START = "\u2581"  # SentencePiece's mark of a space
CONTROL = {"<s>": "⟨start⟩", "</s>": "⟨end⟩", "<unk>": "⟨unknown⟩", "<pad>": "⟨pad⟩"}
COMFORTABLE_TOKENS = 12  # a side of a map that is read at a glance

CELL, GAP, TURN = 24, 2, 0.82  # SVG units; TURN is sin 55°, how steeply the source tokens stand


@dataclass(frozen=True)
class Map:
    """What `run` read (columns) to write each token (rows); every row of `weights` sums to 1, or to 0.

    layer: whose weights they are, the mean over its heads; "" where there is but one.
    """

    run: Run
    layer: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]


def maps(comparison: Comparison) -> list[list[Map]]:
    """For every sentence that all attentive runs show: their maps of it. The easiest sentence to read comes first."""
    drawn: dict[str, dict[str, Map]] = {}
    for run in comparison.runs:
        for record in comparison.measured(run).get("attention") or []:
            each = _map(run, record)
            drawn.setdefault(sentence(record["source_tokens"]), {}).setdefault(run.name, each)
    if not drawn:
        return []
    # A sentence that only some runs show is not the same picture for all.
    most = max(len(by_run) for by_run in drawn.values())
    shared = [list(by_run.values()) for by_run in drawn.values() if len(by_run) == most]
    return sorted(shared, key=lambda panels: abs(_longest(panels) - COMFORTABLE_TOKENS))


def sharpest(panels: Sequence[Map], comparison: Comparison) -> Map:
    """The map of the run with the least alignment error; the first map where none was measured."""

    def error(panel: Map) -> float:
        measured = (comparison.measured(panel.run).get("alignment") or {}).get("error")
        return math.inf if measured is None else measured  # None: the corpus has no gold alignment

    return min(panels, key=error)


def tokens(pieces: Sequence[str]) -> tuple[str, ...]:
    """Subwords for people: `▁teach` `er` is `teach` `-er`; control tokens in angle brackets."""
    marked = any(piece.startswith(WORD_START) for piece in pieces)
    shown = []
    for piece in pieces:
        bare = piece.replace(WORD_START, "")
        inside = marked and not piece.startswith(WORD_START) and bare[:1].isalnum()
        shown.append(CONTROL.get(piece) or (f"-{bare}" if inside else bare or "␣"))
    return tuple(shown)


def svg(panel: Map, label: str) -> str:
    """An inline SVG whose cells say their weight when pointed at; colours and type are page.css's."""
    left = 12 + max(map(_width, panel.target))
    top = 12 + TURN * max(map(_width, panel.source))
    lean = 0.6 * max(0.0, _width(panel.source[-1]) - CELL) if panel.source else 0.0
    width, height = left + CELL * len(panel.source) + lean, top + CELL * len(panel.target) + GAP
    parts = [f'<svg class="map" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img">']
    parts.append(f"<title>{escape(label)}</title>")
    for column, token in enumerate(panel.source):
        x, y = left + CELL * (column + 0.62), top - 7
        place = f'x="{x:.1f}" y="{y:.1f}" transform="rotate(-55 {x:.1f} {y:.1f})"'
        parts.append(f'<text class="s" data-s="{column}" {place}>{escape(token)}</text>')
    for row, (token, weights) in enumerate(zip(panel.target, panel.weights, strict=True)):
        y = top + CELL * row
        parts.append(
            f'<text class="t" data-t="{row}" x="{left - 8:.1f}" y="{y + 0.66 * CELL:.1f}">{escape(token)}</text>'
        )
        for column, weight in enumerate(weights):
            place = f'x="{left + CELL * column:.1f}" y="{y:.1f}" width="{CELL - GAP}" height="{CELL - GAP}" rx="3"'
            said = escape(f"{token} ← {panel.source[column]}  {weight:.2f}")
            parts.append(f'<rect class="bed" {place}/>')
            parts.append(f'<rect class="cell" data-s="{column}" data-t="{row}" {place} fill-opacity="{weight:.3f}">')
            parts.append(f"<title>{said}</title></rect>")
    return "".join(parts) + "</svg>"


def _map(run: Run, record: dict[str, Any]) -> Map:
    source, target = tokens(record["source_tokens"]), tokens(record["target_tokens"])
    weights = tuple(tuple(map(float, row)) for row in record["weights"])
    if len(weights) != len(target) or any(len(row) != len(source) for row in weights):
        raise ValueError(
            f"{run.path / 'result.json'} has an attention map whose weights are not {len(target)} target tokens by "
            f"{len(source)} source tokens; evaluate the run again"
        )
    layer = "" if run.architecture in ("luong", "bahdanau") else str(record.get("layer", ""))
    return Map(run, layer.replace("_", " "), source, target, weights)


def sentence(pieces: Sequence[str]) -> str:
    """The sentence below its subwords, so that runs with different vocabularies can show the same one."""
    return "".join(piece for piece in pieces if piece not in CONTROL).replace(WORD_START, " ").strip()


def _longest(panels: Sequence[Map]) -> int:
    return max(max(len(panel.source), len(panel.target)) for panel in panels)


def _width(token: str) -> float:
    """About how wide a token is drawn, in SVG units: Hangul and Han are as wide as they are tall."""
    return sum(13.5 if ord(character) > 0x1100 else 7.6 for character in token)

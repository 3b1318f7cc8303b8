"""The report as one page that needs nothing else: no network, no other file, light and dark, screen and paper.

Jinja2 because it escapes whatever it is given: sentences, names and commands are text to it, never HTML. What is
already HTML is marked so here, and is only what `figures.svg` and `maps.svg` made.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from research.report import figures, maps, numbers, style, table
from research.report.runs import LANGUAGES, Comparison, Run, comparisons
from research.results.run_folder import search_words

WIDE, NARROW = 11.0, 4.5  # inches that a figure is drawn at, for a desk and for a phone


def write_page(runs: Sequence[Run], others: Sequence[Path] = (), out: Path = Path("report")) -> str:
    """The HTML of the report on `runs`; `out` is named in the command that makes it again."""
    compared = comparisons(runs)
    look = {run.name: _look(index, run, runs) for index, run in enumerate(runs)}
    shown: dict[str, Any] = {
        "heading": _heading(runs),
        "summary": _summary(compared),
        "runs": list(look.values()),
        "style": Markup(_read("page.css")),
        "columns": ["run", *(column.title for column in table.columns(runs) if column.key != "name")],
        "rows": _rows(runs, look),
        "notes": table.notes(runs, others),
        "length": _drawn("length", lambda width: figures.length_figure(compared, runs, width), look),
        "curves": _drawn("curves", lambda width: figures.curves_figure(runs, width), look),
        "samples": _samples(compared, look),
        "attention": _attention(compared, look),
        "blind": " and ".join(run.title for run in runs if run.architecture == "none"),
        "costs": [_cost(run, look) for run in runs],
        "provenance": [{"run": look[r.name], "path": str(r.path), "facts": list(_facts(r.provenance))} for r in runs],
        "signatures": table.signatures(runs),
        "commands": [*(command for run in runs for command in run.commands), _report_command(runs, out)],
    }
    shown["sections"] = _sections(shown)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(_read("page.html")).render(shown)


def _read(name: str) -> str:
    return (resources.files("research.report") / name).read_text(encoding="utf-8")


def _look(index: int, run: Run, runs: Sequence[Run]) -> dict[str, str]:
    light, _ = style.colours(runs)[run.name]
    css = f"run{index}"
    return {"css": css, "title": run.title, "shape": run.shape, "light": light, "dark": style.DARK[light]}


def _heading(runs: Sequence[Run]) -> str:
    pairs = list(dict.fromkeys(" to ".join(LANGUAGES.get(code, code) for code in run.languages) for run in runs))
    translators = "One translator" if len(runs) == 1 else f"{len(runs)} translators"
    return f"{translators}, {' and '.join(pairs)}"


def _summary(compared: Sequence[Comparison]) -> list[str]:
    """For each set of test sentences: how many, and the best and worst BLEU of the search that all runs share."""
    lines = []
    for comparison in compared:
        scores = {}
        for run in comparison.runs:
            search = (comparison.measured(run).get("searches") or {}).get(comparison.search) or {}
            score = (search.get("bleu") or {}).get("score")
            if score is not None:
                scores[run.title] = score
        sentences = comparison.measured(comparison.runs[0]).get("sentences")
        words = comparison.title + (f", {sentences:,} sentences" if sentences else "")
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        if ranked:
            words += f": BLEU {ranked[0][1]:.1f} for {ranked[0][0]}"
            words += f", {ranked[-1][1]:.1f} for {ranked[-1][0]}" if len(ranked) > 1 else ""
            words += f" ({search_words(comparison.search)})"
        lines.append(f"On {words}.")
    return lines


def _rows(runs: Sequence[Run], look: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    columns = [column for column in table.columns(runs) if column.key != "name"]
    best = table.best_cells(runs)
    found = []
    for row in table.rows(runs):
        cells = []
        for column in columns:
            value = row.values.get(column.key)
            exact = f"{column.title}: {value}" if value is not None else "not measured"
            is_best = (row.run.name, row.split, column.key) in best
            cells.append({"label": column.title, "text": table.text(column, row), "exact": exact, "best": is_best})
        found.append({"run": look[row.run.name], "measured": bool(row.split), "cells": cells})
    return found


def _drawn(name: str, draw: Callable[[float], Figure | None], look: dict[str, dict[str, str]]) -> dict[str, Markup]:
    """A figure twice, for wide and for narrow screens, in the page's colours; {} when there is nothing to draw."""
    names = style.NAMES | {each["light"]: f"var(--{each['css']})" for each in reversed(list(look.values()))}
    found = {}
    for size, width in (("wide", WIDE), ("narrow", NARROW)):
        figure = draw(width)
        if figure is None:
            return {}
        found[size] = Markup(figures.svg(figure, f"{name}-{size}", names))
    return found


def _samples(compared: Sequence[Comparison], look: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    groups = []
    for comparison in compared:
        sentences: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for run in comparison.runs:
            for sample in comparison.measured(run).get("samples") or []:
                words = _marked(sample["hypothesis"], sample["reference"])
                same = sample["hypothesis"].split() == sample["reference"].split()
                each = {"run": look[run.name], "words": words, "same": same}
                sentences.setdefault((sample["source"], sample["reference"]), []).append(each)
        source, target = comparison.languages
        listed = [{"source": s, "reference": r, "hypotheses": each} for (s, r), each in sentences.items()]
        if listed:
            groups.append({"title": comparison.title, "source": source, "target": target, "sentences": listed})
    return groups


def _marked(hypothesis: str, reference: str) -> list[tuple[str, bool]]:
    """Each word, and whether the reference has it, as often as the hypothesis has used it so far."""
    left = Counter(reference.split())
    found = []
    for word in hypothesis.split():
        found.append((word, left[word] > 0))
        left[word] -= 1
    return found


def _attention(compared: Sequence[Comparison], look: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    groups = []
    for comparison in compared:
        sentences = []
        for panels in maps.maps(comparison):
            label = "Attention of {} over: " + " ".join(panels[0].source)
            drawn = [
                {"run": look[p.run.name], "layer": p.layer, "svg": Markup(maps.svg(p, label.format(p.run.title)))}
                for p in panels
            ]
            sentences.append(drawn)
        if sentences:
            groups.append({"title": comparison.title, "sentences": sentences})
    return groups


def _cost(run: Run, look: dict[str, dict[str, str]]) -> dict[str, Any]:
    def said(key: str, show: Callable[[Any], str]) -> str:
        value = run.cost(key)
        return table.NOTHING if value is None else show(value)

    speeds = []
    for split, measured in run.splits.items():
        for search, got in (measured.get("searches") or {}).items():
            if got.get("sentences_per_second") is not None:
                where = f"{split}, " if len(run.splits) > 1 else ""
                on = f", {got['devices']}" if "devices" in got else ""
                speeds.append(f"{got['sentences_per_second']:,.0f} ({where}{search_words(search)}{on})")
    cells = [
        ("parameters", said("parameters", lambda n: f"{n:,}")),
        ("FLOPs a token", said("flops_per_token", lambda n: f"{n / 1e6:,.1f} M")),
        ("training", said("seconds", numbers.duration)),
        ("sentences a second", ", ".join(speeds) or table.NOTHING),
    ]
    return {"run": look[run.name], "cells": cells}


def _facts(value: Any, name: str = "") -> list[tuple[str, str]]:
    """provenance.json as (dotted name, value), without the commands: they have their own section."""
    if isinstance(value, dict):
        kept = {key: below for key, below in value.items() if key != "command"}
        return [fact for key, below in kept.items() for fact in _facts(below, f"{name}.{key}" if name else key)]
    if isinstance(value, list) and any(isinstance(below, dict) for below in value):
        return [fact for number, below in enumerate(value, 1) for fact in _facts(below, f"{name} {number}")]
    if isinstance(value, list):
        return [(name, ", ".join(map(str, value)))]
    return [(name, str(value))]


def _report_command(runs: Sequence[Run], out: Path) -> str:
    return " ".join(["python run.py report", *sorted(str(run.path) for run in runs), f"--out={out}"])


def _sections(shown: dict[str, Any]) -> list[tuple[str, str]]:
    found = [("results", "Results")]
    optional = [("length", "length", "By length"), ("curves", "learning", "Learning curves")]
    optional += [("samples", "translations", "Translations"), ("attention", "attention", "Attention")]
    found += [(anchor, words) for key, anchor, words in optional if shown[key]]
    return [*found, ("costs", "Costs and provenance"), ("again", "Make it again")]

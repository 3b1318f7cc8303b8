"""The sections of the page that show runs: results, charts, translations, attention, costs."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from research.report import run_tables, style
from research.report.charts import for_page
from research.report.drawn import drawn_groups, drawn_runs
from research.report.maps import attention_maps
from research.report.run_charts import FEW_SENTENCES, curve_panels, length_panels, run_heatmap
from research.report.runs import Run, RunGroup, run_groups
from research.report.templates import COLOURS, VARIABLES, figures
from research.report.words import duration
from research.results.message import Message, verbatim
from research.results.run_folder import search_words
from research.results.tables import NOTHING


def run_section(runs: Sequence[Run], others: Sequence[Path], out: Path) -> dict[str, Any]:
    """Return what runs.html shows: the runs, paths that are not runs, and the command that makes the page in `out`."""
    groups, drawn = run_groups(runs), drawn_runs(runs)
    shown_groups, look = drawn_groups(groups, drawn), {run.name: _look(run, drawn) for run in runs}
    commands = [command for run in runs for command in run.commands]
    again = " ".join(["python run.py report", *sorted(str(run.path) for run in runs), f"--out={out}"])
    shown: dict[str, Any] = {
        "summary": [*_summary(groups), *_still_learning(runs)],
        "columns": ["run", *(column.title for column in run_tables.columns(runs) if column.key != "name")],
        "rows": _rows(runs, look),
        "notes": run_tables.notes(runs, others),
        "length": figures(length_panels(shown_groups, drawn), "length"),
        "curves": figures(curve_panels(drawn), "curves"),
        "samples": _samples(shown_groups, look),
        "attention": _attention(shown_groups, drawn, look),
        "blind": " and ".join(run.title for run in drawn if run.architecture == "none"),
        "costs": [_cost(run, look) for run in runs],
        "provenance": [{"run": look[r.name], "path": str(r.path), "facts": list(_facts(r.provenance))} for r in runs],
        "signatures": run_tables.signatures(runs),
        "commands": [*commands, again],
    }
    optional = [
        ("length", "length", Message("By length")),
        ("curves", "learning", Message("Learning curves")),
        ("samples", "translations", Message("Translations")),
        ("attention", "attention", Message("Attention")),
    ]
    shown["sections"] = [
        ("results", Message("Results")),
        *((anchor, words) for key, anchor, words in optional if shown[key]),
        ("costs", Message("Costs and provenance")),
        ("again", Message("Make it again")),
    ]
    return shown


def _look(run: Run, drawn: Sequence[Run]) -> dict[str, str]:
    """Return how the page names a run, with the colour of its lines; a run that is not drawn has none."""
    colour, _ = style.colours(drawn).get(run.name, ("", ""))
    return {"css": COLOURS.get(colour, ""), "title": run.title, "shape": run.shape}


def _summary(groups: Sequence[RunGroup]) -> list[Message]:
    """Return a line for each set of test sentences: how many, and the best and worst BLEU of the common search."""
    lines = []
    for group in groups:
        scores = {run.title: score for run in group.runs if (score := group.bleu(run)) is not None}
        sentences = group.measured(group.runs[0]).get("sentences")
        line = verbatim(group.title)
        if sentences:
            line = Message("{line}, {n} sentences", line=line, n=f"{sentences:,}")
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        if ranked:
            best = Message("BLEU {score} for {run}", score=f"{ranked[0][1]:.1f}", run=ranked[0][0])
            if len(ranked) > 1:
                last = ranked[-1]
                best = Message("{best}, {score} for {run}", best=best, score=f"{last[1]:.1f}", run=last[0])
            line = Message("{line}: {best} ({search})", line=line, best=best, search=search_words(group.search))
        lines.append(Message("On {line}.", line=line))
        lines += _longest(group)
    return lines


def _longest(group: RunGroup) -> list[Message]:
    """Return the best and the worst BLEU on the longest sentences of which there are enough, if two runs have it."""
    enough = {run.title: [each for each in group.bins(run) if each["sentences"] >= FEW_SENTENCES] for run in group.runs}
    found = {title: bins[-1] for title, bins in enough.items() if len(bins) > 1}
    ranked = sorted(found, key=lambda title: -found[title]["bleu"])
    if len(ranked) < 2:
        return []
    best, last = found[ranked[0]], found[ranked[-1]]
    return [
        Message(
            "On sentences of {words} words: BLEU {score} for {run}, {worst} for {last}.",
            words=best["words"],
            score=f"{best['bleu']:.1f}",
            run=ranked[0],
            worst=f"{last['bleu']:.1f}",
            last=ranked[-1],
        )
    ]


def _still_learning(runs: Sequence[Run]) -> list[Message]:
    """Return by how much validation BLEU rose between the last two validations, of the run where it rose most."""
    curves = {run.title: curve[-2:] for run in runs if len(curve := run.curve("bleu", "steps")) > 1}
    if not curves:
        return []
    risen = {title: last - before for title, ((_, before), (_, last)) in curves.items()}
    most = max(risen, key=risen.__getitem__)
    (before, _), (last, _) = curves[most]
    return [
        Message(
            "In the last {steps} steps validation BLEU rose by at most {points}, for {run}.",
            steps=f"{last - before:,.0f}",
            points=f"{risen[most]:.1f}",
            run=most,
        )
    ]


def _rows(runs: Sequence[Run], look: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    columns = [column for column in run_tables.columns(runs) if column.key != "name"]
    best = run_tables.best_cells(runs)
    found = []
    for row in run_tables.rows(runs):
        cells = []
        for column in columns:
            value = row.values.get(column.key)
            exact = f"{column.title}: {value}" if value is not None else "not measured"
            is_best = (row.run.name, row.split, column.key) in best
            cells.append({"label": column.title, "text": run_tables.text(column, row), "exact": exact, "best": is_best})
        found.append({"run": look[row.run.name], "measured": bool(row.split), "cells": cells})
    return found


def _samples(groups: Sequence[RunGroup], look: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    found = []
    for group in groups:
        sentences: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for run in group.runs:
            for sample in group.measured(run).get("samples") or []:
                words = _marked(sample["hypothesis"], sample["reference"])
                same = sample["hypothesis"].split() == sample["reference"].split()
                each = {"run": look[run.name], "words": words, "same": same}
                sentences.setdefault((sample["source"], sample["reference"]), []).append(each)
        source, target = group.languages
        listed = [{"source": s, "reference": r, "hypotheses": each} for (s, r), each in sentences.items()]
        if listed:
            found.append({"title": group.title, "source": source, "target": target, "sentences": listed})
    return found


def _marked(hypothesis: str, reference: str) -> list[tuple[str, bool]]:
    """Return each word, and whether the reference has it as often as the hypothesis has used it so far."""
    left = Counter(reference.split())
    found = []
    for word in hypothesis.split():
        found.append((word, left[word] > 0))
        left[word] -= 1
    return found


def _attention(
    groups: Sequence[RunGroup], runs: Sequence[Run], look: dict[str, dict[str, str]]
) -> list[dict[str, Any]]:
    found = []
    for group in groups:
        sentences = [
            [{"run": look[each.run.name], "layer": each.layer, "sentence": " ".join(each.source),
              "spec": for_page(run_heatmap(each, runs), VARIABLES)} for each in maps]
            for maps in attention_maps(group)
        ]  # fmt: skip
        if sentences:
            found.append({"title": group.title, "sentences": sentences})
    return found


def _cost(run: Run, look: dict[str, dict[str, str]]) -> dict[str, Any]:
    def said(key: str, show: Callable[[Any], str]) -> str:
        value = run.cost(key)
        return NOTHING if value is None else show(value)

    speeds = []
    for split, measured in run.splits.items():
        for search, got in (measured.get("searches") or {}).items():
            if got.get("sentences_per_second") is not None:
                where = f"{split}, " if len(run.splits) > 1 else ""
                on = f", {got['devices']}" if "devices" in got else ""
                speeds.append(f"{got['sentences_per_second']:,.0f} ({where}{search_words(search)}{on})")
    cells = [
        (Message("parameters"), said("parameters", lambda n: f"{n:,}")),
        (Message("FLOPs a token"), said("flops_per_token", lambda n: f"{n / 1e6:,.1f} M")),
        (Message("training"), duration(run.cost("seconds"))),
        (Message("sentences a second"), ", ".join(speeds) or NOTHING),
    ]
    return {"run": look[run.name], "cells": cells}


def _facts(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Return provenance.json as (dotted name, value), without the commands, which have a section of their own."""
    if isinstance(value, dict):
        kept = {key: below for key, below in value.items() if key != "command"}
        return [fact for key, below in kept.items() for fact in _facts(below, f"{name}.{key}" if name else key)]
    if isinstance(value, list) and any(isinstance(below, dict) for below in value):
        return [fact for number, below in enumerate(value, 1) for fact in _facts(below, f"{name} {number}")]
    if isinstance(value, list):
        return [(name, ", ".join(map(str, value)))]
    return [(name, str(value))]

"""Runs that differ in their seed alone, taken together: the mean of each score and its interval."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from os.path import commonprefix
from typing import NamedTuple

import numpy as np

from research.report import run_tables
from research.report.runs import Run
from research.results.counts import Counts
from research.results.counts import read as read_counts
from research.results.identity import NO_EFFECT_ON_RESULTS, identity
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder
from research.results.tables import NOTHING, TextTable, markdown_lines
from research.statistics.contrasts import Scores

FORCED = {"token_accuracy": "token_accuracy", "alignment_error": "aer", "perplexity": "perplexity"}
"""Column of the table -> the name of its measure in `MEASURES`; columns of BLEU are named after their search."""
BLEU = "bleu_beam"
COVERAGE = 0.95  # of an interval
MARK = " †"


class Mean(NamedTuple):
    """The mean of one measure over seeds.

    Attributes:
        mean: the mean.
        margin: half the width of its interval over seeds and sentences; inf for one seed, which says nothing of others,
            and 0 where nothing varies.
        seeds_alone: True where the counts of sentences are not there, as in part of evidence.
    """

    mean: float
    margin: float
    seeds_alone: bool


class Group(NamedTuple):
    """One model on one split under several seeds. parameters: of one run; flops: of training, per target token."""

    name: str
    split: str
    seeds: int
    parameters: int
    flops: float
    measures: dict[str, Mean]


def over_seeds(runs: Sequence[Run]) -> list[Group]:
    """Group runs that differ in their seed alone, in the order of their first runs; only runs that were evaluated."""
    members: dict[tuple[str, str], list[run_tables.Row]] = {}
    for row in run_tables.rows(runs):
        if row.split:
            members.setdefault((_but_for_the_seed(row.run), row.split), []).append(row)
    found = []
    for (_, split), rows in members.items():
        measured = [key for key in _keys(runs) if all(_is_number(row.values.get(key)) for row in rows)]
        counts = _counts(rows)
        measures = {key: _mean(key, rows, counts) for key in measured}
        name = _without_seed(commonprefix([row.run.name for row in rows]))  # noqa: RUF071 - names, not paths
        first = rows[0].run
        found.append(
            Group(
                name or first.name,
                split,
                len(rows),
                first.cost("parameters"),
                first.cost("flops_per_token") or 0.0,
                measures,
            )
        )
    return found


def _keys(runs: Sequence[Run]) -> list[str]:
    """Return the columns that have a mean: of references, and BLEU of every search."""
    return [*FORCED, *(column.key for column in run_tables.columns(runs) if column.key.startswith(BLEU))]


def _counts(rows: Sequence[run_tables.Row]) -> list[Counts]:
    """Return the counts of runs of one model; none of a single run, or if a folder lacks them, as part of evidence."""
    if len(rows) > 1:
        with suppress(OSError, ValueError):
            return [read_counts(RunFolder(row.run.path), row.split) for row in rows]
    return []


def _mean(key: str, rows: Sequence[run_tables.Row], counts: Sequence[Counts]) -> Mean:
    """Return the mean of a column and its interval: the one of `compare` and `ablate`, see `contrasts`.

    The sentences count where there are counts of them; else seeds alone.
    """
    name, search = (FORCED[key], "") if key in FORCED else ("bleu", key.removeprefix("bleu_"))
    values = [float(row.values[key]) for row in rows]  # type: ignore[arg-type]
    scores, seeds_alone = Scores.of_runs({"model": values}), True
    if counts and (of_sums := MEASURES[name].of_sums):
        with suppress(OSError, ValueError):
            runs_RNX = np.stack([each.of(name, search) for each in counts])
            scores, seeds_alone = Scores.of_sentences({"model": runs_RNX}, of_sums, seed=0), False
    found = scores.contrast({"model": 1})
    return Mean(math.fsum(values) / len(values), found.interval(COVERAGE)[1] - found.value, seeds_alone)


def markdown(runs: Sequence[Run]) -> str:
    """Return a table with a row for each group; "" if no model has two seeds."""
    groups = over_seeds(runs)
    if all(group.seeds == 1 for group in groups):
        return ""
    columns = {column.key: column for column in run_tables.columns(runs)}
    shown = [key for key in _keys(runs) if any(key in group.measures for group in groups)]
    heads = ["name", "split", "seeds", "parameters", "MFLOPs a token", *(columns[key].title for key in shown)]
    rows = []
    for group in groups:
        cells = [group.name, group.split, str(group.seeds), f"{group.parameters:,}", f"{group.flops / 1e6:.2f}"]
        rows.append([*cells, *(_shown(columns[key], group.measures.get(key)) for key in shown)])
    read = f"Mean over seeds ± half of its {COVERAGE:.0%} interval over seeds and sentences; identical: nothing varies."
    if any(MARK in cell for row in rows for cell in row):
        read += f"{MARK}: over seeds alone, because the counts of sentences are not there."
    lines = [*markdown_lines(TextTable(heads, rows, left=2)), "", f"{read} FLOPs of training.", ""]
    return "\n".join(lines)


def _shown(column: run_tables.Column, found: Mean | None) -> str:
    if found is None:
        return NOTHING
    mark = MARK if found.seeds_alone else ""
    if not found.margin:
        return f"{column.show(found.mean)} (identical){mark}"
    return column.show(found.mean) + (f" ± {column.show(found.margin)}{mark}" if math.isfinite(found.margin) else "")


def _without_seed(prefix: str) -> str:
    """Return the common part of `luong.10` and `luong.11`, without the dot and the digits that seeds share."""
    return re.sub(r"[._\- (]+\d*$", "", prefix)


def _but_for_the_seed(run: Run) -> str:
    return repr(
        {name: value for name, value in identity(run.config).items() if name not in NO_EFFECT_ON_RESULTS | {"seed"}}
    )


def _is_number(value: run_tables.Value) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)

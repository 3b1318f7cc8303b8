"""Runs that differ in their seed alone, taken together: what a model scores, and how far that is from sure."""

import math
import re
from collections.abc import Sequence
from os.path import commonprefix
from typing import NamedTuple

from research.report import run_tables
from research.report.runs import Run
from research.results.identity import NO_EFFECT_ON_RESULTS, identity
from research.results.tables import NOTHING, TextTable, markdown_lines
from research.statistics.contrasts import Scores

COLUMNS = ("token_accuracy", "alignment_error", "perplexity", "bleu_beam1")
COVERAGE = 0.95  # of an interval


class Mean(NamedTuple):
    """The mean of one measure over seeds.

    Attributes:
        mean: the mean.
        margin: half the width of its interval; inf for one seed, which says nothing of others, and 0 where all seeds
            score the same.
    """

    mean: float
    margin: float


class Group(NamedTuple):
    """One model on one split, under several seeds. parameters, flops: of one run; flops a target token, in training."""

    name: str
    split: str
    seeds: int
    parameters: int
    flops: float
    measures: dict[str, Mean]


def over_seeds(runs: Sequence[Run]) -> list[Group]:
    """Groups in the order of their first runs; runs that were not evaluated are left out."""
    members: dict[tuple[str, str], list[run_tables.Row]] = {}
    for row in run_tables.rows(runs):
        if row.split:
            members.setdefault((_but_for_the_seed(row.run), row.split), []).append(row)
    found = []
    for (_, split), rows in members.items():
        numbers = {key: [row.values[key] for row in rows if _is_number(row.values.get(key))] for key in COLUMNS}
        measures = {key: mean(values) for key, values in numbers.items() if len(values) == len(rows)}  # type: ignore
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


def mean(values: Sequence[float]) -> Mean:
    """Return the mean and its interval over seeds, as `contrasts` has it: t_{0.975, n-1} s / √n."""
    found = Scores.of_runs({"model": values}).contrast({"model": 1})
    return Mean(found.value, found.interval(COVERAGE)[1] - found.value)


def markdown(runs: Sequence[Run]) -> str:
    """A table with a row a group; "" where no model has two seeds."""
    groups = over_seeds(runs)
    if all(group.seeds == 1 for group in groups):
        return ""
    columns = {column.key: column for column in run_tables.columns(runs)}
    shown = [key for key in COLUMNS if any(key in group.measures for group in groups)]
    heads = ["name", "split", "seeds", "parameters", "MFLOPs a token", *(columns[key].title for key in shown)]
    rows = []
    for group in groups:
        cells = [group.name, group.split, str(group.seeds), f"{group.parameters:,}", f"{group.flops / 1e6:.2f}"]
        rows.append([*cells, *(_shown(columns[key], group.measures.get(key)) for key in shown)])
    read = f"Mean over seeds ± half of its {COVERAGE:.0%} interval (Student's t); identical: all seeds score the same."
    lines = [*markdown_lines(TextTable(heads, rows, left=2)), "", f"{read} FLOPs of training.", ""]
    return "\n".join(lines)


def _shown(column: run_tables.Column, found: Mean | None) -> str:
    if found is None:
        return NOTHING
    if not found.margin:
        return f"{column.show(found.mean)} (identical)"
    return column.show(found.mean) + (f" ± {column.show(found.margin)}" if math.isfinite(found.margin) else "")


def _without_seed(prefix: str) -> str:
    """Return the common part of `luong.10` and `luong.11`, without the dot and the digits that seeds share."""
    return re.sub(r"[._\- (]+\d*$", "", prefix)


def _but_for_the_seed(run: Run) -> str:
    return repr(
        {name: value for name, value in identity(run.config).items() if name not in NO_EFFECT_ON_RESULTS | {"seed"}}
    )


def _is_number(value: run_tables.Value) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)

"""The results of runs as a table, one row per run and split, for the terminal, as Markdown and as CSV."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from research.files import CONTROLS
from research.report.drawn import left_out
from research.report.runs import Run, RunGroup, bleu_signature, run_groups, widths
from research.results.message import Message, verbatim
from research.results.tables import (
    NOTHING,
    TableCell,
    TextTable,
    comma_separated,
    escape_markdown,
    markdown_lines,
    terminal_table,
)

Value = str | int | float | None
NOT_EVALUATED = "not evaluated"
SHORT_NAME = 16  # letters; a longer name may be folded where the terminal is narrow
KEY = (
    "Seconds are of training. Lower-cased BLEU, chrF and TER are of the widest search in the row. Perplexity and token",
    "accuracy are per subword: they compare between runs with one vocabulary. Bold: best on the same sentences.",
)


class Column(NamedTuple):
    """A column.

    Attributes:
        key: its name in results.csv.
        narrow: its head in a terminal; "" if a terminal has no room for it.
        best: picks the best of several numbers; None if none is better.
    """

    key: str
    title: str
    narrow: str
    show: Callable[[Any], str]
    best: Callable[[Sequence[float]], float] | None = None


class Row(NamedTuple):
    """One run on one split; `split` is "" for a run that was not evaluated."""

    run: Run
    split: str
    values: dict[str, Value]


def columns(runs: Sequence[Run]) -> list[Column]:
    """Return what is shown: greedy search always, and each wider beam that some run was searched with."""
    beams = sorted({1, *(width for run in runs for split in run.splits.values() for width in widths(split))})
    greedy = Column("bleu_beam1", "BLEU greedy", "BLEU\ngreedy", _points, max)
    wider = [Column(f"bleu_beam{n}", f"BLEU beam {n}", f"BLEU\nbeam {n}", _points, max) for n in beams if n > 1]
    if any(_case_matters(split) for run in runs for split in run.splits.values()):
        wider.append(Column("bleu_lowercased", "BLEU lower-cased", "", _points, max))
    return [
        Column("name", "name", "name", str),
        Column("split", "split", "", str),
        Column("steps", "steps", "steps", _count),
        Column("parameters", "parameters", "para-\nmeters", _size),
        Column("seconds", "train seconds", "train\nsec.", _count),
        Column("token_accuracy", "token accuracy %", "token\nacc. %", _percent, max),
        Column("perplexity", "perplexity", "perpl.", _decimals, min),
        greedy,
        *wider,
        Column("chrf", "chrF", "chrF", _points, max),
        Column("ter", "TER", "TER", _points, min),
        Column("alignment_error", "alignment error %", "align.\nerr. %", _percent, min),
    ]


def rows(runs: Sequence[Run]) -> list[Row]:
    """Return a row per run and split, in the order of the runs; scores other than BLEU are of the widest search."""
    found = []
    for run in runs:
        whole = {"name": run.name} | {key: run.cost(key) for key in ("steps", "parameters", "seconds")}
        for split, measured in run.splits.items():
            values = whole | {"split": split} | {key: measured.get(key) for key in ("token_accuracy", "perplexity")}
            searches = measured.get("searches") or {}
            for width in widths(measured):
                search = searches[f"beam{width}"]
                values[f"bleu_beam{width}"] = _score(search, "bleu")
                values |= {metric: _score(search, metric) for metric in ("bleu_lowercased", "chrf", "ter")}
            values["alignment_error"] = (measured.get("alignment") or {}).get("error")
            found.append(Row(run, split, values))
        if not run.splits:
            found.append(Row(run, "", whole | {"split": NOT_EVALUATED}))
    return found


def text(column: Column, row: Row) -> str:
    """Return the cell as people read it."""
    value = row.values.get(column.key)
    return NOTHING if value is None else column.show(value)


def best_cells(runs: Sequence[Run]) -> set[tuple[str, str, str]]:
    """Return (run, split, column) of each best number among the runs that were measured on the same sentences."""
    found: set[tuple[str, str, str]] = set()
    table = {(row.run.name, row.split): row for row in rows(runs)}
    for comparison in run_groups(runs):
        for column in columns(runs):
            found |= _best(comparison, column, table)
    return found


def notes(runs: Sequence[Run], others: Sequence[Path]) -> list[Message]:
    """Return what a reader of the numbers must know: what is missing, and the command that makes it."""
    said = [f"{run.name} is {NOT_EVALUATED}; to do it: {run.evaluate_command}" for run in runs if not run.splits]
    said += _other_bleu(runs)
    said += [f"{path} is no run folder (it has no config.json) and was left out" for path in others]
    return [*map(verbatim, said), *left_out(runs)]


def _other_bleu(runs: Sequence[Run]) -> list[str]:
    """Return a note for every row whose BLEU has another signature than most, so that it does not compare."""
    by_row = {(run.name, name): bleu_signature(split) for run in runs for name, split in run.splits.items()}
    counted = Counter(filter(None, by_row.values())).most_common()
    return [
        f"BLEU of {run} on {split} is {signature}, and does not compare with the others"
        for (run, split), signature in by_row.items()
        if signature and signature != counted[0][0]
    ]


def signatures(runs: Sequence[Run]) -> list[str]:
    """Return the distinct sacreBLEU signatures of the scores."""
    found: dict[str, None] = {}
    for run in runs:
        for split in run.splits.values():
            for search in (split.get("searches") or {}).values():
                for metric in ("bleu", "chrf", "ter"):
                    signature = (search.get(metric) or {}).get("signature")
                    found |= {f"{metric}: {signature}": None} if signature else {}
    return sorted(found)


def terminal(runs: Sequence[Run], others: Sequence[Path] = ()) -> RenderableType:
    """Return the table for `rich.console.Console.print`, split by split; the best of each column is bold."""
    shown = [column for column in columns(runs) if column.narrow]
    best, found = best_cells(runs), rows(runs)
    heads = {row.split: row.split or NOT_EVALUATED for row in found}
    lines: list[list[TableCell]] = []
    for split in sorted(heads, key=lambda split: not split):  # runs that are not evaluated come last
        lines.append([TableCell(heads[split], "italic")])
        for row in (row for row in found if row.split == split):
            styles = ["bold green" if (row.run.name, row.split, column.key) in best else "" if row.split else "dim"
                      for column in shown]  # fmt: skip
            lines.append([TableCell(text(column, row), each) for column, each in zip(shown, styles, strict=True)])
    short = max(map(len, [*heads.values(), *(run.name for run in runs)])) <= SHORT_NAME
    table = terminal_table(TextTable([column.narrow for column in shown], lines), fold=[] if short else [0], gap=0)
    return Group(table, *(Text.assemble(("note ", "yellow"), str(note)) for note in notes(runs, others)))


def markdown(runs: Sequence[Run], others: Sequence[Path] = ()) -> str:
    """Return results.md: the table, its notes, the signatures and the commands that made each run."""
    shown, best = columns(runs), best_cells(runs)
    cells = [[TableCell(text(column, row), "bold" if (row.run.name, row.split, column.key) in best else "")
              for column in shown] for row in rows(runs)]  # fmt: skip
    lines = [
        "# Results",
        "",
        *markdown_lines(TextTable([column.title for column in shown], cells, left=2)),
        "",
        *KEY,
        "",
    ]
    lines += [f"- {escape_markdown(str(note))}" for note in notes(runs, others)]
    lines += [f"- `{signature}`" for signature in signatures(runs)]
    lines += ["", "## Commands", ""]
    for run in runs:
        lines += [f"### {escape_markdown(run.name)}", "", f"{escape_markdown(run.shape)}.", ""]
        commands = run.commands or [f"# {run.path} records no command"]
        lines += ["```sh", *(command.translate(CONTROLS) for command in commands), "```", ""]
    return "\n".join(lines)


def csv_file(runs: Sequence[Run]) -> str:
    """Return results.csv: the numbers as result.json has them, fractions not percent."""
    keys = [column.key for column in columns(runs)]
    return comma_separated([keys, *([row.values.get(key) for key in keys] for row in rows(runs))])


def _best(comparison: RunGroup, column: Column, table: dict[tuple[str, str], Row]) -> set[tuple[str, str, str]]:
    if column.best is None:
        return set()
    numbers: dict[str, float] = {}
    for run in comparison.runs:
        value = table[run.name, comparison.split].values.get(column.key)
        if isinstance(value, int | float) and math.isfinite(value):
            numbers[run.name] = value
    if len(numbers) < 2:
        return set()
    best = column.best(list(numbers.values()))
    return {(name, comparison.split, column.key) for name, value in numbers.items() if value == best}


def _case_matters(split: dict[str, Any]) -> bool:
    searches = (split.get("searches") or {}).values()
    return any(_score(search, "bleu_lowercased") not in (None, _score(search, "bleu")) for search in searches)


def _score(search: dict[str, Any], metric: str) -> float | None:
    return (search.get(metric) or {}).get("score")


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _size(value: float) -> str:
    """Return parameters, such as 65.00M or 412k."""
    return f"{value / 1e6:,.2f}M" if value >= 1e6 else f"{value / 1e3:,.0f}k"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _points(value: float) -> str:
    return f"{value:.1f}"


def _decimals(value: float) -> str:
    return f"{value:.2f}" if value < 1e4 else f"{value:.1e}"

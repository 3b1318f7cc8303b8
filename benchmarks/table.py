"""The results as tables: for the terminal, and as Markdown for docs/performance.md."""

from typing import Any

from rich.table import Table

Results = dict[str, Any]
Rows = list[list[str]]

NAMES = {"greedy": "Decoding greedily", "train": "Training"}
UNITS = {"train": "target tokens/s"}


def tables(results: Results) -> list[tuple[str, Rows]]:
    """(title, rows with a heading first): training, then each way of decoding."""
    measures = list(next(iter(results["families"].values()))["measures"])
    return [(_title(measure), [_heading(measure), *_rows(results, measure)]) for measure in measures]


def rich_tables(results: Results) -> list[Table]:
    """For a terminal."""
    return [_rich(title, rows) for title, rows in tables(results)]


def markdown(results: Results) -> str:
    """For a document: what was run, then the tables."""
    parts = [caption(results)]
    for title, (heading, *rows) in tables(results):
        rule = [":--", *["--:"] * (len(heading) - 1)]
        parts.append(f"**{title}**\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *rows)))
    return "\n\n".join(parts) + "\n"


def caption(results: Results) -> str:
    """Under which conditions the numbers were taken, in one line."""
    load = results["workload"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (
        f"{results['machine']}, {results['threads']} threads; {versions}. {load['origin']}: {load['batches']} batches "
        f"of at most {load['batch_tokens']:,} positions a side ({load['fill']:.0%} words), "
        f"vocabulary {load['vocabulary']:,}; {load['sentences']:,} sentences translated. "
        f"{results['rounds']} rounds in turn; ratio: the median (the least)."
    )


def _title(measure: str) -> str:
    name = NAMES.get(measure) or f"Decoding with beam {measure.removeprefix('beam')}"
    return f"{name}, {UNITS.get(measure, 'sentences/s')}"


def _heading(measure: str) -> list[str]:
    shares = ["share of matmul rate, ours", "PyTorch"] if measure == "train" else []
    return ["family", "ours", "PyTorch", "ratio", *shares]


def _rows(results: Results, measure: str) -> Rows:
    rows = []
    for family in results["families"].values():
        found = family["measures"][measure]
        row = [family["title"], f"{found['ours']:,.0f}", f"{found['theirs']:,.0f}"]
        row.append(f"{found['ratio']:.2f} ({found['least_ratio']:.2f})")
        if measure == "train":
            row += [f"{family['matmul_share'][side]:.0%}" for side in ("ours", "theirs")]
        rows.append(row)
    return rows


def _rich(title: str, rows: Rows) -> Table:
    table = Table(title=title, title_justify="left")
    for i, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if i else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table

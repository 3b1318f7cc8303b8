"""The results as tables: for the terminal, and as Markdown for docs/performance.md."""

from typing import Any

from rich.table import Table

Results = dict[str, Any]
Rows = list[list[str]]

NAMES = {"greedy": "Decoding greedily", "train": "Training"}
UNITS = {"train": "target tokens/s"}


def tables(results: Results) -> list[tuple[str, Rows]]:
    """Return (title, rows, the heading first) for each part measured: training, each search, BLEU over time."""
    families = list(results.get("families", {}).values())
    measures = list(families[0]["measures"]) if families else []
    found = [(_title(measure), [_heading(measure), *_rows(families, measure)]) for measure in measures]
    if "bleu" in results:
        rows = [[f"{each['minutes']:g}", f"{each['step']:,}", f"{each['bleu']:.1f}"] for each in results["bleu"]]
        found.append(("Transformer-Tiny's BLEU over time", [["minutes of training", "steps", "BLEU"], *rows]))
    return found


def rich_tables(results: Results) -> list[Table]:
    """Return the tables for a terminal."""
    return [_rich(title, rows) for title, rows in tables(results)]


def markdown(results: Results) -> str:
    """Return the tables as Markdown, below what was run."""
    parts = [caption(results)]
    for title, (heading, *rows) in tables(results):
        rule = [":--", *["--:"] * (len(heading) - 1)]
        parts.append(f"**{title}**\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *rows)))
    return "\n\n".join(parts) + "\n"


def caption(results: Results) -> str:
    """Return the conditions of the measurement in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    words = f"{results['machine']}, {results['threads']} threads; {versions}."
    if load := results.get("workload"):
        words += (
            f" {load['origin']}: {load['batches']} batches of at most {load['batch_tokens']:,} positions a side "
            f"({load['fill']:.0%} words), vocabulary {load['vocabulary']:,}; {load['sentences']:,} sentences "
            f"translated. {results['rounds']} rounds in turn; ratio: the median (the least)."
        )
    return words


def _title(measure: str) -> str:
    name = NAMES.get(measure) or f"Decoding with beam {measure.removeprefix('beam')}"
    return f"{name}, {UNITS.get(measure, 'sentences/s')}"


def _heading(measure: str) -> list[str]:
    shares = ["share of matmul rate, ours", "PyTorch"] if measure == "train" else []
    return ["family", "ours", "PyTorch", "ratio", *shares]


def _rows(families: list[dict[str, Any]], measure: str) -> Rows:
    rows = []
    for family in families:
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

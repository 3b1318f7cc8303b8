"""Tables of text, written as Markdown, as CSV and for the terminal. Each format has one escaper."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.box import Box
from rich.table import Table
from rich.text import Text

from research.files import CONTROLS

NOTHING = "–"
"""Stands in a cell that has no value."""

# One space between columns where rich has three: twelve columns then fit in 80 characters.
HEAD_RULE = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
IN_MARKDOWN = CONTROLS | str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;"})
IN_TERMINAL = {code: space for code, space in CONTROLS.items() if chr(code) != "\n"}
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TableCell(NamedTuple):
    """A cell that is more than its text.

    Attributes:
        text: may have several lines.
        style: a style of rich, such as "bold green"; what is bold there is bold in Markdown too.
        link: the address that the cell leads to in Markdown.
    """

    text: str
    style: str = ""
    link: str = ""


class TextTable(NamedTuple):
    """A table of text.

    Attributes:
        heads: one for each column.
        rows: as many cells each as there are heads; in a terminal a row of one cell is a heading between rows.
        left: the number of columns, from the first, that are aligned to the left.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str | TableCell]]
    left: int = 1


def markdown_lines(sheet: TextTable) -> list[str]:
    """Return the lines of a Markdown table."""
    rule = ["---" if place < sheet.left else "---:" for place in range(len(sheet.heads))]
    return [
        _line(map(escape_markdown, sheet.heads)),
        f"|{'|'.join(rule)}|",
        *(_line(map(_in_markdown, r)) for r in sheet.rows),
    ]


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line and within one cell."""
    return text.translate(IN_MARKDOWN)


def comma_separated(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV: None is empty, numbers are written in full, and no text is a formula to a spreadsheet."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(map(_in_csv, row) for row in rows)
    return out.getvalue()


def terminal_table(sheet: TextTable, *, fold: Sequence[int] = (), gap: int = 1, align: str = "") -> Table:
    """Return the table for `rich.console.Console.print`. Nothing in a cell is read as markup.

    Args:
        sheet: what is shown.
        fold: columns that may be broken into lines if the terminal is narrow.
        gap: spaces after each column, beside the one that is always there.
        align: a letter for each column, "l" or "r"; by default as `sheet.left` says.
    """
    table = Table(box=HEAD_RULE, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))
    sides = align or "l" * sheet.left + "r" * (len(sheet.heads) - sheet.left)
    for place, head in enumerate(sheet.heads):
        side = "left" if sides[place] == "l" else "right"
        table.add_column(Text(head.translate(IN_TERMINAL)), justify=side, no_wrap=place not in fold, overflow="fold")  # type: ignore[arg-type]
    for row in sheet.rows:
        cells = [TableCell(cell) if isinstance(cell, str) else cell for cell in row]
        table.add_row(*(Text(cell.text.translate(IN_TERMINAL), style=cell.style) for cell in cells))
    return table


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_markdown(cell: str | TableCell) -> str:
    cell = TableCell(cell) if isinstance(cell, str) else cell
    text = "<br>".join(map(escape_markdown, cell.text.split("\n")))
    text = f"[{text}]({cell.link})" if cell.link else text
    return f"**{text}**" if "bold" in cell.style else text


def _in_csv(value: object) -> object:
    """Put an apostrophe before text that a spreadsheet would compute (OWASP, "CSV injection")."""
    if isinstance(value, str):
        return f"{chr(39) * value.startswith(STARTS_A_FORMULA)}{value}".translate(CONTROLS)
    return "" if value is None else value

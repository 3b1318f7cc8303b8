"""Tables as Markdown, CSV and for the terminal: numbers as they are, and text that nothing reads as more than text."""

import csv
import io

import pytest
from rich.console import Console

from research.files import CONTROLS
from research.results.tables import (
    TableCell,
    TextTable,
    comma_separated,
    escape_markdown,
    markdown_lines,
    terminal_table,
)

HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "[red]x",
    "a|b",
    "<b>",
    "{0.__class__}",
    "a\\b",
    "$x$",
    "\x1b[2J",
    "\x9b2J\x85\u2028",
)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_a_formula_to_a_spreadsheet(text: str) -> None:
    ((cell,),) = csv.reader(io.StringIO(comma_separated([[text]]), newline=""))
    assert cell == f"'{text}".replace("\r", " ").replace("\t", " ")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_row_of_csv_is_one_line(text: str) -> None:
    assert not CONTROLS.keys() & set(map(ord, comma_separated([[text + "\n"]])[:-1]))


def test_numbers_in_csv_are_whole_and_nothing_is_empty() -> None:
    assert comma_separated([["a", "b", "c"], [-0.1234567890123, 7, None]]) == "a,b,c\n-0.1234567890123,7,\n"


def test_markdown_has_rows_of_one_line_each() -> None:
    sheet = TextTable(
        ["name", "score"], [["a|b", TableCell("1\n2", "bold green")], [TableCell("heads", link="#heads"), "<i>"]]
    )
    assert markdown_lines(sheet) == [
        "| name | score |",
        "|---|---:|",
        "| a\\|b | **1<br>2** |",
        "| [heads](#heads) | &lt;i> |",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_terminal_shows_text_as_it_is(text: str) -> None:
    """Control characters become spaces: a terminal would obey them."""
    console = Console(width=80, record=True, file=io.StringIO(), color_system=None)
    console.print(terminal_table(TextTable([text, "n"], [[text, "1"]])))
    shown = console.export_text()
    assert not CONTROLS.keys() & set(map(ord, shown)) - {ord("\n")}
    assert shown.count(text.strip("\t\r\x1b\x9b\x85\u2028")) == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_of_markdown_stays_one_cell(text: str) -> None:
    escaped = escape_markdown(text + "\n#")
    assert not CONTROLS.keys() & set(map(ord, escaped))
    assert "<" not in escaped
    assert escaped.replace("\\\\", "").count("|") == escaped.replace("\\\\", "").count("\\|")

"""The table's cells against the numbers in result.json, in all three of its forms."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from research.report import terminal_table
from research.report.run_tables import columns, csv_file, markdown, rows, signatures
from research.report.runs import Run, read_runs

Fabricate = Callable[..., Path]
ALL = ("none", "luong", "bahdanau", "transformer")


def read(*paths: Path) -> list[Run]:
    return read_runs(paths)[0]


def csv_rows(runs: list[Run]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_file(runs))))


def markdown_rows(runs: list[Run]) -> list[list[str]]:
    """The cells of the first table, without the marks of bold."""
    lines = [line for line in markdown(runs).splitlines() if line.startswith("| ")]
    return [[cell.strip().strip("*") for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_csv_has_the_numbers_of_result_json(fabricate: Fabricate) -> None:
    runs = read(*map(fabricate, ALL))
    for run, row in zip(runs, csv_rows(runs), strict=True):
        test = run.result["splits"]["test"]
        assert row["name"] == run.result["name"]
        assert row["split"] == "test"
        assert int(row["steps"]) == run.result["steps"]
        assert int(row["parameters"]) == run.result["parameters"]
        assert float(row["seconds"]) == run.result["seconds"]
        assert float(row["token_accuracy"]) == test["token_accuracy"]
        assert float(row["perplexity"]) == test["perplexity"]
        assert float(row["bleu_beam1"]) == test["searches"]["beam1"]["bleu"]["score"]
        assert float(row["bleu_beam5"]) == test["searches"]["beam5"]["bleu"]["score"]
        assert float(row["chrf"]) == test["searches"]["beam5"]["chrf"]["score"]
        assert float(row["ter"]) == test["searches"]["beam5"]["ter"]["score"]
        assert row["alignment_error"] == ("" if run.name == "none" else str(test["alignment"]["error"]))


def test_markdown_says_what_csv_says(fabricate: Fabricate) -> None:
    runs = read(*map(fabricate, ALL), fabricate("later", evaluated=False))
    for cells, row in zip(markdown_rows(runs), csv_rows(runs), strict=True):
        for column, cell in zip(columns(runs), cells, strict=True):
            value = row[column.key]
            if column.key in ("name", "split"):
                assert cell == value
            else:
                assert cell == (column.show(float(value)) if value else "–")


def test_numbers_as_people_read_them(fabricate: Fabricate) -> None:
    (row,) = markdown_rows(read(fabricate("luong")))
    assert " ".join(row) == "luong test 2,000 1.90M 147 75.3 3.79 63.0 64.4 71.6 29.1 24.0"


def test_lower_cased_bleu_stands_beside_where_case_matters(fabricate: Fabricate, split: Callable[..., Any]) -> None:
    cased = split("luong")
    cased["searches"]["beam5"]["bleu_lowercased"]["score"] += 1.5
    runs = read(fabricate("luong", splits={"test": cased}))
    (row,) = markdown_rows(runs)
    assert " ".join(row) == "luong test 2,000 1.90M 147 75.3 3.79 63.0 64.4 65.9 71.6 29.1 24.0"
    assert "65.9" not in printed(terminal_table([runs[0].path]), 80)


def test_the_best_of_a_column_is_bold_and_lower_is_better_for_errors(fabricate: Fabricate) -> None:
    text = markdown(read(*map(fabricate, ALL)))
    assert [line.count("**") // 2 for line in text.splitlines() if " test " in line and line[0] == "|"] == [0, 0, 0, 7]
    assert "**" not in markdown(read(Path(fabricate("luong", folder="alone"))))


def test_runs_on_other_sentences_do_not_compete(fabricate: Fabricate) -> None:
    text = markdown(read(fabricate("luong"), fabricate("transformer", languages=("en", "de"))))
    assert "**" not in text


def test_not_evaluated_is_listed_with_the_command(fabricate: Fabricate) -> None:
    path = fabricate("luong", evaluated=False)
    runs = read(path)
    assert [row.values["split"] for row in rows(runs)] == ["not evaluated"]
    command = f"python run.py evaluate --workdir={path} --split=test"
    assert command in markdown(runs)
    assert command in printed(terminal_table([path]), 500)


@pytest.mark.parametrize(
    "partial",
    [{}, {"searches": {}}, {"searches": {"beam5": {"bleu": {"score": 7.0}}}}, {"perplexity": 3.0, "alignment": None}],
)
def test_partial_results_have_dashes(fabricate: Fabricate, partial: dict) -> None:
    runs = read(fabricate("luong", splits={"test": partial}))
    (cells,) = markdown_rows(runs)
    assert cells[:3] == ["luong", "test", "2,000"]
    assert "–" in cells
    assert printed(terminal_table([runs[0].path]), 100)


def test_the_terminal_table_fits_80_columns(fabricate: Fabricate) -> None:
    text = printed(terminal_table([*map(fabricate, ALL), fabricate("later", evaluated=False)]), 80)
    for expected in ("transformer", "69.4", "1.95M", "24.0", "note later is not evaluated"):
        assert expected in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_names_are_text_in_the_terminal_and_in_markdown(fabricate: Fabricate) -> None:
    path = fabricate("odd", folder="[red]a|b<i>")
    assert "[red]a|b<i>" in printed(terminal_table([path]), 200)
    assert "| [red]a\\|b&lt;i> | test |" in markdown(read(path))


def test_markdown_has_commands_and_signatures(fabricate: Fabricate) -> None:
    runs = read(fabricate("luong"))
    text = markdown(runs)
    assert "python run.py train --config=configs/embedded.py:luong --workdir=runs/luong\n" in text
    assert "python run.py evaluate --workdir=runs/luong --split=test\n" in text
    assert len(signatures(runs)) == 3
    assert all(signature in text for signature in signatures(runs))


def test_a_command_cannot_end_its_block(fabricate: Fabricate) -> None:
    command = "python run.py train --workdir='a\n```\n# heading'"
    lines = markdown(read(fabricate("luong", provenance={"command": command}))).splitlines()
    assert lines.count("```") == 1
    assert "# heading'" not in lines


def printed(table: object, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.export_text()

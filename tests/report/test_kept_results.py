"""The documents' tables of results are those that a report makes of docs/evidence/, from a bare clone."""

from pathlib import Path

import pytest

from research.report import run_tables, seeds
from research.report.runs import read_runs

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ROOT / "docs" / "evidence"
DOCUMENTS = {
    "embedded": "results.md",
    "multi30k": "results.md",
    "sizes": "recipes.md",
    "tutorial": "reproductions.md",
    "calibration/embedded_tiny": "corpus.md",
}
MOST = 26_000  # bytes of the evidence of a run; two splits and 27 validations take the most


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("folder", DOCUMENTS)
def test_every_row_stands_in_the_document(folder):
    runs, others = read_runs((EVIDENCE / folder).iterdir())
    assert not others
    document = (ROOT / "docs" / DOCUMENTS[folder]).read_text("utf-8")
    assert set(rows(run_tables.markdown(runs)) + rows(seeds.markdown(runs))) <= set(rows(document))


def test_a_run_takes_little_room():
    for run in (file.parent for file in EVIDENCE.rglob("config.json")):
        assert sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) <= MOST

"""docs/results.md: its tables are those that a report makes of docs/evidence/, from a bare clone."""

from pathlib import Path

import pytest

from research.report import run_tables, seeds
from research.report.runs import read_runs

ROOT = Path(__file__).resolve().parents[2]
CORPORA = sorted((ROOT / "docs" / "evidence").iterdir())
RESULTS = (ROOT / "docs" / "results.md").read_text("utf-8")
MOST = 26_000  # bytes of the evidence of a run; two splits and 27 validations take the most


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda folder: folder.name)
def test_every_row_stands_in_the_document(corpus):
    runs, others = read_runs(corpus.iterdir())
    assert not others
    assert set(rows(run_tables.markdown(runs)) + rows(seeds.markdown(runs))) <= set(rows(RESULTS))


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda folder: folder.name)
def test_a_run_takes_little_room(corpus):
    for run in corpus.iterdir():
        assert sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) <= MOST

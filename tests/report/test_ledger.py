"""The ledger of answers."""

from pathlib import Path

import msgspec

import experiments
from research.report import ledger
from research.results.answer_files import read_answers
from tests.report.made_up_answers import attention_or_not, write

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_kept_ledger_is_that_of_the_kept_answers():
    """Written by: make documents."""
    folders = [*sorted((DOCS / "withdrawn").iterdir()), *sorted((DOCS / "answers").glob("*/"))]
    files = [file for folder in folders for file in experiments.answers(folder)]
    assert (DOCS / "ledger.md").read_text("utf-8") == ledger.markdown(read_answers(files))


def test_versions_are_in_the_order_of_time_and_the_last_stands(tmp_path):
    (first,) = read_answers([write(tmp_path, attention_or_not())])
    withdrawn = msgspec.structs.replace(first, lock=None, finished="2026-11-01T00:00:00Z", filed_verdict="refuted")
    lock = msgspec.structs.replace(first.lock, sha256="ab" * 32)
    second = msgspec.structs.replace(first, lock=lock, finished="2026-12-01T00:00:00Z", filed_verdict="not trained")
    rows = [
        line.split(" | ") for line in ledger.markdown([second, first, withdrawn]).splitlines() if "embedded" in line
    ]
    assert [(row[2], row[3], row[5], row[6], row[7].rstrip(" |")) for row in rows] == [
        ("1", "2026-11-01", "–", "refuted", "withdrawn: no plan was locked"),
        ("2", "2026-11-24", "5ea15ea1", "supported", "replaced by the next version"),
        ("3", "2026-12-01", "abababab", "not trained", "stands"),
    ]


def test_an_answer_without_a_lock_is_shown_as_exploratory(tmp_path):
    (locked,) = read_answers([write(tmp_path / "a", attention_or_not())])
    (explored,) = read_answers([write(tmp_path / "b", attention_or_not() | {"lock": None})])
    assert (locked.verdict, explored.verdict, explored.filed_verdict) == ("supported", "exploratory", "supported")
    assert {claim.verdict for claim in explored.hypotheses} == {"exploratory"}

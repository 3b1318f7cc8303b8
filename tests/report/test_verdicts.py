"""The numbers of an answer in words and tables."""

from pathlib import Path

import msgspec

import experiments
from research.report.answer_tables import counted, discoveries, others_table
from research.report.page import write_page
from research.report.verdicts import markdown
from research.results.answer_files import read_answers
from research.results.answers import FiledAnswer
from tests.report.made_up_answers import attention_or_not, write

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_kept_verdicts_are_those_of_the_kept_answers() -> None:
    """Written by: make documents."""
    files = [file for folder in sorted((DOCS / "answers").glob("*/")) for file in experiments.answers(folder)]
    assert (DOCS / "verdicts.md").read_text("utf-8") == markdown(read_answers(files))


def test_runs_that_questions_share_are_counted_once(tmp_path: Path) -> None:
    (found,) = read_answers([write(tmp_path, attention_or_not())])
    shared = found.arms[:2]
    seconds = sum(len(arm.runs) * (arm.costs["seconds"] or 0.0) for arm in shared)
    other = msgspec.structs.replace(found, question="bottleneck", arms=shared, seconds=seconds)
    assert "2 questions" in str(counted([found, other]))
    assert str(counted([found, other])).partition(". ")[2] == str(counted([found])).partition(". ")[2]
    assert ". 9 runs, " in str(counted([other, found]))


def test_a_hypothesis_may_have_a_measure_of_its_own(tmp_path: Path) -> None:
    made = attention_or_not()
    made["hypotheses"][1] |= {"measure": "aer", "level": 0.9}
    (found,) = read_answers([write(tmp_path, made)])
    assert [each.measure for each in found.hypotheses] == ["bleu", "aer"]
    text = write_page(answers=[found])
    assert '<span class="en" lang="en">alignment error rate</span><span class="ko" lang="ko">정렬 오류율</span>' in text
    assert "90% interval" in text
    assert "alignment error rate" in map(str, others_table(found).heads)
    assert "26.6 [23.7, 29.2], margin 5" in markdown([found])
    assert "bahdanau is better than none by more than 5 BLEU (alignment error rate)" in markdown([found])


def test_a_measure_of_millions_has_letters(tmp_path: Path) -> None:
    made = attention_or_not()
    for arm, speed in zip(made["arms"], (84_767_207_833, None, 9_500_000), strict=True):
        arm["means"] = {"flops_per_second": speed}
    (found,) = read_answers([write(tmp_path, made)])
    assert [row[1] for row in others_table(found).rows] == ["84.77G", "–", "9.50M"]


def test_claims_are_looked_at_together(tmp_path: Path) -> None:
    """By hand: of p .001, .02, .04 and .9 the third becomes .04 · 4 / 3 > .05."""
    (found,) = read_answers([write(tmp_path, attention_or_not())])
    claim = found.hypotheses[0]

    def said(*chances: float) -> FiledAnswer:
        claims = [
            msgspec.structs.replace(claim, p_supports=p, verdict="supported" if p < 0.05 else "open") for p in chances
        ]
        return msgspec.structs.replace(found, hypotheses=tuple(claims))

    together = str(discoveries([said(0.001, 0.04), said(0.02, 0.9)]))
    assert together.startswith("Of 3 supported claims 2 stay so if all 4 claims here are looked at together")
    assert together in markdown([said(0.001, 0.04, 0.02, 0.9)])
    assert discoveries([said(0.001)]) is None
    assert discoveries([said(0.6, 0.9)]) is None
    assert discoveries([msgspec.structs.replace(said(0.001, 0.002), lock=None)]) is None

"""Answer files: what is read from them, and one sentence for what cannot be."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from research.report import write_answers
from research.report.answers import read_answers
from research.report.question_page import write_page
from research.report.question_table import others_table
from research.report.verdicts import counted, markdown
from tests.report.made_up_answers import Made, attention_or_not, heads, write


def test_an_answer_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = attention_or_not()
    (found,) = read_answers([write(tmp_path, made), tmp_path / "attention_or_not.json"])  # twice is once
    assert (found.question, found.corpus, found.verdict) == ("attention_or_not", "embedded", "supported")
    assert found.claim == (made["words"]["en"]["claim"], made["words"]["ko"]["claim"])
    for arm, written in zip(found.arms, made["arms"], strict=True):
        assert arm.score == written["score"]
        assert arm.interval == tuple(written["interval"])
        assert [(run.seed, run.scores) for run in arm.runs] == [(r["seed"], r["scores"]) for r in written["runs"]]
    assert [(each.a, each.b, each.p_holm) for each in found.comparisons][2] == ("luong", "bahdanau", 0.093)
    assert found.literature[1].values == {"none": 17.82, "bahdanau": 26.75}
    assert found.seeds == "3"


def test_runs_that_questions_share_are_counted_once(tmp_path: Path) -> None:
    (found,) = read_answers([write(tmp_path, attention_or_not())])
    shared = found.arms[:2]
    seconds = sum(len(arm.runs) * (arm.costs["seconds"] or 0.0) for arm in shared)
    other = replace(found, question="bottleneck", arms=shared, seconds=seconds)
    assert "2 questions" in counted([found, other]).en
    assert counted([found, other]).en.partition(". ")[2] == counted([found]).en.partition(". ")[2]
    assert ". 9 runs, " in counted([other, found]).en


def test_seeds_are_a_range_where_arms_differ(tmp_path: Path) -> None:
    (found,) = read_answers([write(tmp_path, heads())])
    assert found.seeds == "0–2"


def test_a_folder_is_all_the_answers_in_it(tmp_path: Path) -> None:
    write(tmp_path, heads())
    write(tmp_path, attention_or_not())
    assert [each.question for each in read_answers([tmp_path])] == ["attention_or_not", "heads"]
    with pytest.raises(ValueError, match="no answer to report"):
        read_answers([tmp_path / "trained"])


def test_a_hypothesis_may_have_a_measure_of_its_own(tmp_path: Path) -> None:
    made = attention_or_not()
    own = {"name": "aer", "better": -1, "unit": "AER", "en": "alignment error rate", "ko": "정렬 오류율"}
    made["hypotheses"][1] |= {"measure": own, "level": 0.9}
    made["measures"] = [made["measure"], own]
    (found,) = read_answers([write(tmp_path, made)])
    assert [each.measure and each.measure.name for each in found.hypotheses] == [None, "aer"]
    text = write_page([found])
    assert '<span class="en" lang="en">alignment error rate</span><span class="ko" lang="ko">정렬 오류율</span>' in text
    assert "90% interval" in text
    assert others_table(found).heads[2].en == "alignment error rate"
    assert "26.6 [23.7, 29.2], margin 5" in markdown([found])
    assert "bahdanau is over 5 BLEU better (alignment error rate)" in markdown([found])


def test_a_measure_of_millions_has_letters(tmp_path: Path) -> None:
    made = attention_or_not()
    for arm, speed in zip(made["arms"], (84_767_207_833, None, 9_500_000), strict=True):
        arm["means"] = {"flops_per_second": speed}
    (found,) = read_answers([write(tmp_path, made)])
    assert [row[1] for row in others_table(found).rows] == ["84.77G", "–", "9.50M"]


def test_what_is_not_finite_is_no_number(tmp_path: Path) -> None:
    made = heads()
    made["arms"][0] |= {"score": float("nan"), "interval": [float("-inf"), 3.0]}
    (found,) = read_answers([write(tmp_path, made)])
    assert (found.arms[0].score, found.arms[0].interval) == (None, None)


def lost(name: str) -> Callable[[Made], object]:
    return lambda made: made.pop(name)


def put(*path: Any) -> Callable[[Made], object]:
    """`put("arms", 1, "score", "high")`: the last is the value."""
    *names, last, value = path

    def change(made: Any) -> None:
        for name in names:
            made = made[name]
        made[last] = value

    return change


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lost("verdict"), "verdict is missing"),
        (lost("arms"), "arms is missing"),
        (put("verdict", "proved"), "verdict is 'proved', which is none of: supported, refuted"),
        (put("arms", 1, "score", "high"), r'arms\[1\].score should be int or float or null and is "high"'),
        (put("arms", 1, "interval", [1, 2, 3]), r"arms\[1\].interval should be two numbers"),
        (put("arms", 1, "interval", ["a", "b"]), r"arms\[1\].interval should be two numbers"),
        (put("arms", 2, "runs", 0, "seed", None), r"arms\[2\].runs\[0\].seed should be int and is null"),
        (put("arms", 2, []), r"arms\[2\] is a list, not an object"),
        (put("words", "en", {}), "words.en.question is missing"),
        (put("comparisons", 0, "a", "lu"), "arms has no arm 'lu'"),
        (put("arms", 0, "name", "luong"), "arms has two arms of one name"),
        (put("curves", [{"arm": "none", "seed": 0, "name": "aer", "points": [1]}]), "pairs of a step and a value"),
    ],
)
def test_an_incomplete_answer_is_one_sentence(tmp_path: Path, damage: Callable, sentence: str) -> None:
    file = write(tmp_path, attention_or_not())
    made = json.loads(file.read_text("utf-8"))
    damage(made)
    file.write_text(json.dumps(made), "utf-8")
    with pytest.raises(ValueError, match=sentence) as error:
        write_answers([file], tmp_path / "report")
    assert str(error.value).startswith(f"{file} is no answer: ")
    assert str(error.value).endswith("; to write it again: python run.py ablate attention_or_not")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("text", ['{"question": "he', "[1, 2]", '"words"'])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "heads.json").write_text(text)
    with pytest.raises(ValueError, match=r"heads\.json is (damaged|no answer).*python run.py ablate heads"):
        read_answers([tmp_path / "heads.json"])


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no answer .*heads\.json; `python run.py ablate heads`"):
        read_answers([tmp_path / "heads.json"])
    with pytest.raises(ValueError, match="no answer to report"):
        read_answers([])


def test_two_answers_to_one_question_on_one_corpus_are_refused(tmp_path: Path) -> None:
    files = [write(tmp_path / folder, heads()) for folder in "ab"]
    with pytest.raises(ValueError, match="both answer heads on embedded; give one of them"):
        read_answers(files)

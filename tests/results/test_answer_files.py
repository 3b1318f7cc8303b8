"""Answer files: what is written is read again, and one sentence for what cannot be."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from research.report import write_report
from research.results.answer_files import read_answer, read_answers, write_answer
from research.results.answers import Answer
from research.results.message import Message
from tests.report.made_up_answers import Made, attention_or_not, heads, message, recurrent_depth, write


def test_an_answer_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = attention_or_not()
    (found,) = read_answers([write(tmp_path, made), tmp_path / "attention_or_not.json"])  # twice is once
    assert (found.question, found.corpus, found.verdict) == ("attention_or_not", "embedded", "supported")
    assert found.claim == Message(made["claim"]["text"])
    assert str(found.hypotheses[0].statement) == "luong is better than none by more than 5 BLEU"
    for arm, written in zip(found.arms, made["arms"], strict=True):
        assert arm.score == written["score"]
        assert arm.interval == tuple(written["interval"])
        assert [(run.seed, run.scores) for run in arm.runs] == [(r["seed"], r["scores"]) for r in written["runs"]]
    assert [(each.a, each.b, each.p_holm) for each in found.comparisons][2] == ("luong", "bahdanau", 0.093)
    assert found.literature[1].values == {"none": 17.82, "bahdanau": 26.75}
    assert found.seeds == "3"


def schema(found: Answer) -> Answer:
    """The answer without what is not in its file."""
    return Answer(**{name: getattr(found, name) for name in Answer.__struct_fields__})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    for make in (attention_or_not, recurrent_depth, heads):
        found = schema(read_answer(write(tmp_path, make())))
        file = tmp_path / "again" / f"{found.question}.json"
        write_answer(found, file)
        assert schema(read_answer(file)) == found


def test_a_number_that_is_not_finite_is_not_known(tmp_path: Path) -> None:
    found = schema(read_answer(write(tmp_path, heads())))
    first = msgspec.structs.replace(found.arms[0], score=math.nan, interval=(-math.inf, 3.0), means={"bleu": math.inf})
    file = tmp_path / "again" / "heads.json"
    write_answer(msgspec.structs.replace(found, arms=(first, *found.arms[1:])), file)
    json.loads(file.read_text("utf-8"), parse_constant=pytest.fail)  # it is JSON: no NaN, no Infinity
    arm = read_answer(file).arms[0]
    assert (arm.score, arm.interval, arm.means) == (None, None, {"bleu": None})


def test_seeds_are_a_range_where_arms_differ(tmp_path: Path) -> None:
    assert read_answer(write(tmp_path, heads())).seeds == "0–2"


def test_a_folder_is_all_the_answers_in_it(tmp_path: Path) -> None:
    write(tmp_path, heads())
    write(tmp_path, attention_or_not())
    assert [each.question for each in read_answers([tmp_path])] == ["attention_or_not", "heads"]
    with pytest.raises(ValueError, match="no answer to report"):
        read_answers([tmp_path / "trained"])


def test_a_note_lies_beside_its_answer(tmp_path: Path) -> None:
    note = read_answer(write(tmp_path, recurrent_depth())).note
    assert note.found["en"] == "Without residual connections the deep stacks are undertrained."
    assert note.revised == {"en": "the margin was 2", "ko": "여유는 2였다"}
    file = write(tmp_path, heads())
    assert (read_answer(file).note.found, read_answer(file).note.revised) == ({}, {})
    file.with_suffix(".note.toml").write_text("[found]\nen = 3\n", "utf-8")
    with pytest.raises(ValueError, match=r"heads\.note\.toml is not a note: Expected `str`, got `int` - at `\$\.found"):
        read_answer(file)
    file.with_suffix(".note.toml").write_text('[found]\nko = "한국어"\n', "utf-8")
    with pytest.raises(ValueError, match=r"heads\.note\.toml is not a note: \[found\] has no en"):
        read_answer(file)


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


CURVE = {"arm": "none", "seed": 0, "measure": "aer", "points": [1]}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lost("verdict"), "missing required field `verdict`"),
        (lost("arms"), "missing required field `arms`"),
        (put("more", 1), "contains unknown field `more`"),
        (put("verdict", "proved"), "verdict: invalid enum value 'proved'; known are supported, refuted"),
        (put("hypotheses", 1, "verdict", "proved"), r"hypotheses\[1\].verdict: invalid enum value 'proved'; known are"),
        (put("arms", 1, "score", "high"), r"arms\[1\].score: expected `float \| null`, got `str`"),
        (put("arms", 1, "interval", [1, 2, 3]), r"arms\[1\].interval: expected `array` of length 2"),
        (put("arms", 1, "interval", ["a", "b"]), r"arms\[1\].interval\[0\]: expected `float`, got `str`"),
        (put("arms", 2, "runs", 0, "seed", None), r"arms\[2\].runs\[0\].seed: expected `int`, got `null`"),
        (put("arms", 2, []), r"arms\[2\]: expected `object`, got `array`"),
        (
            put("arms", 2, "runs", 0, "folder", "../../runs/a"),
            r"runs\[0\].folder: '../../runs/a' is not a folder below",
        ),
        (put("look", "/etc"), "look: '/etc' is not a folder below that of the answer"),
        (put("asked", {}), "asked: object missing required field `text`"),
        (put("asked", message("{x.__class__}")), "asked: the text '{x.__class__}' has a place"),
        (put("asked", message("{x}")), r"asked: '{x}' cannot be filled by its values \(KeyError\('x'\)\)"),
        (put("comparisons", 0, "a", "lu"), r"comparisons\[0\]: there is no arm 'lu'"),
        (put("arms", 0, "name", "luong"), "arms: two arms are called 'luong'"),
        (put("curves", [CURVE]), r"curves\[0\].points\[0\]: expected `array`, got `int`"),
        (put("curves", [{**CURVE, "arm": "lu", "points": []}]), r"curves\[0\].arm: there is no arm 'lu'"),
        (put("measure", "blue"), "measure: there is no measure 'blue'; known are bleu, chrf"),
        (put("hypotheses", 0, "measure", "blue"), r"hypotheses\[0\].measure: there is no measure 'blue'"),
        (put("cost", "euros"), "cost: there is no cost 'euros'; known are parameters"),
        *((put("corpus", name), "corpus: must be a plain name") for name in ("../../out", "a/b", ".a", "", "a\n")),
        (put("question", "..\\heads"), "question: must be a plain name"),
    ],
)
def test_an_incomplete_answer_is_one_sentence(tmp_path: Path, damage: Callable, sentence: str) -> None:
    file = write(tmp_path, attention_or_not())
    made = json.loads(file.read_text("utf-8"))
    damage(made)
    file.write_text(json.dumps(made), "utf-8")
    with pytest.raises(ValueError, match=sentence) as error:
        write_report([], tmp_path / "report", [file])
    assert str(error.value).startswith(f"{file} is not an answer: ")
    assert str(error.value).endswith("; remove it, and write it again: python run.py ablate attention_or_not")
    assert not (tmp_path / "report").exists()


def test_nothing_is_written_that_could_not_be_read(tmp_path: Path) -> None:
    found = schema(read_answer(write(tmp_path, heads())))
    with pytest.raises(ValueError, match=r"heads\.json cannot be written: corpus: must be a plain name"):
        write_answer(msgspec.structs.replace(found, corpus="../out"), tmp_path / "again" / "heads.json")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("text", ['{"question": "he', "[1, 2]", '"words"', "\udcff"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "heads.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        ValueError, match=r"heads\.json is not an answer: .*; remove it, and write it again: python run.py ablate heads"
    ):
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

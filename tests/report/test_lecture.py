"""The lecture: its lines of code and its verdicts are today's, in both languages alike."""

import re
from pathlib import Path

import pytest

import experiments
from research.report.lecture import CODE_LINK, VERDICT, refreshed
from research.results.answer_files import newest, read_answers
from tests.report.made_up_answers import attention_or_not, write

DOCS = Path(__file__).resolve().parents[2] / "docs"
LECTURES = {"en": DOCS / "lecture.md", "ko": DOCS / "lecture.ko.md"}


@pytest.mark.parametrize("language", LECTURES)
def test_it_is_up_to_date(language):
    """Written by: make documents."""
    text = LECTURES[language].read_text("utf-8")
    kept = sorted((DOCS / "answers").glob("*/*.json"))
    assert refreshed(text, DOCS, newest(read_answers(kept)) if kept else [], language) == text


def test_both_languages_have_the_same_parts_code_questions_and_commands():
    english, korean = (file.read_text("utf-8") for file in LECTURES.values())
    for parts in (
        lambda text: [each["symbol"] for each in CODE_LINK.finditer(text)],
        lambda text: [each["question"] for each in VERDICT.finditer(text)],
        lambda text: re.findall(r"^    python run\.py .*$", text, re.MULTILINE),
        lambda text: re.findall(r"^(#+) ", text, re.MULTILINE),
        lambda text: re.findall(r"!\[[^]]+\]\(([^)]+)\)", text),
        lambda text: re.findall(r"^    .*$", text, re.MULTILINE),
    ):
        assert parts(english) == parts(korean)
        assert parts(english)


@pytest.mark.parametrize("language", LECTURES)
def test_every_picture_is_there(language):
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", LECTURES[language].read_text("utf-8"))
    assert pictures
    assert [each for each in pictures if not (DOCS / each).is_file()] == []


def test_it_speaks_of_every_question():
    said = {each["question"] for each in VERDICT.finditer(LECTURES["en"].read_text("utf-8"))}
    assert said == set(experiments.QUESTIONS)


def test_a_link_gets_the_line_of_its_symbol(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "code.py").write_text("TABLE = {}\n\n\nclass A:\n    size: int = 3\n\n    def f(self):\n        pass\n")
    links = '[t](../code.py#L9 "TABLE") [f](../code.py#L9 "A.f") [s](../code.py#L9 "A.size") [a](../code.py#L9 "A")'
    found = refreshed(links, tmp_path / "docs", [], "en")
    assert re.findall(r"#L(\d+)", found) == ["1", "7", "5", "4"]
    with pytest.raises(ValueError, match=r"code\.py defines no A\.g, to which the lecture links"):
        refreshed('[g](../code.py#L1 "A.g")', tmp_path / "docs", [], "en")


def test_a_verdict_has_its_scope_and_effects_in_the_language_of_the_text(tmp_path):
    answers = read_answers([write(tmp_path, attention_or_not())])
    text = "a\n<!-- verdict: attention_or_not -->\nold\n<!-- end -->\nb\n<!-- verdict: heads -->\n<!-- end -->\n"
    english = refreshed(text, tmp_path, answers, "en")
    assert "> ● **supported**, on the embedded corpus" in english
    assert "old" not in english
    assert "> No plan was confirmed yet, so there is no verdict: `python run.py ablate heads` explores." in english
    assert english.startswith("a\n<!-- verdict: attention_or_not -->\n>")
    assert english.endswith("<!-- end -->\n")
    assert "![" not in english
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "embedded.attention_or_not.png").touch()
    drawn = refreshed(text, tmp_path, answers, "en")
    assert "> ![attention_or_not on embedded: every arm](figures/embedded.attention_or_not.png)\n<!-- end -->" in drawn
    assert "**지지됨**" in refreshed(text, tmp_path, answers, "ko")

"""docs/answers/: what questions came to, kept without the runs that they were made of."""

from pathlib import Path

import pytest

import experiments
from research.report.answers import read_answers

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "docs" / "answers").glob("*/*.json"))


def test_some_are_kept():
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_it_answers_the_question_as_it_is_asked(file):
    [answer] = read_answers([file])
    experiment = experiments.load(answer.question)
    assert (answer.corpus, answer.question) == (file.parent.name, file.stem)
    assert (answer.asked, answer.claim, answer.source) == (experiment.question, experiment.claim, experiment.source)
    assert {arm.name for arm in answer.arms} <= experiment.arms.keys()
    assert answer.note == experiment.notes.get(answer.corpus, ("", ""))
    assert answer.command.startswith(f"python run.py ablate {answer.question}")
    assert not Path(answer.arms[0].runs[0].folder).is_absolute()

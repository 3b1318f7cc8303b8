"""docs/answers/: what questions came to, made again from the evidence that is kept of their runs."""

from functools import partial
from pathlib import Path

import pytest

import experiments
from configs.command_line import calibration, load
from research.ablation.ablate import Ablation
from research.ablation.answer import make_answer
from research.ablation.locking import plan_of
from research.report.language import LANGUAGES
from research.results.answer_files import read_answer
from research.results.locks import read_lock
from tests.experiments import independent

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FILES = sorted((DOCS / "answers").glob("*/*.json"))
WITHDRAWN = sorted((DOCS / "withdrawn").glob("*/*.json"))

every_answer = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")


def asked(answer, lock, tmp_path):
    """The question as it is asked today, with the runs whose evidence is kept."""
    config_file = f"configs/{answer.corpus}.py"
    ablation = Ablation(
        answer.question,
        experiments.load(answer.question),
        lambda architecture: load(f"{config_file}:{architecture}"),
        override=lambda config: None,
        config_file=config_file,
        command=answer.command,
        seeds=lock.plan.seeds,
        only="|".join(lock.plan.arms),
        out=tmp_path,
        search=answer.search,
        lock=lock,
        made_elsewhere=[DOCS / "evidence" / "answers" / answer.corpus],
        calibration=calibration(config_file),
    )
    seeds = max((len(arm.runs) for arm in answer.arms), default=len(ablation.look.seeds))
    ablation.look = next(look for look in ablation.looks if len(look.seeds) == seeds)
    return ablation


@pytest.fixture
def from_evidence(file, tmp_path, monkeypatch):
    """An answer as it is kept, its lock, and the question that its evidence answers."""
    monkeypatch.chdir(ROOT)
    answer = read_answer(file)
    lock = read_lock(experiments.LOCKS / answer.lock.file)
    return answer, lock, partial(asked, answer, lock, tmp_path)


@every_answer
def test_its_plan_is_that_of_today(from_evidence):
    answer, lock, ask = from_evidence
    assert lock.sha256 == answer.lock.sha256
    assert plan_of(ask(), lock.plan.earlier_seeds) == lock.plan


@every_answer
def test_its_evidence_gives_it_again(from_evidence, tmp_path):
    answer, _, ask = from_evidence
    ablation = ask()
    ablation.lock = answer.lock
    again = make_answer(ablation.asked(), {}, tmp_path)
    assert again.missing == answer.missing == 0
    assert again.verdict == answer.verdict
    assert again.hypotheses == answer.hypotheses
    assert again.arms == answer.arms
    assert again.comparisons == answer.comparisons
    assert again.calibration == answer.calibration


@every_answer
def test_an_independent_script_agrees(file):
    """By formulas written out again, and by other draws of sentences: intervals may differ by a few percent."""
    answer = read_answer(file)
    if answer.verdict == "not tested here":
        return  # there is nothing to compute
    word, claims = independent.verdict(
        experiments.LOCKS / answer.lock.file, DOCS / "evidence" / "answers" / answer.corpus, len(answer.arms[0].runs)
    )
    words = {each: each for each in ("supported", "refuted", "not trained")}
    assert word == words.get(answer.verdict, "neither")
    for found, kept in zip(claims, answer.hypotheses, strict=True):
        assert found[0] == words.get(kept.verdict, "neither")
        assert found[1] == pytest.approx(kept.effect, rel=1e-5, abs=1e-9)
        assert found[2] == pytest.approx((kept.interval[1] - kept.interval[0]) / 2, rel=0.05)


@every_answer
def test_it_stands_where_it_says_it_does(file):
    answer = read_answer(file)
    assert (answer.corpus, answer.question) == (file.parent.name, file.stem)
    assert answer.command.startswith(f"python run.py ablate {answer.question}")


def test_notes_lie_beside_answers_and_are_in_every_language():
    files = [*FILES, *WITHDRAWN]
    notes = [note for folder in ("answers", "withdrawn") for note in (DOCS / folder).glob("*/*.note.toml")]
    assert {note.with_name(note.name.replace(".note.toml", ".json")) for note in notes} <= set(files)
    for file in files:
        note = read_answer(file).note
        for said in (note.found, note.revised):
            assert tuple(said) in ((), LANGUAGES)

"""docs/answers/: what questions came to, made again from the evidence that is kept of their runs."""

import math
from functools import partial
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import asdict

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

# Scores are float64. From one release to another of NumPy (its logarithms) and of Python (its sum(), which rounds less
# since 3.12) they differ by up to 1e-15 of themselves, and a difference of two BLEU scores near 100 by up to 1e-13.
ROUNDING = 1e-12
# A p is found by SciPy's brentq, whose answer may be off by 2e-12 in log p, and so may the one that is kept.
ROUNDING_OF_P = 4e-12

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
    for part in ("hypotheses", "arms", "comparisons", "calibration"):
        assert list(differing(getattr(again, part), getattr(answer, part), part)) == []


def differing(again, kept, path):
    """Yield (path, value made again, value kept) where they differ, numbers by more than rounding."""
    if isinstance(kept, Struct) and type(again) is type(kept):
        again, kept = asdict(again), asdict(kept)
    if isinstance(kept, dict) and isinstance(again, dict) and again.keys() == kept.keys():
        for name in kept:
            yield from differing(again[name], kept[name], f"{path}/{name}")
    elif isinstance(kept, tuple) and isinstance(again, tuple) and len(again) == len(kept):
        for index, each in enumerate(zip(again, kept, strict=True)):
            yield from differing(*each, f"{path}/{index}")
    elif isinstance(kept, float) and isinstance(again, int | float):
        of_p = path.rpartition("/")[2].startswith("p_")
        bounds = (ROUNDING_OF_P, 0.0) if of_p else (ROUNDING, ROUNDING)
        if not math.isclose(again, kept, rel_tol=bounds[0], abs_tol=bounds[1]):
            yield path, again, kept
    elif again != kept:
        yield path, again, kept


def test_a_number_differs_from_a_kept_one_if_it_is_off_by_more_than_rounding():
    kept = {"effect": 88.0, "p_value": 2e-11, "interval": (0.0, 1.0), "name": "luong", "aer": None}
    for name, value, differs in [
        ("effect", 88.0 * (1 + 5e-13), False),
        ("effect", 88.0 * (1 + 2e-12), True),
        ("p_value", 2e-11 * (1 + 3e-12), False),
        ("p_value", 2e-11 * (1 + 5e-12), True),
        ("interval", (5e-13, 1.0), False),
        ("interval", (2e-12, 1.0), True),
        ("interval", (0.0,), True),
        ("name", "lstm", True),
        ("aer", 0.0, True),
        ("effect", None, True),
        ("more", 1.0, True),
    ]:
        assert bool(list(differing({**kept, name: value}, kept, ""))) == differs, (name, value)


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

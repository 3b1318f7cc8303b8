"""docs/answers/: what questions came to, kept without the runs that they were made of."""

from functools import partial
from pathlib import Path

import pytest

import experiments
from configs.command_line import load
from research.ablation.ablate import Ablation
from research.ablation.wording import statements
from research.report.language import LANGUAGES
from research.results.answers import read_answer
from research.results.measures import MEASURES

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "docs" / "answers").glob("*/*.json"))

# The recipes that the kept answers were trained by, where those of configs/ have changed since.
NOVEMBER_2026 = {
    "embedded_tiny": {
        "data.batch_tokens": 768,
        "data.buckets": 1,
        "training.learning_rate": 5e-3,
        "training.schedule": "cosine",
    },
    "multi30k_small": {
        "data.batch_tokens": 1_024,
        "data.buckets": 3,
        "training.steps": 1_500,
        "training.learning_rate": 4e-3,
        "training.schedule": "cosine",
        "training.warmup_steps": 150,
    },
}


def november(corpus, architecture):
    """Return the config that answers on this corpus were asked with."""
    config = load(f"configs/{corpus}.py:{architecture}")
    config.update_from_flattened_dict(NOVEMBER_2026[corpus])
    return config


every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")


def test_some_are_kept():
    assert FILES


@every_file
def test_it_answers_the_question_as_it_is_asked(file):
    answer = read_answer(file)
    experiment = experiments.load(answer.question)
    assert (answer.corpus, answer.question) == (file.parent.name, file.stem)
    assert (answer.asked, answer.claim, answer.source) == (experiment.question, experiment.claim, experiment.source)
    assert {arm.name for arm in answer.arms} <= experiment.arms.keys()
    assert answer.command.startswith(f"python run.py ablate {answer.question}")
    assert not Path(answer.arms[0].runs[0].folder).is_absolute()


@every_file
def test_its_runs_are_those_that_would_be_trained(file, tmp_path):
    """By the digests in the folders' names, of every field that a run's numbers depend on."""
    answer = read_answer(file)
    config_file = f"configs/{answer.corpus}.py"
    ablation = Ablation(
        answer.question,
        experiments.load(answer.question),
        partial(november, answer.corpus),
        override=lambda config: None,
        config_file=config_file,
        command=answer.command,
        seeds=(0,),
        out=tmp_path,
        search=answer.search,
    )
    for arm in answer.arms:
        config = ablation.arms[arm.name]
        if arm.learning_rate is not None:
            config.training.learning_rate = arm.learning_rate
        for run in arm.runs:
            assert ablation.folder(arm.name, config, run.seed) == tmp_path / run.folder


@every_file
def test_it_judges_what_is_declared(file):
    """But for hypotheses of arms that were not asked."""
    answer = read_answer(file)
    experiment = experiments.load(answer.question)
    arms = {arm.name for arm in answer.arms}
    declared = []
    for hypothesis in experiment.verdict:
        if set(hypothesis.arms) <= arms:
            declared += statements(hypothesis, MEASURES[hypothesis.measure or experiment.measure].unit)
    assert [each.statement for each in answer.hypotheses] == declared


@every_file
def test_what_was_changed_after_results_had_been_seen_its_note_says(file):
    """In both languages, as what was found out, and alike on every corpus."""
    note = read_answer(file).note
    for said in (note.found, note.revised):
        assert tuple(said) in ((), LANGUAGES)
    assert bool(note.revised) == experiments.load(file.stem).revised
    for other in FILES:
        if other.stem == file.stem:
            assert read_answer(other).note.revised == note.revised


def test_every_note_lies_beside_an_answer():
    notes = (ROOT / "docs" / "answers").glob("*/*.note.toml")
    assert {note.with_name(note.name.replace(".note.toml", ".json")) for note in notes} <= set(FILES)

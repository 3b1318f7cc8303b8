"""Conditions of a verdict: the corpus's baseline has reached its number, and what the claim is about is there."""

from dataclasses import replace

import pytest

from configs.command_line import calibration
from research.ablation.arms import build, vary
from research.ablation.locking import register
from research.ablation.tuning import tune
from research.results.answers import AnswerCalibration
from research.results.calibration import Calibration
from research.results.run_folder import RunFolder
from research.statistics.hypotheses import Superiority
from tests.ablation.pretended import QUESTION, Learner, Pretends, confirm, get_config, leave_a_run


@pytest.mark.parametrize(
    ("number", "tolerance", "seeds", "verdict"),
    [
        (8.0, 0.0, 1, "supported"),
        (9.0, 0.0, 1, "supported"),  # less perplexity than it had to reach
        (7.5, 0.6, 1, "supported"),
        (7.5, 0.4, 1, "not calibrated"),
        (8.0, 0.0, 0, "not calibrated"),
    ],
)
def test_without_a_baseline_that_reached_its_number_nothing_is_judged(
    question, committed, file, tmp_path, number, tolerance, seeds, verdict
):
    declared = Calibration("luong", "perplexity", number, tolerance, str(tmp_path / ("baseline" if seeds else "none")))
    tune(question(tuned=False), Pretends(leave=Learner()))
    lock = register(question(seeds=(100, 101, 102), calibration=declared), file, None)
    found = confirm(question, lock, file, calibration=declared)
    assert found.verdict == verdict
    assert [claim.verdict for claim in found.hypotheses] == [verdict]
    assert (found.calibration.seeds, found.calibration.found) == (seeds, pytest.approx(8.0) if seeds else None)


def test_a_corpus_without_a_declared_baseline_is_not_calibrated(question, committed, file):
    tune(question(tuned=False), Pretends(leave=Learner()))
    lock = register(question(seeds=(100, 101, 102), calibration=None), file, None)
    assert confirm(question, lock, file, calibration=None).verdict == "not calibrated"


def test_runs_of_another_config_say_nothing_of_the_baseline(question, tmp_path):
    declared = Calibration("bahdanau", "perplexity", 8.0, 0.1, str(tmp_path / "baseline"))
    assert question(calibration=declared).calibration.seeds == 0


@pytest.mark.parametrize(
    ("measure", "number", "found", "reached"),
    [("bleu", 60.0, 58.9, False), ("bleu", 60.0, 59.1, True), ("nats", 0.5, 1.6, False), ("nats", 0.5, 1.4, True)],
)
def test_falling_short_is_on_the_worse_side_of_the_number(measure, number, found, reached):
    assert AnswerCalibration("luong", measure, number, 1.0, found, 1).reached == reached


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ({"at_least": {"model.width": 512}}, "the claim is about model.width of 512 and more, and here it is 64"),
        ({"accelerator": True}, "the claim is about accelerators, and these runs had none"),
        ({"at_least": {"model.width": 64}}, None),
    ],
)
def test_a_claim_whose_condition_is_absent_is_not_tested_here(
    question, committed, file, monkeypatch, condition, sentence
):
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, **condition))
    tune(question(tuned=False), Pretends(leave=Learner()))
    found = confirm(question, register(question(seeds=(100, 101, 102)), file, None), file)
    assert found.verdict == ("not tested here" if sentence else "supported")
    assert sentence is None or sentence in map(str, found.warnings)


def test_a_claim_about_larger_models_is_not_tested_here_without_a_run(question, committed, file, monkeypatch):
    """Nor is anything tuned."""
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", replace(QUESTION, at_least={"model.width": 512}))
    lock = register(question(seeds=(100, 101, 102)), file, None)
    launcher = Pretends()
    found = confirm(question, lock, file, launcher)
    assert (found.verdict, found.missing, launcher.tasks) == ("not tested here", 0, [])
    assert question(seeds=(0, 1, 2), out=file.parent / "free").run(launcher, resume=False).verdict == "exploratory"
    assert launcher.tasks


def test_a_config_file_may_declare_a_baseline(tmp_path):
    (tmp_path / "plain.py").write_text("def get_config():\n    pass\n")
    assert calibration(str(tmp_path / "plain.py")) is None
    uses = "from research.results.calibration import Calibration\n"
    declares = f"{uses}CALIBRATION = Calibration('luong', 'nats', 1.0, 0.1, 'e')\n"
    (tmp_path / "declares.py").write_text(declares + "def get_config():\n    pass\n")
    assert calibration(str(tmp_path / "declares.py")) == Calibration("luong", "nats", 1.0, 0.1, "e")


def test_a_question_that_changes_the_corpus_in_all_arms_is_on_another_corpus(question, committed, file):
    """But for the fields that the question is about."""

    def other(config):
        config.data.embedded.words = 0.2
        config.training.steps = 800

    asked = question(override=other)
    assert asked.calibration.differs == ("data.embedded.words",)
    assert not asked.calibration.reached
    tune(question(tuned=False, override=other), Pretends(leave=Learner()))
    lock = register(question(seeds=(100, 101, 102), override=other), file, None)
    found = confirm(question, lock, file, override=other)
    assert found.verdict == "not calibrated"
    warning = "the corpus was calibrated with other values of data.embedded.words, and so it is another corpus"
    assert warning in map(str, found.warnings)


def test_a_question_may_declare_the_baseline_of_a_corpus_of_its_own(question, tmp_path, monkeypatch):
    """Its runs are of that corpus; those of the config file's say nothing of it."""
    knobs = {"data.embedded.words": 0.2}
    declared = Calibration("luong", "perplexity", 8.0, 0.1, str(tmp_path / "own"))
    asks = replace(QUESTION, per_corpus={"embedded_tiny": knobs}, calibration={"embedded_tiny": declared})
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", asks)
    for path in ("own/luong.1", "own/luong.2"):
        RunFolder(tmp_path / path).path.mkdir(parents=True)
    leave_a_run(RunFolder(tmp_path / "own" / "luong.1"), get_config("luong"), seed=1)
    assert question().calibration.seeds == 0
    leave_a_run(RunFolder(tmp_path / "own" / "luong.2"), build(get_config, "luong", knobs), seed=2)
    found = question().calibration
    assert (found.seeds, found.differs, found.reached) == (1, (), True)

    with pytest.raises(ValueError, match="calibration of embedded_tiny: per_corpus makes no other corpus of it"):
        replace(asks, per_corpus={})


def test_the_corpus_may_vary_in_what_is_asked_about(question, monkeypatch):
    arms = vary("data.embedded.words", 0.1, 0.2)
    varied = replace(QUESTION, arms=arms, axis=None, verdict=(Superiority(*arms, 0.5),))
    monkeypatch.setattr("tests.ablation.conftest.QUESTION", varied)
    assert question().calibration.differs == ()


def test_a_search_does_not_matter_where_the_baseline_is_measured_without_one(question):
    assert question(search="beam5").calibration.reached


def test_a_baseline_is_not_measured_by_what_is_neither_good_nor_bad(question, tmp_path):
    for measure in ("entropy", "natz"):
        declared = Calibration("luong", measure, 1.0, 0.1, str(tmp_path))
        with pytest.raises(ValueError, match=f"calibrates by '{measure}', of which neither more nor less is better"):
            question(calibration=declared)

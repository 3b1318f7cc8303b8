"""A question to its answer, with a launcher that trains nothing: it leaves what a job would leave, or fails."""

import pytest

from configs.command_line import load
from research.ablation import arm_runs
from research.results.answer_files import read_answer
from research.results.answers import Answer
from tests.ablation.pretended import Pretends


def test_every_arm_and_seed_to_a_verdict(question):
    found = question().run(Pretends(), resume=False)
    kept = read_answer(question().file)
    assert found == Answer(**{name: getattr(kept, name) for name in found.__struct_fields__})
    assert found.verdict == "exploratory"  # no plan was locked before the runs
    [claim] = found.hypotheses
    assert claim.verdict == "exploratory"
    assert str(claim.statement) == "layers=2 is better than layers=1 by more than 0.5 perplexity"
    assert claim.effect == pytest.approx(4.0)  # of perplexity, of which less is better: 8 - 4
    assert claim.interval[0] > 0.5
    assert [(arm.name, arm.x, len(arm.runs)) for arm in found.arms] == [
        ("layers=1", 1.0, 3),
        ("layers=2", 2.0, 3),
    ]
    first = found.arms[0]
    assert first.means == {"perplexity": pytest.approx(8.0), "token_accuracy": pytest.approx(0.6)}
    assert first.costs == {
        "parameters": 7,
        "flops_per_token": 42.0,
        "steps": 800,
        "tokens": 45.0,
        "seconds": 2.0,
        "trials": 1,
    }
    assert first.learning_rate == load("configs/embedded_tiny.py:luong").training.learning_rate
    assert any("parameters differ up to 2 times" in str(warning) for warning in found.warnings)
    assert found.missing == 0
    assert found.seconds == 12.0


def test_what_is_there_is_not_made_again(question):
    launcher = Pretends()
    question().run(launcher, resume=False)
    assert len(launcher.done) == 2
    question().run(launcher, resume=False)
    assert len(launcher.done) == 2
    question(seeds=(0, 1, 2, 3)).run(launcher, resume=False)
    assert len(launcher.done) == 4


def test_a_question_is_asked_by_one_process_at_a_time(question):
    with question().alone(), pytest.raises(OSError, match=r"another process is asking which in .*; wait for it, or"):
        question().run(Pretends(), resume=False)
    assert question().run(Pretends(), resume=False).missing == 0


def test_a_stop_loses_nothing_and_resume_makes_what_is_missing(question):
    with pytest.raises(KeyboardInterrupt):
        question().run(Pretends(stops_after=1), resume=False)
    left = read_answer(question().file)
    assert (left.verdict, left.missing) == ("exploratory", 3)
    with pytest.raises(ValueError, match=r"which\.json was left unfinished: --resume trains only what is missing"):
        question().run(Pretends(), resume=False)
    launcher = Pretends()
    found = question().run(launcher, resume=True)
    assert (found.missing, len(launcher.done)) == (0, 1)


def test_a_failing_arm_is_told_of_and_the_rest_go_on(question, capsys):
    launcher = Pretends(fails=(1,))
    found = question().run(launcher, resume=False)
    assert len(launcher.done) == 1
    assert [len(arm.failed) for arm in found.arms] == [3, 0]
    assert found.arms[0].failed[0].last_lines[-1] == "FloatingPointError: it diverged"
    assert "layers=1 failed (exit code 1); the others go on" in capsys.readouterr().err


def test_some_arms_alone(question):
    found = question(only="*=2").run(Pretends(), resume=False)
    assert [arm.name for arm in found.arms] == ["layers=2"]
    assert list(question(only="*=2|*=1").arms) == ["layers=1", "layers=2"]
    assert str(found.warnings[0]) == ("asked of some arms alone; what is claimed of these is not judged: layers=1")
    with pytest.raises(ValueError, match="no arm of which is like 'depth'; there are layers=1, layers=2"):
        question(only="depth")


def test_runs_are_shared_between_questions_and_told_apart_by_what_matters(question):
    plain = question().asked().folders
    same = question(override=lambda config: config.training.update({"strategy": "shard_map"})).asked().folders
    other = question(override=lambda config: config.training.update({"steps": 7})).asked().folders
    assert plain == same
    assert not {str(path) for of in plain.values() for path in of.values()} & {
        str(path) for of in other.values() for path in of.values()
    }


def test_an_answer_is_not_replaced_by_one_asked_in_another_way(question):
    question().run(Pretends(), resume=False)
    changed = {"override": lambda config: config.training.update({"steps": 7})}
    for other in (
        {"only": "*=2"},
        {"search": "beam5"},
        {"seeds": (0, 1)},
        {"seeds": (7, 8, 9)},
        changed,
    ):
        with pytest.raises(ValueError, match=r"which\.json answers which asked in another way"):
            question(**other).run(Pretends(), resume=True)


def test_jobs_of_other_seeds_or_another_search_have_other_names(question):
    names = [
        {job.name for job in question(**options).launches()[0]}
        for options in ({}, {"seeds": (3, 4)}, {"search": "beam5"})
    ]
    assert len(set.union(*names)) == 6


@pytest.mark.parametrize(
    ("options", "sentence"), [({"seeds": (0, 0)}, "give each once"), ({"by": "luck"}, "no match by 'luck'")]
)
def test_what_cannot_be_asked(question, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        question(**options)


def test_a_job_says_how_its_run_is_made_again(question):
    launcher = Pretends()
    question(seeds=(0,)).run(launcher, resume=False)
    first, second = launcher.tasks
    assert first.command == "python run.py train --config=configs/embedded_tiny.py:luong"
    assert second.command.split()[4:] == [
        "--config.model.decoder_layers=2",
        "--config.model.encoder_layers=2",
        "--config.model.layers=2",
    ]
    assert arm_runs.MODULE == ("-m", "research.ablation.work")

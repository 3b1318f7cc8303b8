"""A question to its answer, with a launcher that trains nothing: it leaves what a job would leave, or fails."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from configs.command_line import load
from research.ablation import ablate
from research.ablation.ablate import Ablation
from research.ablation.arms import vary
from research.ablation.experiment import Axis, Experiment
from research.ablation.launching.jobs import Outcome
from research.ablation.work import Task
from research.results import counts
from research.results.answers import Answer, read_answer
from research.results.identity import config_as_json, config_from_json
from research.results.message import Message
from research.results.run_folder import RunFolder
from research.statistics.hypotheses import Superiority

QUESTION = Experiment(
    question=Message("Which?"),
    claim=Message("Two are better."),
    source="made up",
    base="luong",
    arms=vary("model.layers", 1, 2),
    axis=Axis("model.layers", Message("layers")),
    measure="perplexity",
    also=("token_accuracy",),
    verdict=(Superiority("layers=2", "layers=1", 0.5),),
)
SENTENCES = 9


def leave_a_run(run, config, seed):
    """Perplexity is 8 / layers, times 1 ± 1 % from seed to seed."""
    nll = np.log(8 / config.model.layers * (1 + 0.01 * (seed - 1)))
    arrays = {"nll": np.full(SENTENCES, 5 * nll), "correct": np.full(SENTENCES, 3), "tokens": np.full(SENTENCES, 5)}
    run.write_json("config.json", {**config_as_json(config), "seed": seed})
    run.update_provenance(
        {
            "name": run.path.name,
            "steps": 800,
            "seconds": 2.0,
            "tokens": 45.0,
            "parameters": 7 * config.model.layers,
            "flops_per_token": 42.0,
            "commit": "abc",
        }
    )
    run.write_json(
        "result.json",
        {
            "splits": {
                "test": {"step": 3, "perplexity": float(np.exp(nll)), "token_accuracy": 0.6, "searches": {"beam1": {}}}
            }
        },
    )
    counts.write(run, "test", 3, arrays)


@dataclass
class Pretends:
    """fails: arms with so many layers."""

    fails: tuple[int, ...] = ()
    stops_after: int | None = None
    leave: Callable[..., None] = leave_a_run
    done: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    def launch(self, jobs):
        for job in jobs:
            if self.stops_after is not None and len(self.done) >= self.stops_after:
                raise KeyboardInterrupt("stopped")
            task = Task.read(job.command[-1])
            self.tasks.append(task)
            config = config_from_json(task.config)
            if config.model.layers in self.fails:
                yield Outcome(job, 1, 0.5, ["Traceback", "FloatingPointError: it diverged"])
                continue
            for seed, path in task.folders.items():
                self.leave(RunFolder(path), config, seed)
            self.done.append(job.name)
            yield Outcome(job, 0, 2.0, [])

    def dry_run(self, jobs):
        return "\n".join(job.name for job in jobs)


@pytest.fixture
def question(tmp_path):
    def make(**options):
        return Ablation(
            "which",
            QUESTION,
            lambda architecture: load(f"configs/embedded_tiny.py:{architecture}"),
            **{
                "override": lambda config: None,
                "config_file": "configs/embedded_tiny.py",
                "command": "python run.py ablate which",
                "seeds": (0, 1, 2),
                "out": tmp_path,
                "search": "beam1",
                **options,
            },
        )

    return make


def test_every_arm_and_seed_to_a_verdict(question):
    found = question().run(Pretends(), resume=False)
    kept = read_answer(question().file)
    assert found == Answer(**{name: getattr(kept, name) for name in found.__struct_fields__})
    assert found.verdict == "supported"
    [claim] = found.hypotheses
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


def test_a_stop_loses_nothing_and_resume_makes_what_is_missing(question):
    with pytest.raises(KeyboardInterrupt):
        question().run(Pretends(stops_after=1), resume=False)
    left = read_answer(question().file)
    assert (left.verdict, left.missing) == ("not enough seeds", 3)
    with pytest.raises(ValueError, match=r"which\.json was left unfinished: --resume trains only what is missing"):
        question().run(Pretends(), resume=False)
    launcher = Pretends()
    found = question().run(launcher, resume=True)
    assert (found.verdict, found.missing, len(launcher.done)) == ("supported", 0, 1)


def test_a_failing_arm_is_told_of_and_the_rest_go_on(question, capsys):
    launcher = Pretends(fails=(1,))
    found = question().run(launcher, resume=False)
    assert len(launcher.done) == 1
    assert found.verdict == "not enough seeds"
    assert [len(arm.failed) for arm in found.arms] == [3, 0]
    assert found.arms[0].failed[0].last_lines[-1] == "FloatingPointError: it diverged"
    assert "layers=1 failed (exit code 1); the others go on" in capsys.readouterr().err


def test_some_arms_alone(question):
    found = question(only="*=2").run(Pretends(), resume=False)
    assert [arm.name for arm in found.arms] == ["layers=2"]
    assert list(question(only="*=2|*=1").arms) == ["layers=1", "layers=2"]
    assert found.verdict == "inconclusive"
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
        {"rates": (0.1, 0.2)},
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


def test_a_trial_that_failed_is_not_taken(question):
    """It validated best before it diverged."""

    def leave(run, config, seed):
        run.path.mkdir(parents=True, exist_ok=True)
        run.append_metrics({"step": 100, "validation/perplexity": 1.0 + config.training.learning_rate})
        if config.training.learning_rate != 0.1:
            leave_a_run(run, config, seed)

    asked, launcher = question(rates=(0.1, 0.2)), Pretends(leave=leave)
    asked.run(launcher, resume=False)
    assert [config.training.learning_rate for config in asked.arms.values()] == [0.2, 0.2]


def test_the_better_learning_rate_is_taken(question):
    """The rate 0.1 validates better with one layer, and 0.2 with two; each was tried by every arm."""

    def leave(run, config, seed):
        leave_a_run(run, config, seed)
        wanted = {1: 0.1, 2: 0.2}[config.model.layers]
        run.append_metrics({"step": 800, "validation/perplexity": 5.0 + abs(config.training.learning_rate - wanted)})

    asked, launcher = question(rates=(0.1, 0.2)), Pretends(leave=leave)
    found = asked.run(launcher, resume=False)
    assert [config.training.learning_rate for config in asked.arms.values()] == [0.1, 0.2]
    assert {arm.costs["trials"] for arm in found.arms} == {2}
    assert len(launcher.done) == 4 + 2


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
    assert ablate.MODULE == ("-m", "research.ablation.work")

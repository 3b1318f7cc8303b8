"""A made-up question, and a launcher that trains nothing: it leaves what a job would leave, or fails."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from configs.command_line import load
from research.ablation.arms import vary
from research.ablation.experiment import Axis, Experiment
from research.ablation.launching.jobs import Outcome
from research.ablation.locking import confirmable
from research.ablation.work import Task
from research.results import counts
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
START = load("configs/embedded_tiny.py:luong").training.learning_rate
BEFORE = "2026-11-30T07:00:00+00:00"  # an hour before the pretended runs


def get_config(architecture):
    """Return what the config file of the question has: 800 steps."""
    config = load(f"configs/embedded_tiny.py:{architecture}")
    config.training.steps = 800
    return config


def leave_a_run(run, config, seed):
    """Perplexity is 8 / layers, times 1 ± 1 % from seed to seed, whatever the steps."""
    nll = np.log(8 / config.model.layers * (1 + 0.01 * (seed - 1)))
    arrays = {"nll": np.full(SENTENCES, 5 * nll), "correct": np.full(SENTENCES, 3), "tokens": np.full(SENTENCES, 5)}
    run.write_json("config.json", {**config_as_json(config), "seed": seed})
    run.update_provenance(
        {
            "name": run.path.name,
            "steps": config.training.steps,
            "seconds": 2.0,
            "tokens": 45.0,
            "parameters": 7 * config.model.layers,
            "flops_per_token": 42.0,
            "began": "2026-11-30T08:00:00+00:00",
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
    if config.training.keep_trunk:
        (run.trunk / "3").mkdir(parents=True, exist_ok=True)


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


class Learner:
    """Leaves a run whose loss on validation is lowest at a rate, twice the config's for two layers.

    fails: (layers, rate) that diverges, as do more than most_steps. after: (run, config, seed) -> None, may change
    what was left. late: layers -> the steps until which each halving of them costs a nat. leave: as `leave_a_run`.
    """

    def __init__(self, fails=(), late=None, most_steps=10**9, after=lambda run, config, seed: None, leave=leave_a_run):
        self.fails, self.late, self.most_steps, self.after, self.leave = fails, late or {}, most_steps, after, leave

    def __call__(self, run, config, seed):
        layers, rate = config.model.layers, config.training.learning_rate
        run.path.mkdir(parents=True, exist_ok=True)
        if (layers, rate) in self.fails or config.training.steps > self.most_steps:
            run.append_metrics({"step": 100, "validation/perplexity": 1.0})  # best of all, before it diverged
            return
        self.leave(run, config, seed)
        loss = 1.0 + abs(math.log2(rate / (START * layers))) + 0.001 * seed
        loss += max(0.0, math.log2(self.late.get(layers, 1) / config.training.steps))
        evaluated = {"step": 3, "perplexity": float(np.exp(loss)), "searches": {"beam1": {}}}
        splits = run.result()["splits"]
        run.write_json("result.json", {"splits": {**splits, "validation": evaluated}})
        tokens = np.full(9, 5)
        counts.write(run, "validation", 3, {"nll": loss * tokens, "correct": tokens, "tokens": tokens})
        self.after(run, config, seed)


def confirm(question, lock, file, launcher=None, **options):
    """Give the verdict on a plan, by runs that learn as `Learner` says."""
    asked = question(**{"seeds": lock.plan.seeds, "lock": lock, **options})
    launcher = launcher or Pretends(leave=Learner())
    return asked.run(launcher, resume=False, lock=confirmable(asked, lock, file))

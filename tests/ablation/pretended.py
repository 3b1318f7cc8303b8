"""A made-up question, and a launcher that trains nothing: it leaves what a job would leave, or fails."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from research.ablation.arms import vary
from research.ablation.experiment import Axis, Experiment
from research.ablation.launching.jobs import Outcome
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

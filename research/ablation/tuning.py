"""Tune each arm by its loss on validation, under seeds that no verdict uses: the learning rate, then the steps.

Rates are a factor of two apart, beginning with the config's and its two neighbours. As long as the best of them is the
lowest or the highest, the next one beyond it is tried too. All trials of an arm train for as many steps.

At the best rate the arm is compared with itself after half of the steps. As long as a doubling gains half of the
question's margin or more under one of the seeds, the steps are doubled, three times at most: then it is still
learning. Runs of more and fewer steps share a trunk. Where arms are matched by a cost, the match fixes the steps.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from ml_collections import ConfigDict
from rich.table import Table

from research.ablation.ablate import Ablation
from research.ablation.arms import BUDGET
from research.ablation.last_doubling import ENOUGH, gain, margin
from research.ablation.launching.jobs import Job, Launcher
from research.ablation.measured import read_run
from research.ablation.training_length import halved, with_training, with_trunk
from research.results.run_folder import RunFolder
from research.results.tables import NOTHING, TableCell, TextTable, terminal_table
from research.results.tunings import Budget, Trial, TunedArm, Tuning, changes_of, write_tuning
from research.training.provenance import commit, now

SEEDS = (10, 11)
SPLIT = "validation"
FACTOR = 2.0
MOST = 6  # rates that one arm may try
DOUBLINGS = 3  # of the config's steps, at most

LEARNT = {True: "learnt", False: "still learning", None: "fixed"}

Configs = list[tuple[str, ConfigDict]]
"""Arms with their configs; an arm may come with several."""


def tune(ablation: Ablation, launcher: Launcher) -> Tuning:
    """Find the learning rate and the steps of each arm, and write all that was tried to tuning/NAME.json.

    Args:
        ablation: the question, with arms as their configs have them.
        launcher: runs the jobs.

    Raises:
        ValueError: nothing is trained, or an arm trains at no rate.
        OSError: another process asks the question in this folder.
    """
    _refuse_untrained(ablation)
    with ablation.alone():
        tuning = _tuned(ablation, launcher)
        write_tuning(tuning, ablation.tuning_file)
    return tuning


def _tuned(ablation: Ablation, launcher: Launcher) -> Tuning:
    runs = _Runs(ablation, launcher)
    tried = _tried_rates(runs)
    best = {arm: min(of, key=lambda rate: (of[rate].loss, rate)) for arm, of in tried.items()}
    budgets = _tried_steps(runs, {arm: _at(ablation.arms[arm], rate) for arm, rate in best.items()})
    return Tuning(
        question=ablation.name,
        corpus=ablation.corpus,
        command=ablation.command,
        commit=commit(),
        finished=now(),
        seeds=SEEDS,
        seconds=sum(RunFolder(folder).own_seconds() for folder in runs.made),
        arms=tuple(
            TunedArm(
                name=arm,
                identity=ablation.runs.digest(config, "training.learning_rate"),
                trials=tuple(tried[arm][rate] for rate in sorted(tried[arm])),
                budgets=tuple(budgets[arm][steps] for steps in sorted(budgets[arm])),
                steps=max(budgets[arm], default=int(config.training.steps)),
                learnt=_learnt(ablation, budgets[arm]) if budgets[arm] else None,
            )
            for arm, config in ablation.arms.items()
        ),
    )


def first_launches(ablation: Ablation) -> list[list[Job]]:
    """Return what `tune` would launch first, in groups of jobs that may run at the same time."""
    _refuse_untrained(ablation)
    return ablation.runs.launches(_rates_wanted(ablation, {arm: {} for arm in ablation.arms}), SEEDS, SPLIT)


def _refuse_untrained(ablation: Ablation) -> None:
    if ablation.experiment.work == "time":
        raise ValueError(f"{ablation.name} times steps and trains nothing: there is no learning rate to tune")


def rates_to_try(losses: Mapping[float, float], start: float) -> list[float]:
    """Return the rates to try next; none once the best lies between two others, or `MOST` were tried.

    Args:
        losses: rate -> its loss, of those that were tried; infinite where training failed. Of equal losses the lower
            rate is the better.
        start: the rate to begin with, in the middle of three.
    """
    if not losses:
        return [start / FACTOR, start, start * FACTOR]
    tried = sorted(losses)
    best = min(tried, key=lambda rate: losses[rate])
    if len(tried) >= MOST or best not in (tried[0], tried[-1]):
        return []
    return [best / FACTOR if best == tried[0] else best * FACTOR]


def tuning_table(tuning: Tuning) -> Table:
    """Return a row for each arm, with its loss at each rate; the best is bold."""
    rates = sorted({trial.rate for arm in tuning.arms for trial in arm.trials})
    rows: list[list[str | TableCell]] = []
    for arm in tuning.arms:
        losses = {trial.rate: trial.loss for trial in arm.trials}
        cells = [TableCell(_loss(losses.get(rate)), "bold" if rate == arm.rate else "") for rate in rates]
        end = f"the {arm.end} tried" if arm.end else ""
        rows.append([arm.name, *cells, f"{arm.rate:g}", end, f"{arm.steps:,}", LEARNT[arm.learnt]])
    heads = ["nats a token by learning rate", *(f"{rate:g}" for rate in rates), "taken", "", "steps", ""]
    return terminal_table(TextTable(heads, rows), fold=[0], align="l" + "r" * (len(rates) + 1) + "lrl")


class _Runs:
    """The runs of a tuning: launched, and remembered for what they cost."""

    def __init__(self, ablation: Ablation, launcher: Launcher):
        self.ablation, self._launcher = ablation, launcher
        self.made: set[Path] = set()

    def make(self, configs: Configs, trunks: Mapping[str, ConfigDict] = {}) -> None:
        """Train and evaluate these arms under the seeds of tuning, as far as they are not there."""
        failed = [
            outcome
            for _, outcome in self.ablation.runs.train(self._launcher, configs, SEEDS, SPLIT, trunks)
            if not outcome.ok and not any("FloatingPointError" in line for line in outcome.last_lines)
        ]
        if failed:  # for another reason than that it diverged, which would make any rate look bad
            raise ValueError(
                f"{len(failed)} jobs of tuning failed; their last lines are above: the same command goes on once that "
                "is mended"
            )
        self.made |= {self.ablation.runs.folder(arm, config, seed) for arm, config in configs for seed in SEEDS}

    def score(self, arm: str, config: ConfigDict, measure: str) -> dict[int, float | None]:
        """Return what each seed came to; None for a training that stopped before it was evaluated."""
        folders = {seed: self.ablation.runs.folder(arm, config, seed) for seed in SEEDS}
        return {
            seed: read_run(folder, SPLIT, self.ablation.search, [measure]).values[measure]
            if RunFolder(folder).is_evaluated(SPLIT, self.ablation.search)
            else None
            for seed, folder in folders.items()
        }


def _tried_rates(runs: _Runs) -> dict[str, dict[float, Trial]]:
    """Try learning rates until each arm's best is inside; return all by arm and rate."""
    tried: dict[str, dict[float, Trial]] = {arm: {} for arm in runs.ablation.arms}
    while wanted := _rates_wanted(runs.ablation, tried):
        runs.make(wanted)
        for arm, config in wanted:
            rate = float(config.training.learning_rate)
            tried[arm][rate] = Trial(rate, runs.score(arm, config, "nats"))
    if failed := [arm for arm, of in tried.items() if all(math.isinf(trial.loss) for trial in of.values())]:
        raise ValueError(f"{failed[0]} trains at none of {', '.join(f'{rate:g}' for rate in sorted(tried[failed[0]]))}")
    return tried


def _rates_wanted(ablation: Ablation, tried: Mapping[str, Mapping[float, Trial]]) -> Configs:
    """Return each arm with the configs of the rates that it is to try next."""
    wanted: Configs = []
    for arm, config in ablation.arms.items():
        start, losses = float(config.training.learning_rate), {rate: of.loss for rate, of in tried[arm].items()}
        rates = rates_to_try(losses, start)
        if "training.learning_rate" in ablation.experiment.factors:  # the question sets it
            rates = [] if losses else [start]
        wanted += [(arm, _at(config, rate)) for rate in rates]
    return wanted


def _at(config: ConfigDict, rate: float) -> ConfigDict:
    """Return the config at a learning rate; its trunk is kept, where its schedule has one, for more steps."""
    return with_trunk(config, learning_rate=rate)


def _tried_steps(runs: _Runs, arms: Mapping[str, ConfigDict]) -> dict[str, dict[int, Budget]]:
    """Double the steps of each arm until a doubling gains little; return all budgets by arm and steps.

    Args:
        runs: makes the runs.
        arms: arm -> its config at its best rate, whose runs are there.
    """
    measure = runs.ablation.experiment.measure
    tried: dict[str, dict[int, Budget]] = {arm: {} for arm in arms}
    fixed = runs.ablation.match != "steps" or {"training.steps", BUDGET} & {*runs.ablation.experiment.factors}
    if margin(runs.ablation.experiment) is None or fixed:
        return tried

    def note(configs: Configs) -> None:
        for arm, config in configs:
            steps, scores = int(config.training.steps), runs.score(arm, config, measure)
            if any(score is not None for score in scores.values()):
                tried[arm][steps] = Budget(steps, scores)

    halves = [(arm, halved(config)) for arm, config in arms.items()]
    runs.make(halves)
    note([*halves, *arms.items()])
    now = dict(arms)
    for _ in range(DOUBLINGS):
        learning = {
            arm: config
            for arm, config in now.items()
            if int(config.training.steps) in tried[arm] and not _learnt(runs.ablation, tried[arm])
        }
        now = {arm: with_training(config, steps=2 * config.training.steps) for arm, config in learning.items()}
        runs.make(list(now.items()), learning)
        note(list(now.items()))
    return tried


def _learnt(ablation: Ablation, budgets: Mapping[int, Budget]) -> bool:
    """Return whether the last doubling gained less than half of the margin under every seed that has both.

    The mean of two seeds alone would stop arms whose gain is just below it, and that a verdict then calls not trained.
    """
    if len(budgets) < 2:
        return False
    changes = changes_of(*(budgets[steps] for steps in sorted(budgets)[-2:]))
    if not changes:
        return False
    most = max(gain(ablation.experiment.measure, change) for change in changes)
    return most < ENOUGH * (margin(ablation.experiment) or 0.0)


def _loss(loss: float | None) -> str:
    return NOTHING if loss is None else "failed" if math.isinf(loss) else f"{loss:.4f}"

"""Tune the learning rate of each arm by its loss on validation, under seeds that no verdict uses.

Rates are a factor of two apart, beginning with the config's and its two neighbours. As long as the best of them is the
lowest or the highest, the next one beyond it is tried too. All trials of an arm train for as many steps.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ml_collections import ConfigDict
from rich.table import Table

from research.ablation.ablate import Ablation, with_rate
from research.ablation.launching.jobs import Job, Launcher
from research.results.run_folder import RunFolder
from research.results.tables import NOTHING, TableCell, TextTable, terminal_table
from research.results.tuned_rates import Trial, TunedArm, TunedRates, write_tuned_rates
from research.training.provenance import commit

SEEDS = (10, 11)
SPLIT = "validation"
FACTOR = 2.0
MOST = 6  # rates that one arm may try

Trials = Mapping[str, dict[float, Trial]]
"""arm -> rate -> what it came to."""


def tune(ablation: Ablation, launcher: Launcher) -> TunedRates:
    """Find the learning rate of each arm, and write all that were tried to tuning/NAME.json.

    Args:
        ablation: the question, with arms at the rates of their configs.
        launcher: runs the jobs.

    Raises:
        ValueError: nothing is trained, or an arm trains at no rate.
    """
    tried: Trials = {arm: {} for arm in ablation.arms}
    while wanted := _wanted(ablation, tried):
        for _ in ablation.train(launcher, wanted, SEEDS, SPLIT):
            pass
        for arm, config in wanted:
            trial = _trial(ablation, arm, config)
            tried[arm][trial.rate] = trial
    if failed := [arm for arm, of in tried.items() if all(math.isinf(trial.loss) for trial in of.values())]:
        raise ValueError(f"{failed[0]} trains at none of {', '.join(f'{rate:g}' for rate in sorted(tried[failed[0]]))}")
    folders = {folder for arm, of in tried.items() for rate in of for folder in _folders(ablation, arm, rate).values()}
    tuned = TunedRates(
        question=ablation.name,
        corpus=Path(ablation.config_file).stem,
        command=ablation.command,
        commit=commit(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seeds=SEEDS,
        seconds=sum(RunFolder(folder).provenance().get("seconds", 0.0) for folder in folders),
        arms=tuple(
            TunedArm(arm, ablation.digest_but_rate(ablation.arms[arm]), tuple(of[rate] for rate in sorted(of)))
            for arm, of in tried.items()
        ),
    )
    write_tuned_rates(tuned, ablation.tuning_file)
    return tuned


def first_launches(ablation: Ablation) -> list[list[Job]]:
    """Return what `tune` would launch first, in groups of jobs that may run at the same time."""
    return ablation.launches_of(_wanted(ablation, {arm: {} for arm in ablation.arms}), SEEDS, SPLIT)


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


def tuning_table(tuned: TunedRates) -> Table:
    """Return a row for each arm, with its loss at each rate; the best is bold."""
    rates = sorted({trial.rate for arm in tuned.arms for trial in arm.trials})
    rows: list[list[str | TableCell]] = []
    for arm in tuned.arms:
        losses = {trial.rate: trial.loss for trial in arm.trials}
        cells = [TableCell(_loss(losses.get(rate)), "bold" if rate == arm.rate else "") for rate in rates]
        rows.append([arm.name, *cells, f"{arm.rate:g}", f"the {arm.end} tried" if arm.end else ""])
    heads = ["nats a token by learning rate", *(f"{rate:g}" for rate in rates), "taken", ""]
    return terminal_table(TextTable(heads, rows), fold=[0], align="l" + "r" * (len(rates) + 1) + "l")


def _wanted(ablation: Ablation, tried: Trials) -> list[tuple[str, ConfigDict]]:
    """Return each arm with the configs that it is to try next."""
    if ablation.experiment.work == "time":
        raise ValueError(f"{ablation.name} times steps and trains nothing: there is no learning rate to tune")
    return [
        (arm, with_rate(config, rate))
        for arm, config in ablation.arms.items()
        for rate in rates_to_try({rate: of.loss for rate, of in tried[arm].items()}, config.training.learning_rate)
    ]


def _trial(ablation: Ablation, arm: str, config: ConfigDict) -> Trial:
    """Read what a rate came to; a training that stopped before it was evaluated has failed."""
    rate = float(config.training.learning_rate)
    found = {seed: RunFolder(folder) for seed, folder in _folders(ablation, arm, rate).items()}
    return Trial(rate, {
        seed: math.log(run.result()["splits"][SPLIT]["perplexity"])
        if run.is_evaluated(SPLIT, ablation.search)
        else None
        for seed, run in found.items()
    })  # fmt: skip


def _folders(ablation: Ablation, arm: str, rate: float) -> dict[int, Path]:
    config = with_rate(ablation.arms[arm], rate)
    return {seed: ablation.folder(arm, config, seed) for seed in SEEDS}


def _loss(loss: float | None) -> str:
    return NOTHING if loss is None else "failed" if math.isinf(loss) else f"{loss:.4f}"

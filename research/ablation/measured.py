"""The runs of an arm as a verdict needs them, read from their folders alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.results import counts
from research.results.answers import Curve
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder


class MeasuredRun(NamedTuple):
    """One run of an arm.

    Attributes:
        seed: its seed.
        counts: measure -> counts_NX, a row a sentence, or a block of them; of measures that are functions of counts.
        values: measure -> score, None where the run lacks it.
    """

    seed: int
    counts: Mapping[str, np.ndarray]
    values: Mapping[str, float | None]


def read_run(folder: Path, split: str, search: str, measures: Sequence[str]) -> MeasuredRun:
    """Read one run.

    Args:
        folder: a run folder that was evaluated, or timed.
        split: such as "test".
        search: such as "beam1", which is greedy.
        measures: names of `MEASURES`.
    """
    run = RunFolder.existing(folder)
    result, facts = run.result(), run.provenance()
    timing = result.get("timing") or {"seconds_per_step": facts["seconds"] / facts["steps"]}
    measured = {**result.get("splits", {}).get(split, {}), "timing": timing}
    values = {name: MEASURES[name].value(measured, search) for name in measures}
    counted: dict[str, np.ndarray] = {}
    for name in measures:
        of_sums = MEASURES[name].of_sums
        if values[name] is not None and of_sums is not None:
            counted[name] = counts.in_blocks(counts.read(run, split).of(name, search))
            values[name] = float(of_sums(counted[name].sum(axis=0, keepdims=True))[0])
    return MeasuredRun(int(run.config().seed), counted, values)


def read_costs(folders: Sequence[Path], trials: int) -> dict[str, Any]:
    """Return what a run of an arm cost, by the names of `COSTS`; {} without runs.

    Args:
        folders: the runs of the arm; seconds and tokens are their mean.
        trials: how many learning rates the arm tried.
    """
    facts = [RunFolder(folder).provenance() for folder in folders]
    if not facts:
        return {}
    same = {name: facts[0].get(name) for name in ("parameters", "flops_per_token", "steps")}
    mean = {name: sum(each.get(name, 0) for each in facts) / len(facts) for name in ("seconds", "tokens")}
    return {**same, **mean, "trials": trials}


def read_learning_rate(folder: Path) -> float:
    """Return the learning rate that a run was trained with."""
    return float(RunFolder(folder).config().training.learning_rate)


def read_curves(arms: Mapping[str, Sequence[Path]], measures: Sequence[str]) -> tuple[Curve, ...]:
    """Return measures over steps, as training wrote them down at each validation.

    Args:
        arms: arm -> its run folders.
        measures: names of validation measures.
    """
    found = []
    for arm, folders in arms.items():
        for folder in folders:
            run = RunFolder(folder)
            seed = int(run.config().seed)
            for name in measures:
                if points := run.validations(name):
                    found.append(Curve(arm, seed, name, tuple((float(step), v) for step, v in points.items())))
    return tuple(found)

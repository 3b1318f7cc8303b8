"""What the verdict reads: the runs of each arm, from their folders alone."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.ablation.measures import MEASURES
from research.ablation.verdict import Run
from research.results.run_folder import RunFolder


def is_evaluated(folder: Path, split: str, search: str) -> bool:
    """Whether nothing is left to do there: it was evaluated, or timed."""
    result = RunFolder(folder).result()
    return "timing" in result or search in result.get("splits", {}).get(split, {}).get("searches", {})


def read_run(folder: Path, split: str, search: str, measures: Sequence[str]) -> Run:
    """What one run has of `measures`: their values, and their counts sentence by sentence."""
    run = RunFolder.existing(folder)
    result = run.result()
    facts = run.provenance()
    timing = result.get("timing") or {"seconds_per_step": facts["seconds"] / facts["steps"]}
    measured = {**result.get("splits", {}).get(split, {}), "timing": timing}
    values = {name: MEASURES[name].value(measured, search) for name in measures}
    counted: dict[str, np.ndarray] = {}
    for name in measures:
        by = MEASURES[name]
        if values[name] is not None and by.counts is not None and by.of_sums is not None:
            counted[name] = by.counts(run, split, search)
            values[name] = float(by.of_sums(counted[name].sum(axis=0, keepdims=True))[0])
    return Run(int(run.config().seed), counted, values)


def costs(folders: Sequence[Path], trials: int) -> dict[str, Any]:
    """What a run of the arm cost: its parameters and the rest, seconds and tokens in the mean over seeds."""
    provenance = [RunFolder(folder).provenance() for folder in folders]
    if not provenance:
        return {}
    mean = {name: sum(each.get(name, 0) for each in provenance) / len(provenance) for name in ("seconds", "tokens")}
    same = {name: provenance[0].get(name) for name in ("parameters", "flops_per_token", "steps")}
    return {**same, **mean, "trials": trials}


def learning_rate(folder: Path) -> float:
    """That a run was trained with."""
    return float(RunFolder(folder).config().training.learning_rate)


def stated(folders: Sequence[Path], fact: str) -> set[str]:
    """What runs say of how they came about: "commit", the state of the code; "devices", what computed."""
    return {RunFolder(folder).provenance().get(fact, "") for folder in folders}


def validated(records: Iterable[Mapping[str, float]], measure: str) -> dict[int, float]:
    """A measure at each validation that has it, by the step. records: of metrics.jsonl."""
    name = f"validation/{measure}"
    return {int(record["step"]): record[name] for record in records if name in record}


def curves(arms: Mapping[str, Sequence[Path]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Measures over steps that training wrote down at each validation."""
    found = []
    for arm, folders in arms.items():
        for folder in folders:
            run = RunFolder(folder)
            records, seed = run.metrics(), int(run.config().seed)
            for name in names:
                if points := validated(records, name):
                    found.append({"arm": arm, "seed": seed, "name": name, "points": list(map(list, points.items()))})
    return found

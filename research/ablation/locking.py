"""Register a plan before its runs begin, and refuse to confirm anything else."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, is_dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from research.ablation.ablate import Ablation
from research.ablation.last_doubling import margin
from research.ablation.verdict import DECISION
from research.ablation.verdict import SEEDS as LEAST_SEEDS
from research.results.answers import AnswerLock
from research.results.identity import flat
from research.results.locks import Lock, LockedArm, Plan, write_lock
from research.results.run_folder import RunFolder
from research.statistics.hypotheses import LEVEL, Hypothesis
from research.training.provenance import commit, commit_of, now

FIRST_SEED, SEEDS = 100, 5


def with_fresh_seeds(
    ask: Callable[..., Ablation], before: Lock | None, looks: Sequence[int] = (), kept: Path | None = None
) -> Ablation:
    """Return the question with the first seeds from 100 that no earlier plan of it has and that have no runs yet.

    Questions that are registered before any of them is confirmed so have the same seeds, and share runs.

    Args:
        ask: seeds -> the question.
        before: the lock that is replaced, if there is one.
        looks: after how many seeds the plan looks; the last number is that of all. (): after five.
        kept: a folder with the evidence of runs that other answers had.
    """
    number = looks[-1] if looks else SEEDS
    for first in count(FIRST_SEED, SEEDS):
        ablation = ask(seeds=tuple(range(first, first + number)))
        if not set(_earlier(before)) & set(ablation.seeds) and not any(_seen(ablation, kept)):
            return ablation
    raise AssertionError


def plan_of(ablation: Ablation, earlier_seeds: Sequence[int] = ()) -> Plan:
    """Return all that the verdict on a question depends on, but for what its runs measure.

    Args:
        ablation: the question as it is asked.
        earlier_seeds: those of earlier plans of the question.
    """
    experiment = ablation.experiment
    trains = experiment.work == "train"

    def arm(name: str) -> LockedArm:
        training = ablation.arms[name].training
        return LockedArm(
            fields=dict(experiment.arms[name]),
            identity=ablation.request.arms[name],
            steps=int(training.steps) if trains else None,
            learning_rate=float(training.learning_rate) if trains else None,
        )

    plan = Plan(
        question=ablation.name,
        corpus=ablation.corpus,
        claim=str(experiment.claim),
        measure=experiment.measure,
        hypotheses=tuple(map(_declared, experiment.verdict)),
        probes=tuple(map(_declared, experiment.probes)),
        arms={name: arm(name) for name in ablation.arms},
        tuning=ablation.tuning,
        split=ablation.split,
        search=ablation.search,
        seeds=tuple(ablation.seeds),
        earlier_seeds=tuple(earlier_seeds),
        level=LEVEL,
        decision=DECISION,
        calibration=ablation.calibration,
        looks=ablation.looks_after,
        gold=ablation.runs.gold,
        at_least=dict(experiment.at_least),
        accelerator=experiment.accelerator,
    )
    return msgspec.json.decode(msgspec.json.encode(plan), type=Plan)  # as it is read from a file


def register(ablation: Ablation, file: Path, before: Lock | None, kept: Path | None = None) -> Lock:
    """Write the lock of a question, to be committed before --confirm.

    Args:
        ablation: the question as it will be asked.
        file: of the lock.
        before: the lock that is there, if one is.
        kept: a folder with the evidence of runs that other answers had.

    Raises:
        ValueError: the learning rates were not tuned, no margin says when arms have done learning, two arms are one,
            the seeds are too few or not fresh, or the lock that is there has the same plan. Arms that are too small
            for the claim need not be tuned: they will not be trained.
    """
    trains = ablation.experiment.work == "train" and not any(ablation.experiment.too_small(ablation.arms))
    if ablation.tuning is None and trains:
        raise ValueError(f"the learning rates of {ablation.name} were not tuned: --tune first, with the same flags")
    if margin(ablation.experiment) is None and trains:
        raise ValueError(
            f"{ablation.name} declares no margin above 0 in {ablation.experiment.measure}, so that nothing says when "
            "its arms have done learning: give its hypotheses one"
        )
    if before and before.plan.sha256 == plan_of(ablation, before.plan.earlier_seeds).sha256:
        raise ValueError(f"{file} has this plan already: commit it, then --confirm")
    earlier = _earlier(before)
    _refuse_seeds(ablation, earlier, kept)
    identities = list(ablation.request.arms.values())
    for name, identity in ablation.request.arms.items():
        if identities.count(identity) > 1:
            raise ValueError(f"{name} is the same as another arm once it is tuned: there is nothing to compare")
    plan = plan_of(ablation, earlier)
    lock = Lock(
        plan=plan,
        sha256=plan.sha256,
        registered=now(),
        command=ablation.command,
        commit=commit(),
    )
    write_lock(lock, file)
    return lock


def confirmable(ablation: Ablation, lock: Lock, file: Path) -> AnswerLock:
    """Return what an answer says of its lock, if everything is as it was locked.

    Args:
        ablation: the question as it is asked now, with the learning rates of the lock.
        lock: as it was registered.
        file: of the lock.

    Raises:
        ValueError: something differs from the plan, files are not committed, or a run is older than the lock.
    """
    asked = plan_of(ablation, lock.plan.earlier_seeds)
    if changed := list(_differences(lock.plan, asked)):
        name, locked, found = changed[0]
        others = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ValueError(
            f"{file} locks {name}={locked!r}, and now it is {found!r}{others}: ask as it was registered "
            f"({lock.command}), or --register anew, which needs new seeds"
        )
    here, committed = commit(), commit_of(file)
    if here.endswith("+") or committed is None:
        raise ValueError(
            f"{file} is not committed, or other files have changed since the last commit: commit them, so that the "
            "answer can name the code and the plan that it comes from"
        )
    for folder in _run_folders(ablation):
        if folder.is_dir() and RunFolder(folder).provenance().get("began", "") < committed.time:
            raise ValueError(
                f"{folder} began before {file} was committed: a plan is not judged by runs from before it; --register "
                "anew, which takes fresh seeds"
            )
    return AnswerLock(file=file.name, sha256=lock.sha256, commit=committed.commit, registered=lock.registered)


def _earlier(before: Lock | None) -> list[int]:
    return sorted({*before.plan.seeds, *before.plan.earlier_seeds}) if before else []


def _refuse_seeds(ablation: Ablation, earlier: Sequence[int], kept: Path | None) -> None:
    """Refuse seeds that are too few, or whose results somebody may have seen."""
    if len(ablation.look.seeds) < LEAST_SEEDS:
        raise ValueError(f"a verdict needs {LEAST_SEEDS} seeds at least, such as --seeds=100,101,102, at each look")
    if low := [seed for seed in ablation.seeds if seed < FIRST_SEED]:
        raise ValueError(f"seed {low[0]} is one to explore with: a plan takes seeds from {FIRST_SEED}")
    if used := sorted(set(earlier) & set(ablation.seeds)):
        raise ValueError(f"an earlier plan has used seed {used[0]}: a new plan needs seeds that none has used")
    if there := next(_seen(ablation, kept), None):
        raise ValueError(f"{there} is there already, and may have been looked at: a plan needs seeds without runs")


def _seen(ablation: Ablation, kept: Path | None) -> Iterator[Path]:
    """Yield the runs of a plan that are there already, or whose evidence is."""
    for folder in _run_folders(ablation):
        yield from (path for path in (folder, kept and kept / folder.name) if path and path.exists())


def _run_folders(ablation: Ablation) -> Iterator[Path]:
    """Yield the folders of all runs that a verdict needs."""
    for configs in (ablation.halves, ablation.arms):
        for arm, config in configs.items():
            yield from (ablation.runs.folder(arm, config, seed) for seed in ablation.seeds)


def _declared(hypothesis: Hypothesis) -> dict[str, Any]:
    """Return a hypothesis as its type and its fields."""
    assert is_dataclass(hypothesis)
    assert not isinstance(hypothesis, type)
    return {"type": type(hypothesis).__name__, **asdict(hypothesis)}


def _differences(locked: Plan, now: Plan) -> Iterator[tuple[str, object, object]]:
    """Yield what differs between two plans: its name, and both values."""
    one, other = (flat(msgspec.to_builtins(plan, str_keys=True)) for plan in (locked, now))
    for name in one | other:
        if one.get(name) != other.get(name):
            yield name, one.get(name), other.get(name)

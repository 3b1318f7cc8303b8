"""Register a plan before its runs begin, and refuse to confirm anything else."""

from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from research.ablation.ablate import Ablation
from research.ablation.last_doubling import margin
from research.ablation.verdict import DECISION
from research.results.answers import AnswerLock
from research.results.identity import flat
from research.results.locks import Lock, LockedArm, Plan, write_lock
from research.results.run_folder import RunFolder
from research.statistics.hypotheses import LEVEL, Hypothesis
from research.training.provenance import commit, commit_of

FIRST_SEED, SEEDS = 100, 5


def fresh_seeds(before: Lock | None) -> tuple[int, ...]:
    """Return seeds for a plan that no earlier plan of the question has used.

    Args:
        before: the lock that it replaces, if there is one.
    """
    first = max(before.plan.seeds) + 1 if before else FIRST_SEED
    return tuple(range(first, first + SEEDS))


def plan_of(ablation: Ablation) -> Plan:
    """Return all that the verdict on a question depends on, but for what its runs measure."""
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
        arms={name: arm(name) for name in ablation.arms},
        tuning=ablation.tuning,
        split=ablation.split,
        search=ablation.search,
        seeds=tuple(ablation.seeds),
        level=LEVEL,
        decision=DECISION,
    )
    return msgspec.convert(msgspec.to_builtins(plan, str_keys=True), Plan, str_keys=True)  # as it is read from a file


def register(ablation: Ablation, file: Path, before: Lock | None) -> Lock:
    """Write the lock of a question, to be committed before --confirm.

    Args:
        ablation: the question as it will be asked.
        file: of the lock.
        before: the lock that is there, if one is.

    Raises:
        ValueError: the learning rates were not tuned, no margin says when arms have done learning, or the lock that is
            there has the same plan or some of its seeds.
    """
    if ablation.tuning is None and ablation.experiment.work == "train":
        raise ValueError(f"the learning rates of {ablation.name} were not tuned: --tune first, with the same flags")
    if margin(ablation.experiment) is None and ablation.experiment.work == "train":
        raise ValueError(
            f"{ablation.name} declares no margin above 0 in {ablation.experiment.measure}, so that nothing says when "
            "its arms have done learning: give its hypotheses one"
        )
    plan = plan_of(ablation)
    if before and before.plan.sha256 == plan.sha256:
        raise ValueError(f"{file} has this plan already: commit it, then --confirm")
    if before and (used := sorted(set(before.plan.seeds) & set(plan.seeds))):
        raise ValueError(f"{file} locks another plan for seed {used[0]}: a new plan needs seeds that none has used")
    lock = Lock(
        plan=plan,
        sha256=plan.sha256,
        registered=datetime.now(UTC).isoformat(timespec="seconds"),
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
    now = plan_of(ablation)
    if changed := list(_differences(lock.plan, now)):
        name, locked, asked = changed[0]
        others = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ValueError(
            f"{file} locks {name}={locked!r}, and now it is {asked!r}{others}: ask as it was registered "
            f"({lock.command}), or --register anew, which needs new seeds"
        )
    here, of_lock = commit(), commit_of(file)
    if here.endswith("+") or not of_lock:
        raise ValueError(
            f"{file} is not committed, or other files have changed since the last commit: commit them, so that the "
            "answer can name the code and the plan that it comes from"
        )
    for seeds in ablation.asked().folders.values():
        for folder in seeds.values():
            began = RunFolder(folder).provenance().get("began", "") if folder.is_dir() else lock.registered
            if began < lock.registered:
                raise ValueError(f"{folder} is older than {file}: a plan is not judged by runs from before it")
    return AnswerLock(file=file.name, sha256=lock.sha256, commit=of_lock, registered=lock.registered)


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

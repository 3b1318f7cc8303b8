"""Locks: what a confirmatory answer will be judged by, written down and committed before its runs begin.

A lock is experiments/locks/QUESTION.CORPUS.json. `ablate --register` writes it, `ablate --confirm` reads it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from research.files import json_bytes, write_whole
from research.results.answers import AnswerCalibration
from research.results.tunings import Tuning


class LockedArm(Struct, frozen=True, forbid_unknown_fields=True):
    """One arm of a plan.

    Attributes:
        fields: the fields of the config that it changes, and their values.
        identity: of its runs but for their seed.
        steps, learning_rate: of its training; None where nothing is trained.
    """

    fields: dict[str, Any]
    identity: str
    steps: int | None
    learning_rate: float | None


class Plan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """All that a verdict depends on but for what the runs will measure.

    Where the fields with defaults have these, the digest is that of a plan from before there were such fields.

    Attributes:
        hypotheses: each as its type and its fields, which hold margins and measures.
        probes: the hypotheses beside the claim.
        tuning: the learning rates that were tried; None where nothing is trained.
        seeds: of each arm; tuning used none of them.
        earlier_seeds: of the plans that this one replaces.
        level: 1 - α of intervals and verdicts.
        decision: the rule by which hypotheses become a verdict.
        calibration: what the corpus's baseline came to; None where its config declares none.
        looks: after how many seeds it may give a verdict, where it looks more than once.
        gold: the SHA-256 of the file of alignments that attention is compared with; "": those of the corpus, if any.
        at_least, accelerator: what the claim is about, see `Experiment`.
    """

    question: str
    corpus: str
    claim: str
    measure: str
    hypotheses: tuple[dict[str, Any], ...]
    probes: tuple[dict[str, Any], ...] = ()
    arms: dict[str, LockedArm]
    tuning: Tuning | None
    split: str
    search: str
    seeds: tuple[int, ...]
    earlier_seeds: tuple[int, ...]
    level: float
    decision: str
    calibration: AnswerCalibration | None
    looks: tuple[int, ...] = ()
    gold: str = ""
    at_least: dict[str, float] = {}
    accelerator: bool = False

    @property
    def sha256(self) -> str:
        """The digest of the plan, whatever the order and the spaces of its JSON."""
        plain = json.dumps(msgspec.to_builtins(self, str_keys=True), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(plain.encode()).hexdigest()


class Lock(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plan with its digest.

    Attributes:
        registered: when, as ISO 8601.
        command, commit: how and by which code.
    """

    plan: Plan
    sha256: str
    registered: str
    command: str
    commit: str


def write_lock(lock: Lock, file: Path) -> None:
    """Write a lock, whole or not at all."""
    write_whole(file, json_bytes(lock))


def read_lock(file: Path) -> Lock | None:
    """Read a lock; None where there is none.

    Raises:
        ValueError: the file is damaged, or its plan was edited.
    """
    if not file.is_file():
        return None
    try:
        lock = msgspec.json.decode(file.read_bytes(), type=Lock)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is damaged ({error}): take it from git again") from None
    if lock.plan.sha256 != lock.sha256:
        raise ValueError(f"{file} was edited after it was registered: take it from git again")
    return lock

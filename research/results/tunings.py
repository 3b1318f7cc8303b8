"""Tuning: every learning rate and every number of steps that the arms of a question tried, and what each arm takes.

`ablate --tune` writes OUT/tuning/QUESTION.json, and later calls of `ablate` read it.
"""

import math
from pathlib import Path

import msgspec
from msgspec import Struct

from research.files import json_bytes, write_whole


class Trial(Struct, frozen=True, forbid_unknown_fields=True):
    """One learning rate of an arm.

    Attributes:
        rate: the learning rate.
        losses: seed -> nats a token on validation at the end of training; None where training failed.
    """

    rate: float
    losses: dict[int, float | None]

    @property
    def loss(self) -> float:
        """The mean over seeds; infinite if one of them failed."""
        known = [math.inf if loss is None else loss for loss in self.losses.values()]
        return sum(known) / len(known)


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """One number of steps of an arm, at its best learning rate.

    Attributes:
        steps: the number of steps.
        scores: seed -> the question's measure on validation at the end; None where training failed.
    """

    steps: int
    scores: dict[int, float | None]


def changes_of(before: Budget, after: Budget) -> list[float]:
    """Return by how much the score of each seed changed from fewer steps to more; of the seeds that have both."""
    pairs = ((before.scores.get(seed), score) for seed, score in after.scores.items())
    return [end - start for start, end in pairs if start is not None and end is not None]


class TunedArm(Struct, frozen=True, forbid_unknown_fields=True):
    """An arm with its trials.

    Attributes:
        identity: of its config as it was asked, but for the seed and the learning rate.
        trials: all learning rates that were tried, the lowest first.
        budgets: all numbers of steps that were tried, the lowest first; none where the question fixes them.
        steps: what the arm trains for.
        learnt: whether the last doubling of steps gained little; None where the question fixes them.
    """

    name: str
    identity: str
    trials: tuple[Trial, ...]
    budgets: tuple[Budget, ...]
    steps: int
    learnt: bool | None

    @property
    def rate(self) -> float:
        """The rate of the lowest loss."""
        return self.trials[self._best].rate

    @property
    def end(self) -> str | None:
        """Return "lowest" or "highest" where the best rate is that of all tried: a better one may lie beyond."""
        if len(self.trials) == 1:
            return None
        return {0: "lowest", len(self.trials) - 1: "highest"}.get(self._best)

    @property
    def _best(self) -> int:
        return min(range(len(self.trials)), key=lambda index: self.trials[index].loss)


class Tuning(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The tuning of a question on a corpus.

    Attributes:
        command, commit, finished: how, by which code and when it was done.
        seeds: of the trials; no verdict may use them.
        seconds: of training, of all trials together.
    """

    question: str
    corpus: str
    command: str
    commit: str
    finished: str
    seeds: tuple[int, ...]
    seconds: float
    arms: tuple[TunedArm, ...]

    def of(self, arm: str) -> TunedArm | None:
        """Return the trials of an arm, None if it was not tuned."""
        return next((each for each in self.arms if each.name == arm), None)


def write_tuning(tuning: Tuning, file: Path) -> None:
    """Write what was tried, whole or not at all."""
    write_whole(file, json_bytes(tuning))


def read_tuning(file: Path) -> Tuning | None:
    """Read what was tried, None where nothing was; ValueError if the file is damaged."""
    if not file.is_file():
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Tuning)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is damaged ({error}): remove it, and --tune makes it again from its runs") from None

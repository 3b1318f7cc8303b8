"""A training that writes a digest of every step, and is killed at a moment that `training.audit` has chosen.

python -m research.training.audited ATTEMPT.json [NUMBER OF THE PROCESS]
"""

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np
from msgspec import Struct

from research.files import are_written_here, json_line
from research.parallel.devices import Rows
from research.parallel.endings import ending, interrupt_on_signals
from research.parallel.processes import joined
from research.results.checkpoints import digests
from research.results.identity import config_from_json
from research.training import trainer
from research.training.step import TrainState
from research.training.training_run import TrainingRun

UNFINISHED = "orbax-checkpoint-tmp"
"""A part of the name of a checkpoint that Orbax is writing."""


class Moment(Struct, frozen=True):
    """A moment at which a training is killed.

    Attributes:
        name: one of `MOMENTS`.
        number: of its occurrences the one that kills; of a signal the step; of "any time" milliseconds.
    """

    name: str
    number: int


class Attempt(Struct, frozen=True):
    """A process that trains: it may begin a run or go on.

    Attributes:
        config: as in config.json.
        workdir: the run folder.
        log: the file to which a line a step is added.
        command: for provenance.json.
        moment: when it is killed; None: it comes to its end.
        processes: how many train it together.
        coordinator: where they meet, if there are several.
    """

    config: dict[str, Any]
    workdir: str
    log: str
    command: str
    moment: Moment | None = None
    processes: int = 1
    coordinator: str = ""


class Step(Struct, frozen=True):
    """A line of the log: what a step left, and what it was of."""

    step: int
    state: str
    batch: str
    cursor: str


def kill(*_: Any) -> NoReturn:
    """End this process at once, as a machine that is taken away does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def _at_event(is_it: Callable[[str, tuple[Any, ...]], bool], number: int) -> None:
    """Kill when Python is about to do, for the `number`th time, what `is_it` tells by its audit event."""
    left = number

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if is_it(event, arguments):
            left -= 1
            if not left:
                kill()

    sys.addaudithook(hook)


def _config_is_written(event: str, arguments: tuple[Any, ...]) -> bool:
    return event == "os.rename" and str(arguments[1]).endswith("config.json")


def _checkpoint_is_begun(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in ("os.mkdir", "open") and UNFINISHED in str(arguments[0])


def _checkpoint_is_renamed(event: str, arguments: tuple[Any, ...]) -> bool:
    return event == "os.rename" and UNFINISHED in str(arguments[0])


def _checkpoint_is_deleted(event: str, arguments: tuple[Any, ...]) -> bool:
    path = Path(str(arguments[0])) if event in ("shutil.rmtree", "os.remove", "os.rmdir") else Path()
    return "checkpoints" in path.parts and UNFINISHED not in str(path)


def _in_a_validation(number: int) -> None:
    left, validate = number, TrainingRun._validation_loss

    def validated(self: TrainingRun, step: int, state: TrainState) -> float:
        nonlocal left
        left -= 1
        if not left:
            kill()
        return validate(self, step, state)

    TrainingRun._validation_loss = validated  # type: ignore[method-assign]


def _after(milliseconds: int) -> None:
    clock = threading.Timer(milliseconds / 1000, kill)
    clock.daemon = True
    clock.start()


SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
"""Moment -> the signal that asks a training to save and end."""
MOMENTS: dict[str, Callable[[int], None]] = {
    "any time": _after,
    "its first files": lambda number: _at_event(_config_is_written, number),
    "an unfinished save": lambda number: _at_event(_checkpoint_is_begun, number),
    "the last rename of a save": lambda number: _at_event(_checkpoint_is_renamed, number),
    "a deletion": lambda number: _at_event(_checkpoint_is_deleted, number),
    "a validation": _in_a_validation,
    **dict.fromkeys(SIGNALS, lambda number: None),
}
"""Moment -> what has the process killed there."""


def main(arguments: list[str]) -> int:
    interrupt_on_signals("train")
    attempt = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Attempt)
    several = (attempt.coordinator, attempt.processes, int(arguments[1])) if attempt.coordinator else (None,) * 3
    moment = attempt.moment
    if moment is not None:
        MOMENTS[moment.name](moment.number)
    with open(attempt.log, "ab", buffering=0) as log:

        def watch(run: TrainingRun, step: int, state: TrainState, batch: Rows) -> None:
            if are_written_here():
                log.write(json_line(_as_line(run, step, state, batch)))
            if moment is not None and moment.name in SIGNALS and step == moment.number:
                signal.raise_signal(SIGNALS[moment.name])

        try:
            with joined("train", *several):
                trainer.train(config_from_json(attempt.config), attempt.workdir, command=attempt.command, watch=watch)
        except (Exception, KeyboardInterrupt) as error:
            last = ending(error, "train")
            print(last.sentence, file=sys.stderr)
            return last.code
    return 0


def _as_line(run: TrainingRun, step: int, state: TrainState, batch: Rows) -> Step:
    return Step(
        step,
        _digest(*(f"{name} {digest}" for name, digest in sorted(digests(state).items()))),
        _digest(*(f"{name} {digest}" for name, digest in sorted(digests(batch).items()))),
        _digest(repr(run.stream.get_state()), str(run.seed), str(np.asarray(state.step))),
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

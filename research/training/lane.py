"""One run among those that the loop trains: what it carries, what it writes, and how it goes on from its checkpoint."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from research.results.checkpoints import Checkpoints
from research.results.run_folder import RunFolder
from research.training.metrics import Metrics
from research.training.step import State

BEST_BY = {"perplexity": 1.0, "bleu": -1.0}  # times the measure is a loss: low is good
Validate = Callable[[Any], dict[str, float]]  # params -> measures, "perplexity" among them


@dataclass(frozen=True)
class Schedule:
    """When the loop does what, in steps. patience: validations without improvement before stopping; 0: never.

    best_by: the measure that the best checkpoint is chosen by, "perplexity" (low is good) or "bleu" (high is good).
    """

    steps: int
    log_every: int
    validate_every: int
    save_every: int
    best_by: str
    patience: int

    def __post_init__(self) -> None:
        for name in ("steps", "log_every", "validate_every", "save_every"):
            if getattr(self, name) < 1:
                asked = "steps" if name == "steps" else f"{name}_steps"
                raise ValueError(f"training.{asked}={getattr(self, name)} must be at least 1")
        if self.best_by not in BEST_BY:
            raise ValueError(f"training.keep_best_by={self.best_by!r} is unknown; choose one of {', '.join(BEST_BY)}")

    def validates(self, step: int) -> bool:
        return step % self.validate_every == 0 or step == self.steps

    def saves(self, step: int) -> bool:
        return self.validates(step) or step % self.save_every == 0


@dataclass
class Progressed:
    """What is carried beside the state, and saved with it.

    seconds: of training so far; of runs side by side, this one's share. tokens: of the target, learned from. best,
    since_best: the best measure, and validations since it. window: the metrics of each step since the last line of the
    log. not_finite: steps running, up to now, that were skipped.
    """

    seconds: float = 0.0
    tokens: float = 0.0
    best: float = math.inf
    since_best: int = 0
    window: list[dict[str, float]] = field(default_factory=list)
    not_finite: int = 0


class Lane:
    """One run, and its folder.

    seed: of its dropout; its initial weights are in `state`, its data order in `batches`. state: before the first step.
    batches: has `iterate(start)`, a stream with `get_state`; its cursor is saved with the state. error: why the run was
    given up.
    """

    def __init__(
        self,
        *,
        seed: int,
        state: State,
        batches: Any,
        checkpoints: Checkpoints,
        validate: Validate,
        folder: RunFolder,
        schedule: Schedule,
    ):
        self.seed, self.folder, self.schedule = seed, folder, schedule
        self.state = state
        self.error: Exception | None = None
        self.so_far = Progressed()
        self.tokens = 0.0  # since the last line of the log
        self._validate, self._checkpoints = validate, checkpoints
        self._written: Metrics | None = None
        self.stream = batches.iterate(0)

    @property
    def name(self) -> str:
        return self.folder.path.name

    @property
    def goes_on(self) -> bool:
        """Asked before a step, not after a validation: a run that stopped early stays so when it is started again."""
        return self.error is None and not 0 < self.schedule.patience <= self.so_far.since_best

    def resume(self) -> None:
        """Take up the run where its last checkpoint stands, and forget what it wrote of later steps."""
        self._checkpoints.remove_unfinished()
        if steps := self._checkpoints.steps():
            self.state, notes = self._checkpoints.restore(steps[-1], like=self.state)
            self.stream.set_state(notes["cursor"])
            self.so_far = Progressed(**{name: notes[name] for name in vars(Progressed())})
        self._remove_stops()
        self._say_how_far()
        self._written = Metrics(self.folder, self.done)

    def hand_over(self) -> State:
        """The state to train from, which is not kept here a second time."""
        state = self.state
        del self.state
        return state

    @property
    def done(self) -> int:
        """Steps whose batches were drawn."""
        return int(self.stream.get_state()["next_index"])

    def note(self, step: int, values: dict[str, float]) -> None:
        """Take the metrics of a step; FloatingPointError when it is the twentieth running that was not finite."""
        self.so_far.not_finite = self.so_far.not_finite + 1 if values["skipped"] else 0
        if self.so_far.not_finite >= 20:
            raise FloatingPointError(
                f"the gradient was not finite for 20 steps up to step {step:,}: lower training.learning_rate, "
                "set training.clip_norm, or use precision='float32'; earlier checkpoints are kept"
            )
        self.so_far.window.append(values)
        self.so_far.tokens += values["tokens"]
        self.tokens += values["tokens"]

    def log(self, step: int, since: float, rate: float) -> float:
        """Write the means over the steps since the last line; gives nll. since: seconds of training not yet counted."""
        window = self.so_far.window
        record = {"tokens_per_second": rate, "skipped": sum(v["skipped"] for v in window)}
        if learned := [v for v in window if not v["skipped"]]:  # the others have no loss
            tokens = sum(v["tokens"] for v in learned)
            record |= {key: sum(v[key] * v["tokens"] for v in learned) / tokens for key in ("loss", "nll")}
            record["gradient_norm"] = learned[-1]["gradient_norm"]
        named = {f"train/{name}": value for name, value in record.items()}
        self._write(step, {"seconds": self.so_far.seconds + since, **named})
        window.clear()
        self.tokens = 0.0
        return record.get("nll", math.nan)

    def save(self, done: int, host: State) -> None:
        """Write a checkpoint, after validating where the schedule says so."""
        loss = self._validated(done, host) if self.schedule.validates(done) else None
        notes = {"cursor": self.stream.get_state(), **vars(self.so_far)}
        self._checkpoints.save(done, host, notes, loss=loss)
        self._remove_stops()
        self._say_how_far()

    def close(self) -> None:
        """Write what is still held back."""
        if self._written is not None:
            self._written.close()

    def _remove_stops(self) -> None:
        """Delete every checkpoint off the schedule, else averaging the last few would show that the run was stopped.

        The last one stays, to go on from, and the best one, which may be the end of a shorter schedule.
        """
        for step in self._checkpoints.steps()[:-1]:
            if not self.schedule.saves(step) and step != self._checkpoints.best_step():
                self._checkpoints.delete(step)

    def _write(self, step: int, values: dict[str, float]) -> None:
        assert self._written is not None, "a lane is resumed before it is trained"
        self._written.add(step, values)

    def _validated(self, done: int, host: State) -> float:
        measures = self._validate(host.averaged or host.params)
        self._write(done, {f"validation/{name}": value for name, value in measures.items()})
        loss = BEST_BY[self.schedule.best_by] * measures[self.schedule.best_by]
        so_far, improved = self.so_far, loss < self.so_far.best
        so_far.best, so_far.since_best = (loss, 0) if improved else (so_far.best, so_far.since_best + 1)
        return loss

    def _say_how_far(self) -> None:
        so_far = {"seconds": self.so_far.seconds, "tokens": self.so_far.tokens}
        self.folder.update_provenance({"steps": self.done, **so_far})

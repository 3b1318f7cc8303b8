"""One run in training: its state, batches, folder and progress; when it is logged, validated and saved."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax

from research.files import are_written_here
from research.models.layers import stacked, unstacked
from research.parallel import processes
from research.results.checkpoints import Checkpoints
from research.results.run_folder import RunFolder
from research.training.background import Background
from research.training.metrics import MetricsWriter
from research.training.not_finite import first_leaf
from research.training.step import TrainState

BEST_BY = {"perplexity": 1.0, "bleu": -1.0}  # measure -> the factor that makes it a loss: lower is better
MOST_NOT_FINITE = 20  # steps in a row without a finite gradient, after which a run is stopped
STEADIER = (
    "lower training.learning_rate, set training.clip_norm, or use precision='float32'; earlier checkpoints are kept"
)
Validate = Callable[[Any], dict[str, float]]  # parameters -> measures, "perplexity" among them
Explain = Callable[[TrainState, int], str]  # state, a step whose gradient was not finite -> why, in words


@dataclass(frozen=True)
class LoopSchedule:
    """The steps at which the loop logs, validates, saves and ends.

    Args:
        steps: steps of the whole training.
        log_every: steps between two lines of metrics.jsonl.
        validate_every: steps between two validations; each is followed by a save.
        save_every: steps between two saves.
        best_by: the measure that chooses the best checkpoint: "perplexity" (low is good) or "bleu" (high is good).
        patience: validations in a row without improvement after which training stops; 0 never stops it.
        keep_last: how many of the last saves of this schedule stay, beside the best one.
        trunk: the step whose checkpoint longer runs may begin with, which is kept beside the others; 0 for none.
    """

    steps: int
    log_every: int
    validate_every: int
    save_every: int
    best_by: str
    patience: int
    keep_last: int = 1
    trunk: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "log_every", "validate_every", "save_every"):
            if getattr(self, name) < 1:
                asked = "steps" if name == "steps" else f"{name}_steps"
                raise ValueError(f"training.{asked}={getattr(self, name)} must be at least 1")
        if self.best_by not in BEST_BY:
            raise ValueError(f"training.keep_best_by={self.best_by!r} is unknown; choose one of {', '.join(BEST_BY)}")

    def validates(self, step: int) -> bool:
        """Tell whether `step` is followed by a validation."""
        return step % self.validate_every == 0 or step == self.steps

    def saves(self, step: int) -> bool:
        """Tell whether `step` is followed by a save."""
        return self.validates(step) or step % self.save_every == 0

    def pauses(self, step: int) -> bool:
        """Tell whether the state is written after `step`: to be resumed from, or for longer runs."""
        return self.saves(step) or step == self.trunk


@dataclass
class RunProgress:
    """Numbers that are saved with the state. The names of the fields are names in every checkpoint.

    Args:
        seconds: seconds of training so far; a run trained side by side with others has its share of the time.
        tokens: target tokens trained on so far.
        best: the lowest loss of a validation (see `BEST_BY`).
        since_best: validations since the best one.
        window: the metrics of each step since the last line of metrics.jsonl.
        not_finite: steps in a row, up to now, whose gradient was not finite.
    """

    seconds: float = 0.0
    tokens: float = 0.0
    best: float = math.inf
    since_best: int = 0
    window: list[dict[str, float]] = field(default_factory=list)
    not_finite: int = 0


class TrainingRun:
    """One run in training, and the only writer of its folder's checkpoints and metrics.

    Args:
        seed: the seed of its dropout. Its initial weights are in `state` and its data order in `batches`.
        state: the state before the first step.
        batches: an object with `iterate(start)`, a stream with `get_state` and `set_state`. The stream's position is
            saved with the state.
        checkpoints: the store of its checkpoints.
        validate: measures parameters on the validation split.
        explain: says why the gradient of a step was not finite, and keeps its batch.
        folder: the run folder.
        schedule: when to log, validate and save.
        trackers: further places that its metrics go to; see `MetricsWriter`.
        background_saves: True to train on while a checkpoint is written.
    """

    def __init__(
        self,
        *,
        seed: int,
        state: TrainState,
        batches: Any,
        checkpoints: Checkpoints,
        validate: Validate,
        explain: Explain,
        folder: RunFolder,
        schedule: LoopSchedule,
        trackers: Sequence[str] = (),
        background_saves: bool = False,
    ):
        self.seed, self.folder, self.schedule = seed, folder, schedule
        self.state = state
        self.error: Exception | None = None  # the exception that ended this run
        self.stuck_at = 0  # the step that was the last of `MOST_NOT_FINITE` in a row; 0: there is none
        self.progress = RunProgress()
        self.tokens = 0.0  # since the last line of metrics.jsonl
        self._validate, self._explain, self._checkpoints = validate, explain, checkpoints
        self._saves = Background(beside=background_saves)
        self._metrics: MetricsWriter | None = None
        self._trackers = trackers
        self.stream = batches.iterate(0)

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.path.name

    @property
    def active(self) -> bool:
        """True unless an error or `schedule.patience` has ended the run. Read before a step.

        A run that stopped early stays stopped when its command is given again.
        """
        return self.error is None and not 0 < self.schedule.patience <= self.progress.since_best

    @property
    def steps_done(self) -> int:
        """Steps whose batches were drawn."""
        return int(self.stream.get_state()["next_index"])

    def resume(self) -> None:
        """Load the last checkpoint, if there is one, and delete metrics of later steps."""
        if are_written_here():
            self._checkpoints.remove_unfinished()
        if steps := self._checkpoints.steps():
            apart = jax.eval_shape(unstacked, self.state)
            kept, notes = self._checkpoints.restore(steps[-1], like=apart)
            ours: Any = jax.tree.structure(self.state)
            self.state = kept if ours == jax.tree.structure(apart) else stacked(kept)
            self.stream.set_state(notes["cursor"])
            if steps[-1] != self.steps_done:
                raise ValueError(
                    f"checkpoint {steps[-1]} is damaged: its batches are at step {self.steps_done}; remove "
                    f"{self._checkpoints.folder / str(steps[-1])} to go on from an earlier one"
                )
            self.progress = RunProgress(**{name: notes[name] for name in vars(RunProgress())})
        if are_written_here():
            self._tidy(self.steps_done, self.progress)  # unless it was killed before it could
        self._metrics = MetricsWriter(self.folder, self.steps_done, self._trackers)

    def close(self) -> None:
        """End the session of its metrics, the processes that read its batches, and what is being written."""
        self._saves.close()
        self.stream.close()
        if self._metrics is not None:
            at_its_end = self.steps_done >= self.schedule.steps or not self.active
            self._metrics.close(complete=self.error is None and at_its_end)

    def take_state(self) -> TrainState:
        """Return the state to train from, and keep no second copy of it here."""
        state = self.state
        del self.state
        return state

    def count(self, step: int, values: dict[str, float]) -> None:
        """Add the metrics of a step to the progress."""
        progress = self.progress
        progress.not_finite = progress.not_finite + 1 if values["skipped"] else 0
        if progress.not_finite >= MOST_NOT_FINITE and not self.stuck_at:
            self.stuck_at = step
        progress.window.append(values)
        progress.tokens += values["tokens"]
        self.tokens += values["tokens"]

    def log(self, step: int, unsaved_seconds: float, rate: float) -> float:
        """Write a line of metrics.jsonl: means, weighted by tokens, over the steps since the last line.

        Args:
            step: the last of these steps.
            unsaved_seconds: seconds of training that `progress.seconds` does not count yet.
            rate: tokens a second.

        Returns:
            The mean negative log-likelihood in nats a token; NaN if every step was skipped.
        """
        window = self.progress.window
        record = {"tokens_per_second": rate, "skipped": sum(v["skipped"] for v in window)}
        if trained := [v for v in window if not v["skipped"]]:  # a skipped step has no loss
            tokens = sum(v["tokens"] for v in trained)
            record |= {key: sum(v[key] * v["tokens"] for v in trained) / tokens for key in ("loss", "nll")}
            record["gradient_norm"] = trained[-1]["gradient_norm"]
        named = {f"train/{name}": value for name, value in record.items()}
        self._write(step, {"seconds": self.progress.seconds + unsaved_seconds, **named})
        window.clear()
        self.tokens = 0.0
        return record.get("nll", math.nan)

    def save(self, step: int, state: TrainState) -> None:
        """Write a checkpoint of `state` (NumPy arrays) at `step`, after a validation if the schedule asks for one.

        With `background_saves` it is being written when this returns, and the one before it is there.

        Raises:
            OSError: it cannot be written, or the one before it could not.
            FloatingPointError: the gradient was not finite for `MOST_NOT_FINITE` steps in a row, or a number of the
                state is not finite; nothing is saved.
        """
        if self.stuck_at:
            raise FloatingPointError(
                f"the gradient was not finite for {MOST_NOT_FINITE} steps up to step {self.stuck_at:,}: "
                f"{self._explain(state, self.stuck_at)}; {STEADIER}"
            )
        kept = unstacked(state)  # so that a run goes on, and is evaluated, with scanned layers or without
        if name := first_leaf(kept):
            raise FloatingPointError(f"{name} is not finite after step {step:,}, and is not saved: {STEADIER}")
        loss = self._validation_loss(step, state) if self.schedule.validates(step) else None
        write = partial(self._write_checkpoint, step, kept, self.stream.get_state(), deepcopy(self.progress), loss)
        with processes.together():
            if are_written_here():
                self._saves.do(write)

    def finish_saving(self) -> None:
        """Wait until the last checkpoint is there.

        Raises:
            OSError: it could not be written.
        """
        with processes.together():
            self._saves.wait()

    def _write_checkpoint(
        self, step: int, state: TrainState, cursor: Any, progress: RunProgress, loss: float | None
    ) -> None:
        self._checkpoints.save(step, state, {"cursor": cursor, **vars(progress)}, loss=loss)
        self._tidy(step, progress)

    def _tidy(self, step: int, progress: RunProgress) -> None:
        """Keep and delete what the schedule says after the checkpoint of `step`, and write down how far training is."""
        self._keep_trunk(step, progress)
        self._delete_surplus()
        cost = {"seconds": progress.seconds, "tokens": progress.tokens}
        self.folder.update_provenance({"steps": step, **cost})

    def _keep_trunk(self, step: int, progress: RunProgress) -> None:
        """Copy the checkpoint of the trunk's end, and the best up to there, which a longer run may come to need."""
        if step == self.schedule.trunk and step:
            for kept in sorted({self._checkpoints.best_step(), step}):
                self._checkpoints.copy(kept, self.folder.trunk)
            self.folder.update_provenance({"trunk_seconds": progress.seconds})

    def _delete_surplus(self) -> None:
        """Delete checkpoints but the last ones that the schedule asks for, the best, and the one to resume from.

        So what is kept is the same whether a run was stopped or not: a stop saves a checkpoint that an average of the
        last few must not contain, nor may it take the place of an earlier one. The best may be the end of a shorter
        schedule.
        """
        if steps := self._checkpoints.steps():
            scheduled = [step for step in steps if self.schedule.saves(step)]
            kept = {*scheduled[-self.schedule.keep_last :], steps[-1], self._checkpoints.best_step()}
            for step in sorted({*steps} - kept):
                self._checkpoints.delete(step)

    def _write(self, step: int, values: dict[str, float]) -> None:
        assert self._metrics is not None, "call resume() before training"
        self._metrics.add(step, values)

    def _validation_loss(self, step: int, state: TrainState) -> float:
        measures = self._validate(state.averaged or state.params)
        self._write(step, {f"validation/{name}": value for name, value in measures.items()})
        loss = BEST_BY[self.schedule.best_by] * measures[self.schedule.best_by]
        progress, improved = self.progress, loss < self.progress.best
        progress.best, progress.since_best = (loss, 0) if improved else (progress.best, progress.since_best + 1)
        return loss

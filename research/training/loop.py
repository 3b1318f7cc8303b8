"""The training loop: batches in, a run folder out; stopped and started again, it is the run that was not stopped."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from research.run_folder import RunFolder
from research.training.checkpoint import Checkpoints
from research.training.devices import Devices
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

    seconds: of training so far. best, since_best: the best measure, and validations since it. window: the metrics of
    each step since the last line of the log. not_finite: steps running, up to now, that were skipped.
    """

    seconds: float = 0.0
    best: float = math.inf
    since_best: int = 0
    window: list[dict[str, float]] = field(default_factory=list)
    not_finite: int = 0


def train(
    state: State,
    step: Callable[[State, dict[str, Any]], tuple[State, dict[str, Any]]],
    batches: Any,
    *,
    schedule: Schedule,
    devices: Devices,
    checkpoints: Checkpoints,
    validate: Validate,
    folder: RunFolder,
    name: str,
) -> Progressed:
    """Run `step` from wherever `checkpoints` stand to `schedule.steps`; says how long it took in all.

    batches: has `iterate(start)`, a stream with `get_state`; its cursor is saved with the state.
    SIGTERM and Ctrl-C finish the step at hand, save, and raise KeyboardInterrupt. FloatingPointError when 20 steps
    running were not finite.
    """
    state, stream, so_far = _resume(state, batches, checkpoints)
    state = devices.replicate(state)
    spread = devices.spread(step)
    done = int(stream.get_state()["next_index"])
    folder.update_provenance({"steps": done, "seconds": so_far.seconds})
    written = Metrics(folder, done)
    log = _Log(written, schedule.log_every, so_far)
    off_schedule = done if done and not schedule.saves(done) else None  # the checkpoint of a stop
    with closing(written), _stop_requested() as stop, _progress_bar(name, done, schedule.steps) as bar:
        while done < schedule.steps and not _out_of_patience(schedule, so_far):
            state, metrics = spread(state, next(stream))
            done += 1
            log.add(done, metrics, bar)
            if not (schedule.saves(done) or stop):
                continue
            log.flush(bar)
            log.pause()
            host = devices.unreplicate(state)
            loss = None
            if schedule.validates(done):
                loss = _validate(host, validate, schedule.best_by, done, so_far, written)
            checkpoints.save(done, host, {"cursor": stream.get_state(), **vars(so_far)}, loss=loss)
            if off_schedule is not None:  # else averaging the last few would see that the run was stopped
                checkpoints.delete(off_schedule)
                off_schedule = None
            folder.update_provenance({"steps": done, "seconds": so_far.seconds})
            if stop and done < schedule.steps:
                raise KeyboardInterrupt(
                    f"stopped at step {done:,}, which is saved; the same command goes on from there"
                )
            log.resume()
    return so_far


def _resume(state: State, batches: Any, checkpoints: Checkpoints) -> tuple[State, Any, Progressed]:
    steps = checkpoints.steps()
    if not steps:
        return state, batches.iterate(0), Progressed()
    state, notes = checkpoints.restore(steps[-1], like=state)
    stream = batches.iterate(0)
    stream.set_state(notes["cursor"])
    return state, stream, Progressed(**{name: notes[name] for name in vars(Progressed())})


def _validate(host: State, validate: Validate, best_by: str, done: int, so_far: Progressed, written: Metrics) -> float:
    measures = validate(host.averaged or host.params)
    written.add(done, {f"validation/{name}": value for name, value in measures.items()})
    loss = BEST_BY[best_by] * measures[best_by]
    improved = loss < so_far.best
    so_far.best, so_far.since_best = (loss, 0) if improved else (so_far.best, so_far.since_best + 1)
    return loss


def _out_of_patience(schedule: Schedule, so_far: Progressed) -> bool:
    """Asked before a step, not after a validation: a run that stopped early stays stopped when it is started again."""
    return 0 < schedule.patience <= so_far.since_best


class _Log:
    """Metrics, one step late so that the host never waits for the step just sent off; and the clock of training."""

    def __init__(self, written: Metrics, every: int, so_far: Progressed):
        self.written, self.every, self.so_far = written, every, so_far
        self.pending: tuple[int, Any] | None = None
        self.tokens = 0.0  # since `mark`
        self.since = self.mark = self.paused = time.perf_counter()

    def add(self, step: int, metrics: Any, bar: "_Bar") -> None:
        self._settle(bar)
        self.pending = (step, metrics)

    def flush(self, bar: "_Bar") -> None:
        """Wait for the last step."""
        self._settle(bar)

    def pause(self) -> None:
        """Stop the clock: validation and saving are no training."""
        self.paused = time.perf_counter()
        self.so_far.seconds += self.paused - self.since

    def resume(self) -> None:
        """Start the clock again; the pause is no part of the window's rate either."""
        now = time.perf_counter()
        self.mark += now - self.paused
        self.since = now

    def _settle(self, bar: "_Bar") -> None:
        if self.pending is None:
            return
        step, metrics = self.pending
        self.pending = None
        values = {name: float(value) for name, value in jax.device_get(metrics).items()}
        self.so_far.not_finite = self.so_far.not_finite + 1 if values["skipped"] else 0
        if self.so_far.not_finite >= 20:
            raise FloatingPointError(
                f"the gradient was not finite for 20 steps up to step {step:,}: lower training.learning_rate, "
                "set training.clip_norm, or use precision='float32'; earlier checkpoints are kept"
            )
        window = self.so_far.window
        window.append(values)
        self.tokens += values["tokens"]
        now = time.perf_counter()
        rate = self.tokens / max(now - self.mark, 1e-9)
        bar.advance(values["nll"], rate)
        if step % self.every == 0:
            record = {"tokens_per_second": rate, "skipped": sum(v["skipped"] for v in window)}
            if learned := [v for v in window if not v["skipped"]]:  # the others have no loss
                tokens = sum(v["tokens"] for v in learned)
                record |= {key: sum(v[key] * v["tokens"] for v in learned) / tokens for key in ("loss", "nll")}
                record["gradient_norm"] = learned[-1]["gradient_norm"]
            bar.say(step, record.get("nll", math.nan), rate)
            seconds = self.so_far.seconds + now - self.since
            self.written.add(step, {"seconds": seconds, **{f"train/{name}": value for name, value in record.items()}})
            window.clear()
            self.tokens, self.mark = 0.0, now


class _Bar:
    """A line that says step, loss, tokens a second and time left."""

    def __init__(self, progress: Progress, task: Any):
        self.progress, self.task = progress, task

    def advance(self, nll: float, rate: float) -> None:
        self.progress.update(self.task, advance=1, nll=nll, rate=rate)

    def say(self, step: int, nll: float, rate: float) -> None:
        """A line for a log file, where no bar can be drawn."""
        if not self.progress.console.is_terminal:
            self.progress.console.print(f"step {step:,} · loss {nll:.3f} · {rate:,.0f} tokens/s", highlight=False)


@contextmanager
def _progress_bar(name: str, done: int, steps: int) -> Iterator[_Bar]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn(
            "{task.completed:,}/{task.total:,} steps · loss {task.fields[nll]:.3f} · {task.fields[rate]:,.0f} tokens/s"
        ),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, speed_estimate_period=60) as progress:
        yield _Bar(progress, progress.add_task(name, total=steps, completed=done, nll=np.nan, rate=0.0))


@contextmanager
def _stop_requested() -> Iterator[list[int]]:
    """A list that is no longer empty once SIGTERM or SIGINT has come; a second one acts as if nobody were listening."""
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def note(number: int, frame: Any) -> None:
        received.append(number)
        signal.signal(number, handlers[signal.Signals(number)])

    try:
        for number in handlers:
            signal.signal(number, note)
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)

"""The training loop. A run that is stopped and resumed gives the same numbers as one that was never stopped."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from research.parallel import processes
from research.parallel.devices import STOP, Devices, Rows, StepFunction, TrainingProgram
from research.training.step import TrainState
from research.training.training_run import TrainingRun

SAME_REQUEST_SECONDS = 1.0  # signals that follow the first one within this time are the same request to stop


Watch = Callable[[TrainingRun, int, TrainState, Rows], None]
"""(run, step, the state after it, the batch it was of) -> None"""


def train(runs: Sequence[TrainingRun], step: StepFunction, *, devices: Devices, watch: Watch | None = None) -> None:
    """Train `runs` from their last checkpoints, which must all be at the same step, to the end of their schedule.

    Several runs are one compiled program, and each is logged, validated and saved by itself. An exception in one of
    them, such as a gradient that stays not finite, becomes its `error`, and the others continue. The caller reads
    `run.error`.

    Args:
        runs: one run, or several that are trained side by side.
        step: the training step.
        devices: the devices to train on.
        watch: is called after each step, for which all of the state is fetched from the devices.

    Raises:
        KeyboardInterrupt: on SIGTERM or Ctrl-C, after the current step was finished and all runs were saved.
    """
    schedule = runs[0].schedule
    with ExitStack() as opened:
        for run in runs:
            with _error_kept(run, runs), processes.in_turn():
                run.resume()
        runs = [run for run in runs if run.active and run.steps_done < schedule.steps]
        if not runs:
            return
        [done] = {run.steps_done for run in runs}  # one step for all: the batches of a step have one shape
        processes.refuse_another(done, f"the last checkpoint of {runs[0].folder.path} is another")
        program = devices.program(step, len(runs))
        placed = program.place([run.take_state() for run in runs])
        seeds = [run.seed for run in runs]
        stop_signals = opened.enter_context(_stop_requested())
        bar = opened.enter_context(_progress_bar(", ".join(run.name for run in runs), done, schedule.steps))
        log = _StepLog(runs, program, schedule.log_every, bar)
        while done < schedule.steps and any(run.active for run in runs):
            # A run that has ended is still computed, and its results are ignored: without it the others would need
            # another program.
            batches = [next(run.stream) for run in runs]
            placed, metrics = program.step(placed, batches, seeds, stop=bool(stop_signals))
            done += 1
            if watch is not None:
                for run, state, batch in zip(runs, program.states(placed), batches, strict=True):
                    watch(run, done, state, batch)
            log.add(done, metrics)
            stopping = bool(stop_signals) if processes.count() == 1 else log.asked_to_stop
            saving = schedule.pauses(done) or stopping
            if not (saving or any(run.active and run.stuck_at for run in runs)):
                continue
            log.flush()
            log.pause()
            for run, state in zip(runs, program.states(placed), strict=True):
                if run.active and (saving or run.stuck_at):
                    with _error_kept(run, runs):
                        run.save(done, state)
            if stopping:
                _finish_saving(runs)
            if stopping and any(run.error is None for run in runs):  # else the errors say what to do
                raise KeyboardInterrupt(
                    f"stopped at step {done:,}, which is saved; the same command goes on from there"
                )
            log.resume()
        _finish_saving(runs)


def _finish_saving(runs: Sequence[TrainingRun]) -> None:
    """Wait until every run without an error has its last checkpoint."""
    for run in runs:
        if run.error is None:
            with _error_kept(run, runs):
                run.finish_saving()


@contextmanager
def _error_kept(run: TrainingRun, runs: Sequence[TrainingRun]) -> Iterator[None]:
    """Catch an exception, keep it as `run.error`, and report it at once if other runs continue."""
    try:
        yield
    except Exception as error:
        run.error = error
        if len(runs) > 1:
            print(f"{run.name} has stopped, and the other runs continue: {error}", file=sys.stderr)


class _StepLog:
    """The metrics of steps and the clock of training.

    Metrics are read one step late, so that the host never waits for the step that it has just started. Runs that are
    trained side by side share the time: the seconds of all of them add up to the seconds that passed.
    """

    def __init__(self, runs: Sequence[TrainingRun], program: TrainingProgram, every: int, bar: "_ProgressLine"):
        self.runs, self.program, self.every, self.bar = runs, program, every, bar
        self.pending: tuple[int, Any] | None = None
        self.asked_to_stop = False  # one of several processes, before the last step whose metrics were read
        self.since = time.perf_counter()  # start of the time that no run's seconds include yet
        self.window_start = self.paused = self.since  # start of the tokens/s window; when the clock was last stopped

    def add(self, step: int, metrics: Any) -> None:
        """Keep the metrics of the step that was just started, and read those of the step before it."""
        self.flush()
        self.pending = (step, metrics)

    def pause(self) -> None:
        """Stop the clock for validation and saving, which do not count as training."""
        self.paused = time.perf_counter()
        for run in self._active():
            run.progress.seconds += (self.paused - self.since) / len(self.runs)

    def resume(self) -> None:
        """Start the clock again; the pause counts neither as training time nor in tokens/s."""
        now = time.perf_counter()
        self.window_start += now - self.paused
        self.since = now

    def flush(self) -> None:
        """Wait for the step that was started last, and read its metrics."""
        if self.pending is None:
            return
        step, metrics = self.pending
        self.pending = None
        for run, values in zip(self.runs, self.program.metrics(metrics), strict=True):
            self.asked_to_stop |= bool(values.pop(STOP, 0))
            if run.active:
                with _error_kept(run, self.runs):
                    run.count(step, {name: float(value) for name, value in values.items()})
        if not (active := self._active()):
            return
        now = time.perf_counter()
        rates = [run.tokens / max(now - self.window_start, 1e-9) for run in active]
        self.bar.advance(float(np.mean([run.progress.window[-1]["nll"] for run in active])), sum(rates))
        if step % self.every == 0:
            run_count, nll_R = len(self.runs), []  # runs share the time: one alone would be so many times as fast
            for run, rate in zip(active, rates, strict=True):
                with _error_kept(run, self.runs):
                    nll_R.append(run.log(step, (now - self.since) / run_count, rate * run_count))
            self.bar.print_line(step, nll_R, sum(rates))
            self.window_start = now

    def _active(self) -> list[TrainingRun]:
        return [run for run in self.runs if run.active]


class _ProgressLine:
    """A progress bar with step, loss, tokens a second and time left; lines of text where no bar can be drawn."""

    def __init__(self, progress: Progress, task: Any):
        self.progress, self.task = progress, task

    def advance(self, nll: float, rate: float) -> None:
        """Move the bar by one step."""
        self.progress.update(self.task, advance=1, nll=nll, rate=rate)

    def print_line(self, step: int, nll_R: list[float], rate: float) -> None:
        """Print a line of text, unless the output is a terminal with a bar."""
        if not self.progress.console.is_terminal:
            losses = " ".join(f"{nll:.3f}" for nll in nll_R)
            self.progress.console.print(f"step {step:,} · loss {losses} · {rate:,.0f} tokens/s", highlight=False)


@contextmanager
def _progress_bar(name: str, done: int, steps: int) -> Iterator[_ProgressLine]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn(
            "{task.completed:,}/{task.total:,} steps · loss {task.fields[nll]:.3f} · {task.fields[rate]:,.0f} tokens/s"
        ),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, speed_estimate_period=60) as progress:
        yield _ProgressLine(progress, progress.add_task(name, total=steps, completed=done, nll=np.nan, rate=0.0))


@contextmanager
def _stop_requested() -> Iterator[list[int]]:
    """Yield a list that SIGTERM and SIGINT are added to; a second request ends the process as it usually does.

    Signals within `SAME_REQUEST_SECONDS` of the first are one request: a process group and the end of a parent process
    may each send one.
    """
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    times: list[float] = []

    def note(number: int, frame: Any) -> None:
        received.append(number)
        times.append(time.monotonic())
        if times[-1] - times[0] > SAME_REQUEST_SECONDS:
            signal.signal(number, handlers[signal.Signals(number)])
            signal.raise_signal(number)

    try:
        for number in handlers:
            signal.signal(number, note)
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)

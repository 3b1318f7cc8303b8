"""The training loop: batches in, run folders out; stopped and started again, a run is the one that was not stopped."""

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from research.parallel.devices import Devices, Program, Step
from research.training.lane import Lane

TOGETHER_SECONDS = 1.0  # in which two signals are one request to stop


def train(lanes: Sequence[Lane], step: Step, *, devices: Devices) -> None:
    """Run `step` from where the checkpoints of `lanes` stand, all at the same step, to the end of their schedule.

    One lane is the ordinary case. Several are one program, and each is logged, validated and saved by itself: what
    fails in one, such as 20 steps running that were not finite, is its `error`, and the others go on. SIGTERM and
    Ctrl-C finish the step at hand, save all lanes, and raise KeyboardInterrupt.
    """
    schedule = lanes[0].schedule
    with ExitStack() as opened:
        for lane in lanes:
            opened.callback(lane.close)
            with _by_itself(lane, lanes):
                lane.resume()
        lanes = [lane for lane in lanes if lane.goes_on and lane.done < schedule.steps]
        if not lanes:
            return
        [done] = {lane.done for lane in lanes}  # else their batches would have different shapes
        program = devices.program(step, len(lanes))
        placed = program.place([lane.hand_over() for lane in lanes])
        seeds = [lane.seed for lane in lanes]
        stop = opened.enter_context(_stop_requested())
        bar = opened.enter_context(_progress_bar(", ".join(lane.name for lane in lanes), done, schedule.steps))
        log = _Log(lanes, program, schedule.log_every, bar)
        while done < schedule.steps and any(lane.goes_on for lane in lanes):
            # A lane that was given up is computed still, and not read: without it, this would be another program.
            placed, metrics = program.step(placed, [next(lane.stream) for lane in lanes], seeds)
            done += 1
            log.add(done, metrics)
            if not (schedule.saves(done) or stop):
                continue
            log.flush()
            log.pause()
            for lane, host in zip(lanes, program.states(placed), strict=True):
                if lane.goes_on:
                    with _by_itself(lane, lanes):
                        lane.save(done, host)
            if stop and any(lane.error is None for lane in lanes):
                raise KeyboardInterrupt(
                    f"stopped at step {done:,}, which is saved; the same command goes on from there"
                )
            log.resume()


@contextmanager
def _by_itself(lane: Lane, lanes: Sequence[Lane]) -> Iterator[None]:
    """What fails inside is the end of this lane, of which a person hears at once, and of no other."""
    try:
        yield
    except Exception as error:
        lane.error = error
        if len(lanes) > 1:
            print(f"{lane.name} is given up, and the others go on: {error}", file=sys.stderr)


class _Log:
    """Metrics, one step late so that the host never waits for the step just sent off; and the clock of training.

    Lanes share the time: each takes its part of it, so that the seconds of all add up to those that passed.
    """

    def __init__(self, lanes: Sequence[Lane], program: Program, every: int, bar: "_Bar"):
        self.lanes, self.program, self.every, self.bar = lanes, program, every, bar
        self.pending: tuple[int, Any] | None = None
        self.since = self.mark = self.paused = time.perf_counter()

    def add(self, step: int, metrics: Any) -> None:
        self.flush()
        self.pending = (step, metrics)

    def pause(self) -> None:
        """Stop the clock: validation and saving are no training."""
        self.paused = time.perf_counter()
        for lane in self._going():
            lane.so_far.seconds += (self.paused - self.since) / len(self.lanes)

    def resume(self) -> None:
        """Start the clock again; the pause is no part of the window's rate either."""
        now = time.perf_counter()
        self.mark += now - self.paused
        self.since = now

    def flush(self) -> None:
        """Wait for the step last sent off, and take its metrics."""
        if self.pending is None:
            return
        step, metrics = self.pending
        self.pending = None
        for lane, values in zip(self.lanes, self.program.metrics(metrics), strict=True):
            if lane.goes_on:
                with _by_itself(lane, self.lanes):
                    lane.note(step, {name: float(value) for name, value in values.items()})
        if not (going := self._going()):
            return
        now = time.perf_counter()
        rates = [lane.tokens / max(now - self.mark, 1e-9) for lane in going]
        self.bar.advance(float(np.mean([lane.so_far.window[-1]["nll"] for lane in going])), sum(rates))
        if step % self.every == 0:
            shared, nll_L = len(self.lanes), []
            for lane, rate in zip(going, rates, strict=True):
                with _by_itself(lane, self.lanes):
                    nll_L.append(lane.log(step, (now - self.since) / shared, rate * shared))
            self.bar.say(step, nll_L, sum(rates))
            self.mark = now

    def _going(self) -> list[Lane]:
        return [lane for lane in self.lanes if lane.goes_on]


class _Bar:
    """A line that says step, loss, tokens a second and time left."""

    def __init__(self, progress: Progress, task: Any):
        self.progress, self.task = progress, task

    def advance(self, nll: float, rate: float) -> None:
        self.progress.update(self.task, advance=1, nll=nll, rate=rate)

    def say(self, step: int, nll_L: list[float], rate: float) -> None:
        """A line for a log file, where no bar can be drawn."""
        if not self.progress.console.is_terminal:
            losses = " ".join(f"{nll:.3f}" for nll in nll_L)
            self.progress.console.print(f"step {step:,} · loss {losses} · {rate:,.0f} tokens/s", highlight=False)


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
    """A list that is no longer empty once SIGTERM or SIGINT has come; a second one acts as if nobody were listening.

    What comes within `TOGETHER_SECONDS` is one request: Linux tells a child of each thread that its parent loses.
    """
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    times: list[float] = []

    def note(number: int, frame: Any) -> None:
        received.append(number)
        times.append(time.monotonic())
        if times[-1] - times[0] > TOGETHER_SECONDS:
            signal.signal(number, handlers[signal.Signals(number)])
            signal.raise_signal(number)

    try:
        for number in handlers:
            signal.signal(number, note)
        yield received
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)

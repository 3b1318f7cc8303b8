"""The progress bar of a launch: the time left, and a line for each job that ended."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from research.ablation.launching.jobs import Outcome

NAMES_SHOWN = 3


class JobsBar:
    """A progress bar that counts outcomes.

    Args:
        progress: rich's display.
        task: the bar in it.
        jobs: how many jobs there are.
        at_once: how many run at the same time.
    """

    def __init__(self, progress: Progress, task: TaskID, jobs: int, at_once: int):
        self.progress, self.task, self.jobs, self.at_once = progress, task, jobs, at_once
        self.seconds: list[float] = []  # of the jobs that ended
        self.began: dict[str, float] = {}  # of the jobs that run

    def running(self, names: Collection[str]) -> None:
        """Show which jobs run now."""
        now = time.monotonic()
        self.began = {name: self.began.get(name, now) for name in names}
        self.progress.update(self.task, running=_named(names), left=self._left())

    def ran(self, name: str) -> float:
        """Return the seconds since a job was first seen to run."""
        return time.monotonic() - self.began[name] if name in self.began else 0.0

    def ended(self, outcome: Outcome) -> None:
        """Count a job that ended, and print how."""
        self.seconds.append(outcome.seconds)
        self.began.pop(outcome.job.name, None)
        self.progress.update(self.task, advance=1, left=self._left())
        how = "done" if outcome.ok else f"[bold red]failed[/] with code {outcome.code}"
        count = "" if self.progress.console.is_terminal else f" · {len(self.seconds)} of {self.jobs} · {self._left()}"
        self.progress.console.print(
            f"{escape(outcome.job.name)}: {how} after {_clock(outcome.seconds)}{count}", highlight=False
        )
        if not outcome.ok:
            for line in outcome.last_lines[-5:]:
                self.progress.console.print(f"    {line}", style="dim", markup=False, highlight=False)
            self.progress.console.print(f"    all of it: {outcome.job.log}", markup=False, highlight=False)

    def _left(self) -> str:
        now = time.monotonic()
        seconds = seconds_left(
            self.seconds, [now - began for began in self.began.values()], jobs=self.jobs, at_once=self.at_once
        )
        return "" if seconds is None else f"{_clock(seconds)} left"


def seconds_left(ended: list[float], running: list[float], *, jobs: int, at_once: int) -> float | None:
    """Estimate the seconds until all jobs have ended, if each takes the mean time of those that ended.

    Args:
        ended: seconds that each job that ended took.
        running: seconds that each job that runs has run.
        jobs: how many jobs there are.
        at_once: how many run at the same time.

    Returns:
        The estimate; None before the first job has ended.
    """
    if not ended:
        return None
    mean = sum(ended) / len(ended)
    rest = [max(mean - so_far, 0.0) for so_far in running]
    waiting = jobs - len(ended) - len(running)
    return max([(waiting * mean + sum(rest)) / at_once, *rest])


@contextmanager
def jobs_bar(jobs: int, at_once: int) -> Iterator[JobsBar]:
    """Show the bar on stderr, since results go to stdout. If stderr is no terminal, print the lines alone."""
    columns = (
        TextColumn("{task.fields[running]}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("jobs ·"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    console = Console(stderr=True, soft_wrap=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield JobsBar(progress, progress.add_task("", total=jobs, running="", left=""), jobs, at_once)


def _named(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"


def _clock(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))

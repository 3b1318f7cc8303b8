"""The one loop of all launchers: it submits jobs, watches them, shows a progress bar, and yields how they ended."""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from submitit.core.utils import UncompletedJobError

from research.ablation.launching.jobs import Job, Outcome, last_lines
from research.ablation.launching.jobs_bar import jobs_bar


class JobQueue:
    """The jobs of one launch. A subclass says how they are submitted, watched and stopped.

    Args:
        submitted: job -> submitit's handle, of jobs that have not ended yet.
        waiting: jobs that are not submitted yet.
    """

    pause_seconds = 0.1  # between two looks at the jobs

    def __init__(self, submitted: Mapping[Job, Any], waiting: Iterable[Job] = ()):
        self.submitted, self.waiting = dict(submitted), deque(waiting)

    def submit(self) -> None:
        """Submit as many of the waiting jobs as may run now."""

    def running(self) -> list[str]:
        """Return the names of the jobs that run now."""
        return [job.name for job in self.submitted]

    def ended(self, *, stopping: bool) -> dict[Job, str]:
        """Return submitted jobs that have ended, with the state that the cluster names; "" if the job left a result."""
        raise NotImplementedError

    def stop(self, requests: int) -> bool:
        """Ask the jobs to save and end; a second request may kill them.

        Called for each request, in the signal handler, and then before each look at the jobs.

        Args:
            requests: how many times a person asked so far.

        Returns:
            Whether to wait until the jobs have ended.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the jobs. The last call; there are jobs left when the launch was given up."""


def outcomes(queue: JobQueue, jobs: int, at_once: int) -> Iterator[Outcome]:
    """Yield how each job ended, as they end. See `Launcher.launch`.

    Args:
        queue: the jobs.
        jobs: how many they are.
        at_once: how many run at the same time, for the time left in the progress bar.
    """
    done = 0
    with _stop_requested(queue.stop) as stop, jobs_bar(jobs, at_once) as bar, closing(queue):
        while queue.submitted or (queue.waiting and not stop):
            if not stop:
                queue.submit()
            elif not queue.stop(len(stop)):
                break
            bar.running(queue.running())
            for job, state in queue.ended(stopping=bool(stop)).items():
                outcome = _outcome(job, queue.submitted.pop(job), state, bar.ran(job.name))
                if outcome.ok or not stop:  # else we stopped it ourselves
                    done += 1
                    bar.ended(outcome)
                    yield outcome
            time.sleep(queue.pause_seconds)
    if done < jobs:
        raise KeyboardInterrupt(
            f"stopped with {done} of {jobs} jobs ended and the others asked to save; "
            "the same command with --resume goes on"
        )


@contextmanager
def _stop_requested(at_once: Callable[[int], object]) -> Iterator[list[int]]:
    """Collect the SIGINT and SIGTERM that arrive in a list, instead of obeying them. For the main thread only.

    Args:
        at_once: called in the signal handler with the number of signals so far.
    """
    received: list[int] = []

    def note(number: int, frame: Any) -> None:
        received.append(number)
        at_once(len(received))

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outcome(job: Job, handle: Any, state: str, seconds: float) -> Outcome:
    why = f"the job ended without a result, and is {state}"
    if not state:
        try:
            code, seconds = handle.task(0).result()  # of several tasks, which end together, the first
            return Outcome(job, code, seconds, last_lines(job.log))
        except UncompletedJobError as error:
            why = main_line(str(error))
    lines = last_lines(job.log) or last_lines(handle.paths.stderr) or last_lines(handle.paths.stdout)
    return Outcome(job, 1, seconds, [*lines, why])


def main_line(text: str) -> str:
    """Return the line of a message or traceback that says what was wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "error" in line.lower()), "".join(lines[:1]))


def submitit_folder(jobs: Iterable[Job]) -> Path:
    """Return the parent of submitit's folders. It is beside the logs, because every node of a cluster must see it."""
    return Path(os.path.commonpath([job.log.absolute().parent for job in jobs])) / "submitit"


def next_folder(jobs: Iterable[Job]) -> Path:
    """Return a folder that was never used: a cluster may count its jobs from one again, and find old results."""
    folder = submitit_folder(jobs)
    used = [int(entry.name) for entry in folder.glob("*") if entry.name.isdecimal()]
    return folder / f"{max(used, default=0) + 1:04d}"

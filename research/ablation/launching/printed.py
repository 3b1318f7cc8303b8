"""Launchers that print what a person submits: jobs on machines to which this one has no way of its own."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import join
from typing import ClassVar

from research.ablation.launching.jobs import Job, Outcome

JOB_FILE = "job.json"
PORT = 8476  # on which the first process is met


class Printed:
    """A launcher that prints, by --dry_run, and launches nothing."""

    wanted: ClassVar[str]  # what to do with the print

    def launch(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Raise ValueError: this launcher only prints."""
        raise ValueError(f"this launcher prints what to submit, and submits nothing: give --dry_run, and {self.wanted}")


def short_name(job: Job) -> str:
    """Return a name for a job that a host may have, too: lower case, 40 characters at most, unique by its end."""
    readable = re.sub(r"[^a-z0-9]+", "-", job.name.lower()).strip("-")
    return f"lookback-{readable[:20].strip('-')}-{hashlib.sha256(job.name.encode()).hexdigest()[:8]}"


def command_there(job: Job, python: str, folder: str) -> str:
    """Return the shell command of a job on another machine.

    Args:
        job: the job; its command begins with the Python of this machine.
        python: that of the other one.
        folder: where its input lies there.
    """
    _, *arguments = job.command
    if job.input:
        arguments[-1] = f"{folder}/{JOB_FILE}"
    return join([python, *arguments])


def refuse_outside(jobs: Sequence[Job], mount: str) -> None:
    """Raise ValueError if jobs write outside of a folder.

    Args:
        jobs: the jobs, whose logs are in the folder of their runs.
        mount: where the disk that all machines share is there.
    """
    for job in jobs:
        if not job.log.is_relative_to(Path(mount)):
            raise ValueError(
                f"{job.log.parent.parent} is not below launcher.mount={mount}, the disk that the machines share: give "
                f"--out={Path(mount) / 'runs'}, and --config.data.root below it, too"
            )

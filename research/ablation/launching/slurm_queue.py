"""The state of jobs on a Slurm cluster, by `squeue`, which works on clusters that keep no accounting too."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import submitit
from submitit.helpers import DelayedSubmission

from research.ablation.launching.jobs import Job

PATIENCE_SECONDS = 60
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
         "REVOKED", "TIMEOUT"}  # fmt: skip


class _Entry(NamedTuple):
    """A line of squeue."""

    id: str  # ARRAY_INDEX for an element of an array
    state: str
    script: Path  # the submission


def states(ids: Sequence[str]) -> dict[str, str] | None:
    """Return id -> state of the jobs that the cluster remembers; None when it does not answer."""
    entries = _queue(ids)
    return None if entries is None else {entry.id: entry.state for entry in entries}


def still_there(folders: Sequence[Path]) -> dict[Job, submitit.SlurmJob]:
    """Find the jobs that were submitted from folders of submitit and have not ended.

    Args:
        folders: the newest first.

    Raises:
        ValueError: the cluster does not answer.
    """
    submitted = {file: file.name.removesuffix("_submitted.pkl") for folder in folders for file in _open(folder)}
    entries = _queue(list(submitted.values())) if submitted else []
    if entries is None:
        raise ValueError("Slurm does not say which jobs are running, and jobs must not run twice; try again later")
    # Compared by script too: a cluster that was set up anew counts its jobs from one.
    active = {(entry.script.parent, entry.id) for entry in entries if entry.state not in ENDED}
    found: dict[Job, submitit.SlurmJob] = {}
    for file, id in submitted.items():
        if (file.parent, id) in active:
            supervisor: Any = DelayedSubmission.load(file).function
            found.setdefault(supervisor.job, submitit.SlurmJob(file.parent, id))
    return found


def _open(folder: Path) -> Iterator[Path]:
    """Yield the submissions of a folder that left no result."""
    for file in sorted(folder.glob("*_submitted.pkl")):
        if not file.with_name(file.name.replace("_submitted.pkl", "_0_result.pkl")).exists():
            yield file


def _queue(ids: Sequence[str]) -> list[_Entry] | None:
    arrays = ",".join(sorted({id.partition("_")[0] for id in ids}))  # the elements may be thousands
    command = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={arrays}", "--format=%i|%T|%o"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if said.returncode and "Invalid job id" not in said.stderr:  # so it calls jobs that it has forgotten
        return None
    lines = [line.split("|", maxsplit=2) for line in said.stdout.splitlines() if line.count("|") >= 2]
    return [_Entry(id, state, Path(script)) for id, state, script in lines]

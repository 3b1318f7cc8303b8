"""What a Slurm cluster says of its jobs, by `squeue`: it is there where no accounting is kept."""

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
    id: str  # of an array's element: ARRAY_INDEX
    state: str
    script: Path  # that was submitted


def states(ids: Sequence[str]) -> dict[str, str] | None:
    """id -> state, of the jobs that the cluster remembers; None when it does not answer."""
    entries = _queue(ids)
    return None if entries is None else {entry.id: entry.state for entry in entries}


def still_there(folders: Sequence[Path]) -> dict[Job, submitit.SlurmJob]:
    """The jobs that were submitted from these folders of submitit's, the newest first, and have not ended."""
    submitted = {file: file.name.removesuffix("_submitted.pkl") for folder in folders for file in _open(folder)}
    entries = _queue(list(submitted.values())) if submitted else []
    if entries is None:
        raise ValueError("Slurm does not say which jobs are running, and jobs must not run twice; try again later")
    # By its script too: a cluster that was set up anew counts its jobs from one.
    active = {(entry.script.parent, entry.id) for entry in entries if entry.state not in ENDED}
    found: dict[Job, submitit.SlurmJob] = {}
    for file, id in submitted.items():
        if (file.parent, id) in active:
            work: Any = DelayedSubmission.load(file).function
            found.setdefault(work.job, submitit.SlurmJob(file.parent, id))
    return found


def _open(folder: Path) -> Iterator[Path]:
    """What was submitted from there and left no result."""
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
    if said.returncode and "Invalid job id" not in said.stderr:  # which it says of those that it has forgotten
        return None
    lines = [line.split("|", maxsplit=2) for line in said.stdout.splitlines() if line.count("|") >= 2]
    return [_Entry(id, state, Path(script)) for id, state, script in lines]

"""Jobs on a Slurm cluster, by submitit: one array for each launch, requeued when it is preempted or its time is up."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import join
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError, UncompletedJobError

from research.ablation.launching.jobs import Job, Outcome, last_lines
from research.ablation.launching.jobs_bar import JobsBar, jobs_bar
from research.ablation.launching.slurm_queue import ENDED, states, still_there
from research.ablation.launching.slurm_work import Work
from research.ablation.launching.stopping import children_hear_ctrl_c, stop_requested

RESULTS_EVERY_SECONDS = 0.5  # a look at a folder, not at the cluster
LOOK_WHEN_STOPPING_SECONDS = 2


class _Executor(submitit.SlurmExecutor):
    """An executor that can say what it would submit, where there is no Slurm too."""

    @classmethod
    def affinity(cls) -> int:
        return 2

    def script(self, jobs: int) -> str:
        """The submission of so many jobs, to the byte."""
        self.parameters |= {"map_count": jobs} if jobs > 1 else {}
        return self._make_submission_file_text(self._submitit_command_str, "")


@dataclass(frozen=True)
class Slurm:
    """Fields: see configs/launchers.py."""

    cluster: str
    partition: str
    account: str
    qos: str
    minutes: int
    cpus: int
    memory_gb: int
    gpus: int
    array_parallelism: int
    grace_seconds: int
    timeouts: int
    options: tuple[str, ...]
    setup: tuple[str, ...]
    look_every_seconds: int

    def launch(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Launcher.launch`. Ctrl-C and SIGTERM cancel the jobs; a second one does not wait until they have saved.

        What an earlier launch left on the cluster is waited for, not submitted again.
        """
        if self.cluster not in ("slurm", "local"):
            raise ValueError(f"launcher.cluster={self.cluster!r} is unknown; choose slurm or local")
        if self.cluster == "slurm" and shutil.which("sbatch") is None:
            raise ValueError("there is no sbatch here: launch from a login node of the cluster, or --launcher=local")
        self._refuse_too_short()
        handles = self._still_there(jobs)
        handles |= self._submit([job for job in jobs if job not in handles])
        return self._outcomes(handles)

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """The submission script, to the byte, after its jobs' commands as comments."""
        self._refuse_too_short()
        there = self._still_there(jobs)
        lines = [f"# on the cluster already as job {handle.job_id}: {job.name}" for job, handle in there.items()]
        rest = [job for job in jobs if job not in there]
        lines += [f"# {index}: {join(job.command)}" for index, job in enumerate(rest)]
        script = self._executor(_Executor, _next_folder(rest)).script(len(rest)) if rest else ""
        return "\n".join([*lines, script])

    def _refuse_too_short(self) -> None:
        """Slurm may ask to save a minute early, and it must not ask what has hardly begun."""
        early = 60 if self.cluster == "slurm" else 0
        if 60 * self.minutes <= self.grace_seconds + early:
            raise ValueError(
                f"launcher.minutes={self.minutes} is too short: launcher.grace_seconds={self.grace_seconds} before the "
                "end, or up to a minute earlier, a job is asked to save"
            )

    def _executor(self, kind: type, folder: Path) -> Any:
        executor = kind(folder, max_num_timeout=self.timeouts)
        if kind is submitit.LocalExecutor:
            executor.update_parameters(timeout_min=self.minutes, signal_delay_s=self.grace_seconds)
            return executor
        optional = {"partition": self.partition, "account": self.account, "qos": self.qos, "gpus_per_node": self.gpus}
        executor.update_parameters(
            job_name="lookback",
            time=self.minutes,
            cpus_per_task=self.cpus,
            mem=f"{self.memory_gb}GB",
            array_parallelism=self.array_parallelism,
            signal_delay_s=self.grace_seconds,
            setup=list(self.setup) or None,
            additional_parameters={"requeue": True, **dict(_option(text) for text in self.options)},
            **{name: value for name, value in optional.items() if value},
        )
        return executor

    def _still_there(self, jobs: Sequence[Job]) -> dict[Job, Any]:
        if self.cluster == "local" or not jobs:
            return {}
        there = still_there(sorted(_folder(jobs).glob("*"), reverse=True))
        return {job: there[_absolute(job)] for job in jobs if _absolute(job) in there}

    def _submit(self, jobs: Sequence[Job]) -> dict[Job, Any]:
        if not jobs:
            return {}
        folder = _next_folder(jobs)
        folder.mkdir(parents=True)
        executor = self._executor(submitit.LocalExecutor if self.cluster == "local" else submitit.SlurmExecutor, folder)
        try:
            with children_hear_ctrl_c():
                handles = executor.submit_array(
                    [Work(_absolute(job), grace_seconds=self.grace_seconds) for job in jobs]
                )
        except (FailedJobError, FailedSubmissionError) as error:
            raise ValueError(f"Slurm refused the jobs: {_said(str(error))}") from error
        return dict(zip(jobs, handles, strict=True))

    def _outcomes(self, handles: dict[Job, Any]) -> Iterator[Outcome]:
        jobs, waiting = len(handles), dict(handles)
        look = _Look(self)
        with stop_requested(lambda: None) as stop, jobs_bar(jobs, min(jobs, self.array_parallelism)) as bar:
            cancelled = False
            while waiting and len(stop) < 2:
                if stop and not cancelled:
                    cancelled = True
                    for handle in waiting.values():
                        handle.cancel(check=False)
                ended = look.ended(waiting, bar, every=LOOK_WHEN_STOPPING_SECONDS if stop else self.look_every_seconds)
                for job, state in ended.items():
                    outcome = _outcome(job, waiting.pop(job), state, bar.ran(job.name))
                    if outcome.ok or not cancelled:
                        jobs -= 1
                        bar.ended(outcome)
                        yield outcome
                time.sleep(RESULTS_EVERY_SECONDS)
        if stop and jobs:
            raise KeyboardInterrupt(
                f"stopped with {len(handles) - jobs} of {len(handles)} jobs ended and the others cancelled; "
                "the same command with --resume goes on"
            )


class _Look:
    """Which jobs have ended: those that left a result, and those that the cluster says so of twice."""

    def __init__(self, slurm: Slurm):
        self.local = slurm.cluster == "local"
        self.last = time.monotonic()
        self.suspects: set[str] = set()

    def ended(self, waiting: dict[Job, Any], bar: JobsBar, *, every: float) -> dict[Job, str]:
        """Job -> what the cluster calls its state, "" where it left a result."""
        found = {job: "" for job, handle in waiting.items() if handle.paths.result_pickle.exists()}
        if self.local:
            gone = {job: "ENDED" for job, handle in waiting.items() if job not in found and handle.done()}
            bar.running([job.name for job in waiting if job not in found])
            return gone | found
        if time.monotonic() - self.last < every:
            return found
        self.last = time.monotonic()
        now = states([handle.job_id for handle in waiting.values()])
        if now is None:  # the cluster does not answer; jobs go on without it
            return found
        state_of = {job: now.get(handle.job_id, "") for job, handle in waiting.items()}
        bar.running([job.name for job, state in state_of.items() if state == "RUNNING"])
        over = {job for job, state in state_of.items() if not state or state in ENDED}
        # Twice: a job that is being requeued has ended for a moment, and a result may come late over the network.
        sure = {job for job in over if waiting[job].job_id in self.suspects}
        self.suspects = {waiting[job].job_id for job in over}
        return {job: state_of[job] or "unknown to the cluster" for job in sure} | found


def _outcome(job: Job, handle: Any, state: str, seconds: float) -> Outcome:
    if not state:
        try:
            code, seconds = handle.result()
            return Outcome(job, code, seconds, last_lines(job.log))
        except UncompletedJobError as error:
            why = _said(str(error))
    else:
        why = f"the job ended without a result, and is {state}"
    lines = last_lines(job.log) or last_lines(handle.paths.stderr) or last_lines(handle.paths.stdout)
    return Outcome(job, 1, seconds, [*lines, why])


def _said(text: str) -> str:
    """The line of a message or traceback that says what was wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "error" in line.lower()), "".join(lines[:1]))


def _absolute(job: Job) -> Job:
    """As a node may have it: its working directory is ours, but nothing says that it stays so."""
    return replace(job, log=job.log.absolute())


def _option(text: str) -> tuple[str, str | bool]:
    """`name=value` or `name`, an option of sbatch."""
    name, equals, value = text.removeprefix("--").partition("=")
    return name, value if equals else True


def _folder(jobs: Sequence[Job]) -> Path:
    """Where submitit's files go, beside the logs: they too are to be seen from every node."""
    return Path(os.path.commonpath([_absolute(job).log.parent for job in jobs])) / "submitit"


def _next_folder(jobs: Sequence[Job]) -> Path:
    """One that was never used: a cluster may count its jobs anew, and an old result would pass for the answer."""
    folder = _folder(jobs)
    used = [int(entry.name) for entry in folder.glob("*") if entry.name.isdecimal()]
    return folder / f"{max(used, default=0) + 1:04d}"

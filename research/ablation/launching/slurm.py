"""Jobs on a Slurm cluster, by submitit: one array for each launch, requeued when it is preempted or its time is up."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError

from research.ablation.launching.jobs import Job, Outcome
from research.ablation.launching.local import LocalQueue
from research.ablation.launching.outcomes import JobQueue, main_line, next_folder, outcomes, submitit_folder
from research.ablation.launching.shares import Share
from research.ablation.launching.slurm_queue import ENDED, states, still_there
from research.ablation.launching.supervisor import Supervisor

LOOK_WHEN_STOPPING_SECONDS = 2


class _Executor(submitit.SlurmExecutor):
    """An executor that can say what it would submit, even where there is no Slurm."""

    @classmethod
    def affinity(cls) -> int:
        return 2

    def script(self, jobs: int) -> str:
        """Return the submission of so many jobs, to the byte."""
        self.parameters |= {"map_count": jobs} if jobs > 1 else {}
        return self._make_submission_file_text(self._submitit_command_str, "")


@dataclass(frozen=True)
class Slurm:
    """A launcher for a Slurm cluster. configs/launchers.py explains the fields."""

    cluster: str
    partition: str
    account: str
    qos: str
    minutes: int
    nodes: int
    tasks_per_node: int
    cpus: int
    memory_gb: int
    gpus: int
    gpus_per_task: int
    array_parallelism: int
    grace_seconds: int
    timeouts: int
    options: tuple[str, ...]
    setup: tuple[str, ...]
    look_every_seconds: int

    def launch(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Run the jobs: see `Launcher.launch`. Ctrl-C and SIGTERM cancel them; a second one does not wait for them.

        Jobs that an earlier launch left on the cluster are waited for, not submitted again.
        """
        self._refuse_impossible()
        if self.cluster == "slurm" and shutil.which("sbatch") is None:
            raise ValueError("there is no sbatch here: launch from a login node of the cluster, or --launcher=local")
        if self.cluster == "local" and self.nodes * self.tasks_per_node > 1:
            raise ValueError(
                "launcher.cluster=local runs one process a job: leave launcher.nodes and tasks_per_node at 1"
            )
        queue = self._local(jobs) if self.cluster == "local" else self._submit(jobs)
        return outcomes(queue, len(jobs), min(len(jobs), self.array_parallelism))

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """Return the submission script, to the byte, after the commands of its jobs as comments."""
        self._refuse_impossible()
        there = self._still_there(jobs)
        lines = [f"# on the cluster already as job {handle.job_id}: {job.name}" for job, handle in there.items()]
        rest = [job for job in jobs if job not in there]
        lines += [f"# {index}: {join(job.command)}" for index, job in enumerate(rest)]
        script = self._executor(next_folder(rest)).script(len(rest)) if rest else ""
        return "\n".join([*lines, script])

    def _refuse_impossible(self) -> None:
        if self.cluster not in ("slurm", "local"):
            raise ValueError(f"launcher.cluster={self.cluster!r} is unknown; choose slurm or local")
        if self.gpus and self.gpus_per_task:
            raise ValueError(
                f"launcher.gpus={self.gpus} are of a node, and launcher.gpus_per_task={self.gpus_per_task} of a task: "
                "set one of them"
            )
        early = 60 if self.cluster == "slurm" else 0  # Slurm may ask a job to save a minute early
        if 60 * self.minutes <= self.grace_seconds + early:
            raise ValueError(
                f"launcher.minutes={self.minutes} is too short: launcher.grace_seconds={self.grace_seconds} before the "
                "end, or up to a minute earlier, a job is asked to save"
            )

    def _executor(self, folder: Path) -> _Executor:
        executor = _Executor(folder, max_num_timeout=self.timeouts)
        optional = {"partition": self.partition, "account": self.account, "qos": self.qos, "gpus_per_node": self.gpus}
        optional |= {"gpus_per_task": self.gpus_per_task}
        executor.update_parameters(
            job_name="lookback",
            time=self.minutes,
            nodes=self.nodes,
            ntasks_per_node=self.tasks_per_node,
            cpus_per_task=self.cpus,
            mem=f"{self.memory_gb}GB",
            array_parallelism=self.array_parallelism,
            signal_delay_s=self.grace_seconds,
            setup=list(self.setup) or None,
            additional_parameters={"requeue": True, **dict(_option(text) for text in self.options)},
            **{name: value for name, value in optional.items() if value},
        )
        return executor

    def _local(self, jobs: Sequence[Job]) -> LocalQueue:
        return LocalQueue(
            jobs,
            [Share()] * self.array_parallelism,
            minutes=self.minutes,
            grace_seconds=self.grace_seconds,
            timeouts=self.timeouts,
        )

    def _submit(self, jobs: Sequence[Job]) -> "SlurmQueue":
        handles = self._still_there(jobs)
        if rest := [job for job in jobs if job not in handles]:
            folder = next_folder(rest)
            folder.mkdir(parents=True)
            supervisors = [Supervisor(job.absolute(), self.grace_seconds) for job in rest]
            try:
                handles |= zip(rest, self._executor(folder).submit_array(supervisors), strict=True)
            except (FailedJobError, FailedSubmissionError) as error:
                raise ValueError(f"Slurm refused the jobs: {main_line(str(error))}") from error
        return SlurmQueue(handles, self.look_every_seconds)

    def _still_there(self, jobs: Sequence[Job]) -> dict[Job, Any]:
        if self.cluster == "local" or not jobs:
            return {}
        there = still_there(sorted(submitit_folder(jobs).glob("*"), reverse=True))
        return {job: there[job.absolute()] for job in jobs if job.absolute() in there}


class SlurmQueue(JobQueue):
    """The jobs of one launch on a cluster. A job has ended when it left a result, or when the cluster says so twice.

    Args:
        submitted: job -> submitit's handle.
        look_every_seconds: between questions to the cluster.
    """

    pause_seconds = 0.5  # between looks for results: at a folder, not at the cluster

    def __init__(self, submitted: Mapping[Job, Any], look_every_seconds: float):
        super().__init__(submitted)
        self.look_every_seconds, self.looked = look_every_seconds, time.monotonic()
        self.cancelled = False
        self.seen_running: list[Job] = []
        self.suspects: set[Job] = set()

    def running(self) -> list[str]:
        return [job.name for job in self.seen_running if job in self.submitted]

    def ended(self, *, stopping: bool) -> dict[Job, str]:
        found = {job: "" for job, handle in self.submitted.items() if handle.paths.result_pickle.exists()}
        if time.monotonic() - self.looked < (LOOK_WHEN_STOPPING_SECONDS if stopping else self.look_every_seconds):
            return found
        self.looked = time.monotonic()
        now = states([handle.job_id for handle in self.submitted.values()])
        if now is None:  # the cluster does not answer; jobs go on without it
            return found
        state_of = {job: now.get(handle.job_id, "") for job, handle in self.submitted.items()}
        self.seen_running = [job for job, state in state_of.items() if state == "RUNNING"]
        over = {job for job, state in state_of.items() if not state or state in ENDED}
        # Twice: a job that is being requeued has ended for a moment, and a result may come late over the network.
        sure, self.suspects = over & self.suspects, over
        return {job: state_of[job] or "unknown to the cluster" for job in sure} | found

    def stop(self, requests: int) -> bool:
        """Cancel the jobs, once. They have Slurm's KillWait to save; after a second request nobody waits for that."""
        if not self.cancelled:
            self.cancelled = True
            for handle in list(self.submitted.values()):
                handle.cancel(check=False)
        return requests < 2


def _option(text: str) -> tuple[str, str | bool]:
    """Split an option of sbatch, `name=value` or `name`."""
    name, equals, value = text.removeprefix("--").partition("=")
    return name, value if equals else True

"""Jobs on this machine, by submitit's local executor: one after another, or several that divide the machine."""

import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import join

import psutil
import submitit

from research.ablation.launching.jobs import Job, Outcome
from research.ablation.launching.outcomes import JobQueue, next_folder, outcomes
from research.ablation.launching.shares import Share, divide_machine
from research.ablation.launching.supervisor import Supervisor

TEN_YEARS_IN_MINUTES = 10 * 365 * 24 * 60  # submitit needs a limit


@dataclass(frozen=True)
class Local:
    """A launcher for this machine. configs/launchers.py explains the fields."""

    jobs_at_once: int
    cores_per_job: int
    accelerator: str
    accelerators: int
    accelerators_per_job: int

    def launch(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Run the jobs: see `Launcher.launch`. A second Ctrl-C or SIGTERM kills them."""
        return outcomes(LocalQueue(jobs, divide_machine(**vars(self))), len(jobs), self.jobs_at_once)

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """Return the command line of each job, and the cores and environment of the first."""
        first = divide_machine(**vars(self))[0]
        parts = [f"cores {','.join(map(str, first.cores))}"] if first.cores else []
        parts += [f"{name}={value}" for name, value in first.environment.items()]
        head = f"# {len(jobs)} jobs, {self.jobs_at_once} at once{'; the first has ' if parts else ''}"
        return "\n".join([head + ", ".join(parts), *(join(job.command) for job in jobs)]) + "\n"


class LocalQueue(JobQueue):
    """The jobs of one launch on this machine. As many run at once as it has shares.

    Args:
        jobs: the jobs, in the order in which they begin.
        shares: the parts of the machine.
        minutes: after which a try is stopped, saved and started again.
        grace_seconds: before the end of the minutes, when a job is asked to save.
        timeouts: tries whose time was up before a job is given up.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        shares: Sequence[Share],
        *,
        minutes: int = TEN_YEARS_IN_MINUTES,
        grace_seconds: int = 0,
        timeouts: int = 0,
    ):
        super().__init__({}, jobs)
        self.free, self.share_of = deque(shares), dict[Job, Share]()
        self.folder = next_folder(jobs) if jobs else Path()
        self.minutes, self.grace_seconds, self.timeouts = minutes, grace_seconds, timeouts

    def submit(self) -> None:
        while self.waiting and self.free:
            job, share = self.waiting.popleft(), self.free.popleft()
            self.share_of[job] = share
            # A folder for each job: submitit names files by process ids, which Linux uses again.
            folder = self.folder / f"{len(self.share_of):04d}"
            executor = submitit.LocalExecutor(folder, max_num_timeout=self.timeouts)
            executor.update_parameters(timeout_min=self.minutes, signal_delay_s=self.grace_seconds)
            # submitit hides all GPUs from a job for which it was asked for none.
            environment = {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES"), **share.environment}
            share = replace(share, environment=environment)
            with _ctrl_c_blocked():
                self.submitted[job] = executor.submit(
                    Supervisor(job.absolute(), self.grace_seconds, share=share, launcher=os.getpid())
                )

    def ended(self, *, stopping: bool) -> dict[Job, str]:
        over = {job: handle for job, handle in self.submitted.items() if handle.done()}
        self.free.extend(self.share_of[job] for job in over)
        return {job: "" if handle.paths.result_pickle.exists() else "ENDED" for job, handle in over.items()}

    def stop(self, requests: int) -> bool:
        """Ask the jobs to save and end. After a second request, kill them and what they started."""
        for handle in self.submitted.values():
            if handle.done():
                continue
            controller = int(handle.job_id)
            if requests == 1:
                os.kill(controller, signal.SIGTERM)  # which goes on to the Supervisor, and from there once to the job
            else:
                for process in psutil.Process(controller).children(recursive=True):
                    with suppress(ProcessLookupError, PermissionError):  # it leads no group, or has ended
                        os.killpg(process.pid, signal.SIGKILL)
        return True

    def close(self) -> None:
        """Wait until the jobs have saved and ended: whoever takes the outcomes may have given up."""
        while not all(handle.done() for handle in self.submitted.values()):
            self.stop(1)
            time.sleep(self.pause_seconds)


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Start processes that a terminal's Ctrl-C does not reach. If it comes meanwhile, we get it afterwards.

    Otherwise submitit's controller would kill its job one second after Ctrl-C, which is too soon to save.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

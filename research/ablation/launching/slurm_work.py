"""What submitit runs on a node: one job's command, stopped and sent back to the queue when its time is up."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from submitit.helpers import DelayedSubmission

from research.ablation.launching.jobs import Job, start

LOOK_EVERY_SECONDS = 0.1
REQUEUE_SECONDS = 5  # between SIGTERM and the signal that asks for a requeue, where a cluster sends both
MARGIN_SECONDS = 5  # of the grace: to write the submission anew and to ask for the requeue


class Work:
    """Called, it runs the command to its end: (exit code, seconds of all tries). Pickled by submitit.

    Slurm's signals reach every process of a job, so the command gets SIGTERM without us, and a second one would end it
    before it has saved. submitit's own signal (SIGUSR2) is for us alone.
    """

    def __init__(self, job: Job, *, grace_seconds: int, seconds: float = 0.0):
        self.job, self.grace_seconds, self.seconds = job, grace_seconds, seconds
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0
        self.arrived = -1  # the end of a pipe in which the numbers of signals arrive
        self.terminated = False

    def __call__(self) -> tuple[int, float]:
        """Run the command. Leaves no result when SIGTERM from outside stopped it: then it has not ended."""
        self.arrived, writer = os.pipe()
        for end in (self.arrived, writer):
            os.set_blocking(end, False)
        # A handler would come too late: of two signals at once, Python handles SIGUSR2 to its end before SIGTERM.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.began = time.monotonic()
        self.process = start(self.job, own_group=False, deaf_to=[_requeue_signal()])
        while not _has_ended(self.process):
            time.sleep(LOOK_EVERY_SECONDS)
        code = self.process.wait()
        if code and self._was_terminated():
            time.sleep(REQUEUE_SECONDS)
            sys.exit(128 + signal.SIGTERM)
        return code, self.seconds + time.monotonic() - self.began

    def checkpoint(self) -> DelayedSubmission:
        """Have the command save and end, within the grace; the job as it is to be submitted again."""
        if self.process is not None:
            if not self._was_terminated() and not _has_ended(self.process):
                self.process.terminate()
            patience = time.monotonic() + max(self.grace_seconds - MARGIN_SECONDS, 1)
            while not _has_ended(self.process):
                if time.monotonic() > patience:
                    self.process.kill()
                time.sleep(LOOK_EVERY_SECONDS)
            self.seconds += time.monotonic() - self.began
        return DelayedSubmission(Work(self.job, grace_seconds=self.grace_seconds, seconds=self.seconds))

    def _was_terminated(self) -> bool:
        """Whether SIGTERM came from outside."""
        with suppress(BlockingIOError):
            self.terminated |= signal.SIGTERM in os.read(self.arrived, 4096)
        return self.terminated


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Popen.poll, which may be asked from a signal handler that interrupted it."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _requeue_signal() -> signal.Signals:
    """The signal by which submitit is asked to save and requeue."""
    return signal.Signals[f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"]

"""The function that submitit calls for a job: it runs the job's command, and has it save when it is to stop."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from shlex import join

import psutil
from submitit.helpers import DelayedSubmission

from research.ablation.launching.jobs import HEADING, Job
from research.ablation.launching.shares import Share
from research.parallel.endings import AGAIN_LATER

LOOK_EVERY_SECONDS = 0.1
REQUEUE_SECONDS = 5  # between SIGTERM and the signal that asks for a requeue, on clusters that send both
MOST_LOST = 3  # requeues of a job because one of its tasks was lost
MARGIN_SECONDS = 5  # of the grace, kept to write the submission again and to ask for the requeue
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class Supervisor:
    """A job's command and the rules by which it is stopped. submitit pickles it, and calls it where the job runs.

    Args:
        job: the job to run.
        grace_seconds: time that the command has to save when the job's time is up.
        share: the part of this machine that the command may use; None on a cluster, which divides its nodes itself.
        launcher: the process that is to live as long as the job; 0 on a cluster.
        seconds: how long earlier tries ran.
    """

    job: Job
    grace_seconds: int
    share: Share | None = None
    launcher: int = 0
    seconds: float = 0.0
    # Of the try that runs:
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _signals: int = field(default=-1, init=False)  # the end of a pipe from which the numbers of signals are read
    _terminated: bool = field(default=False, init=False)  # whether SIGTERM came to us
    _asked: bool = field(default=False, init=False)  # whether we asked the command to save

    def __call__(self) -> tuple[int, float]:
        """Run the command to its end.

        Returns:
            The exit code, and the seconds of all tries.

        Raises:
            SystemExit: a cluster stopped the command by SIGTERM, or one of several tasks was lost. There is no result
                then, for the job has not ended: it is requeued.
        """
        self._signals, writer = os.pipe()
        for end in (self._signals, writer):
            os.set_blocking(end, False)
        # A handler would come too late: of two signals at once, Python handles SIGUSR2 to its end before SIGTERM.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._began = time.monotonic()
        if self.share and self._must_stop():
            return 128 + signal.SIGTERM, self.seconds
        try:
            self._process = _start(self.job, self.share)
        except OSError as error:
            with self.job.log.open("a") as log:
                log.write(f"cannot start {self.job.command[0]}: {error.strerror}\n")
            return 127, self.seconds
        while not _has_ended(self._process):
            time.sleep(LOOK_EVERY_SECONDS)
            if self.share and self._must_stop():
                self._ask_to_save()
        self._kill_leftovers()  # before `wait`: until then Linux does not use its process id again
        code = self._process.wait()
        if code and not self.share and self._was_terminated():
            time.sleep(REQUEUE_SECONDS)
            sys.exit(128 + signal.SIGTERM)
        if _one_of_several_was_lost(code):
            subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=False, capture_output=True)
            time.sleep(REQUEUE_SECONDS)
            sys.exit(AGAIN_LATER)
        return code, self.seconds + time.monotonic() - self._began

    def checkpoint(self) -> DelayedSubmission:
        """Have the command save and end, within the grace. submitit calls this when the job's time is up.

        Returns:
            The job as it is to be submitted again.
        """
        seconds = self.seconds
        if self._process is not None:
            if self.share or not self._was_terminated():
                self._ask_to_save()
            patience = time.monotonic() + max(self.grace_seconds - MARGIN_SECONDS, 1)
            while not _has_ended(self._process):
                if time.monotonic() > patience:
                    self._process.kill()
                time.sleep(LOOK_EVERY_SECONDS)
            self._kill_leftovers()
            seconds += time.monotonic() - self._began
        return DelayedSubmission(replace(self, seconds=seconds))

    def _ask_to_save(self) -> None:
        """Ask the command to save and end, once. Not its children, which it may need for that."""
        if self._process is not None and not self._asked:
            self._asked = True
            self._process.terminate()

    def _kill_leftovers(self) -> None:
        """Kill the processes that the command left running. On a cluster, the cluster does it."""
        if self._process is not None and self.share:
            with suppress(ProcessLookupError, PermissionError):  # nothing
                os.killpg(self._process.pid, signal.SIGKILL)

    def _was_terminated(self) -> bool:
        """Return whether SIGTERM has come. A cluster sends it to the command too: a second one would end it unsaved."""
        with suppress(BlockingIOError):
            self._terminated |= signal.SIGTERM in os.read(self._signals, 4096)
        return self._terminated

    def _must_stop(self) -> bool:
        """Return True if the job must end: it got SIGTERM, or the process that launched it is gone."""
        with suppress(psutil.NoSuchProcess):
            return self._was_terminated() or psutil.Process(os.getppid()).ppid() != self.launcher
        return True


def _one_of_several_was_lost(code: int) -> bool:
    """Tell from a command's exit code whether a task of its job was killed, unless the job was requeued often."""
    several = int(os.environ.get("SLURM_NTASKS", 1)) > 1
    return several and (code == AGAIN_LATER or code < 0) and int(os.environ.get("SLURM_RESTART_COUNT", 0)) < MOST_LOST


def _start(job: Job, share: Share | None) -> subprocess.Popen[bytes]:
    """Start the command. It leads a process group of its own if it has a share of this machine."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(share.environment if share else {})}
    if share and share.cores:
        os.sched_setaffinity(0, share.cores)
    supervisor = os.getpid()
    with job.log.open("ab") as log:
        if os.environ.get("SLURM_PROCID", "0") == "0":  # of a job of several tasks, the first
            log.write(f"{HEADING}{job.name} · {now} · {socket.gethostname()}\n{HEADING}{join(job.command)}\n".encode())
            log.flush()
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in environment.items() if value is not None},
            start_new_session=share is not None,
            preexec_fn=lambda: _prepare(supervisor),  # safe: a supervisor has no other thread that runs Python
        )


def _prepare(supervisor: int) -> None:
    """Set the signals of the command's process, before it becomes the command."""
    signal.signal(_requeue_signal(), signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    if sys.platform.startswith("linux"):  # whoever kills the supervisor has the command save and end
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:
            os._exit(128 + signal.SIGTERM)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return what Popen.poll would, without its lock: a signal handler that interrupted a poll may ask."""
    try:
        return process.returncode is not None or psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _requeue_signal() -> signal.Signals:
    """Return the signal by which submitit is asked to save and requeue. It reaches the command too on a cluster."""
    return signal.Signals[f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"]

"""A job's first instructions, in its own process: `python become.py PARENT CORES SIGNALS COMMAND...`.

It asks for SIGTERM when its parent is gone, keeps to its cores, ignores what it is to ignore, and becomes the command,
under the same process id. A program of its own, and not Popen's `preexec_fn`: what Python does between fork and exec
may hang where the parent has threads, and JAX and progress bars have them. It imports no package, for it starts often.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def become(parent: int, cores: list[int], signals: list[int], command: list[str]) -> None:
    """Be `command` from now on; exit code 127, as in a shell, when there is none such."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was gone before we could ask
            sys.exit(128 + signal.SIGTERM)
        if cores:
            os.sched_setaffinity(0, cores)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and exec would pass on
        signal.signal(number, signal.SIG_DFL)
    for ignored in signals:
        signal.signal(ignored, signal.SIG_IGN)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    cores, signals = ([int(number) for number in text.split(",") if number] for text in sys.argv[2:4])
    become(int(sys.argv[1]), cores, signals, sys.argv[4:])

"""A job is a command line with a log; how it ended is an outcome. A launcher takes the one, gives back the other, and
knows nothing of what the commands do."""

import os
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import join
from typing import Protocol

from rich.text import Text

HEADING = "━━━ "  # begins the line above what one try wrote
TAIL_BYTES = 64 * 1024  # of a log that are looked through for its last lines
LAST_LINES = 20


@dataclass(frozen=True)
class Job:
    """A command that may be stopped by SIGTERM and run again, and then goes on where it was.

    log: where its stdout and stderr go, appended.
    """

    name: str
    command: tuple[str, ...]
    log: Path


@dataclass(frozen=True)
class Outcome:
    """How a job ended. code: its exit code, or below 0 the signal that ended it; seconds: that it ran."""

    job: Job
    code: int
    seconds: float
    last_lines: list[str]

    @property
    def ok(self) -> bool:
        """Whether it did what it was to do."""
        return self.code == 0


class Launcher(Protocol):
    """A way to run jobs. Its fields are those of a config in configs/launchers.py."""

    def launch(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Every job's outcome, as they end: a job that fails is one, and the rest go on.

        ValueError when it cannot be had. KeyboardInterrupt, once the jobs have saved, for Ctrl-C and SIGTERM; both are
        listened for until the last outcome is taken, so call this from the main thread.
        """
        ...

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """What `launch` would do, as text for a person; does nothing."""
        ...


def start(
    job: Job,
    *,
    own_group: bool,
    environment: Mapping[str, str] | None = None,
    cores: Collection[int] = (),
    deaf_to: Collection[int] = (),
) -> subprocess.Popen[bytes]:
    """The job's process, whose output is in its log. On Linux it gets SIGTERM when the thread that called this ends.

    own_group: whether it leads a process group, and a session, of its own. cores: all that it may run on (Linux);
    none: any. deaf_to: signals that it ignores.
    """
    job.log.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    heading = f"{HEADING}{job.name} · {now} · {socket.gethostname()}\n{HEADING}{join(job.command)}\n"
    become = [str(Path(__file__).with_name("become.py")), str(os.getpid())]
    numbers = [",".join(map(str, sorted(these))) for these in (cores, deaf_to)]
    with job.log.open("ab") as log:
        log.write(heading.encode())
        log.flush()
        return subprocess.Popen(
            [sys.executable, "-I", "-S", *become, *numbers, *job.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Unbuffered: what a job said before it was killed is in its log.
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=own_group,
        )


def last_lines(log: Path) -> list[str]:
    """The last lines that are not empty of a log's last try, as a terminal would show them, without colours."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:  # it never began
        return []
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(HEADING):
            lines.clear()
        elif shown := Text.from_ansi(line.rstrip()).plain.rstrip():
            lines.append(shown)
    return lines[-LAST_LINES:]

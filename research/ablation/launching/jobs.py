"""Jobs (a command line with a log), outcomes (how a job ended), and launchers, which turn the one into the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from rich.text import Text

HEADING = "━━━ "  # begins each line that is written above the output of one try
TAIL_BYTES = 64 * 1024  # of a log, searched for its last lines
LAST_LINES = 20


@dataclass(frozen=True)
class Job:
    """A command that saves when it gets SIGTERM, and goes on from there when it is run again.

    Args:
        name: shown to people; unique in a launch.
        command: the program and its arguments.
        log: the file to which its stdout and stderr are appended.
        input: the text of the file that the command's last argument names; "": it names none.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    input: str = field(default="", compare=False)  # of the same command it is the same

    def absolute(self) -> "Job":
        """Return the job with an absolute path of its log, for it may run in another working directory."""
        return replace(self, log=self.log.absolute())


@dataclass(frozen=True)
class Outcome:
    """The end of a job.

    Args:
        job: the job that ended.
        code: its exit code; below 0, the signal that ended it.
        seconds: how long it ran, all tries together.
        last_lines: the last lines of its log's last try.
    """

    job: Job
    code: int
    seconds: float
    last_lines: list[str]

    @property
    def ok(self) -> bool:
        """True if the job succeeded."""
        return self.code == 0


class Launcher(Protocol):
    """A way to run jobs. Its fields are those of a config in configs/launchers.py."""

    def launch(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Run the jobs and yield their outcomes as they end. When a job fails, the others go on.

        Call it from the main thread: it handles SIGINT and SIGTERM until the last outcome is taken.

        Raises:
            ValueError: the machine or cluster cannot run the jobs as asked.
            KeyboardInterrupt: after Ctrl-C or SIGTERM, once the jobs have saved.
        """
        ...

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """Return what `launch` would do, as text for a person. Start nothing and write nothing."""
        ...


def last_lines(log: Path) -> list[str]:
    """Return the last lines of a log's last try, as a terminal would show them, without colours and empty lines."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:  # the job never began
        return []
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(HEADING):
            lines.clear()
        elif shown := Text.from_ansi(line.rstrip()).plain.rstrip():
            lines.append(shown)
    return lines[-LAST_LINES:]

"""One run in one tracker: it gets no record twice, it gets those that it missed, and it cannot end the training."""

import math
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from research.results.identity import flat
from research.results.run_folder import RunFolder
from research.training.trackers import TRACKERS

NOTES = "trackers.json"
NOTHING_SENT = -1


def refuse_absent(trackers: Sequence[str]) -> None:
    """Raise ValueError unless the packages of the trackers are installed.

    Args:
        trackers: names of `TRACKERS`.
    """
    for name in trackers:
        if name not in TRACKERS:
            raise ValueError(f"--tracker={name} is unknown; choose one of {', '.join(TRACKERS)}")
        if find_spec(name) is None:
            raise ValueError(
                f"--tracker={name} needs a package that is absent: pip install '.[{name}]' in the folder of the code"
            )


class TrackedRun:
    """A tracker of `TRACKERS`, fed from a run folder.

    `trackers.json` in the folder has, for each tracker, the id of the run there, and of each group of values ("train",
    "validation") the last step that was sent. Values up to that step are not sent again: after a resume they are what
    they were. Records of metrics.jsonl that were not sent yet are sent first, so that a run that began without the
    tracker, or while it could not be reached, is whole there. A value that is not finite is left out.

    Args:
        name: a name of `TRACKERS`.
        folder: the run folder.
    """

    def __init__(self, name: str, folder: RunFolder):
        self._name, self._folder = name, folder
        self._client = TRACKERS[name]()
        self._failed = False
        mine = self._notes().get(name, {})
        self._id: str = mine.get("run", "")
        self._sent: dict[str, int] = mine.get("sent", {})

    def begin(self, step: int) -> None:
        """Open the run in the tracker, or open it again, and send what it has missed.

        Raises:
            ValueError: it cannot be opened, and never was. If it was, training goes on without it.
        """
        config = flat(self._folder.read_json("config.json"))
        try:
            self._id = self._client.begin(self._folder.path, self._id, config)
        except Exception as error:
            if not self._id:
                raise ValueError(
                    f"--tracker={self._name} cannot begin ({_first_line(error)}): mend that, or train without it"
                ) from error
            self._fail(error)
            return
        self._write_down()
        for record in self._folder.metrics():
            self.add(int(record["step"]), record)

    def add(self, step: int, values: dict[str, float]) -> None:
        """Send the values of a record that were not sent yet. If that fails, say so once, and send nothing more."""
        new = {
            name: float(value)
            for name, value in values.items()
            if "/" in name
            and value is not None
            and math.isfinite(value)
            and step > self._sent.get(_group(name), NOTHING_SENT)
        }
        if self._failed or not new:
            return
        before = self._sent
        self._sent = before | {_group(name): step for name in new}
        self._write_down()  # before it is sent: a kill between the two loses a record there, and leaves none twice
        try:
            self._client.add(step, new)
        except Exception as error:
            self._sent = before
            self._write_down()
            self._fail(error)

    def close(self, *, complete: bool) -> None:
        """End the session there; see `Tracker.close`."""
        if self._failed:
            return
        try:
            self._client.close(complete=complete)
        except Exception as error:
            print(
                f"warning: {self._name} did not end its session ({_first_line(error)}) and may lack the last metrics, "
                f"which {self._folder.metrics_file} has",
                file=sys.stderr,
            )

    def _fail(self, error: Exception) -> None:
        self._failed = True
        print(
            f"warning: {self._name} gets no more metrics ({_first_line(error)}); training goes on without it, and the "
            "same command sends what is missing, also after the end",
            file=sys.stderr,
        )

    def _notes(self) -> dict[str, Any]:
        there = (self._folder.path / NOTES).exists()
        return self._folder.read_json(NOTES) if there else {}  # type: ignore[no-any-return]

    def _write_down(self) -> None:
        self._folder.write_json(NOTES, {**self._notes(), self._name: {"run": self._id, "sent": self._sent}})


def _group(name: str) -> str:
    return name.partition("/")[0]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:200]

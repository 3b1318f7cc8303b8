"""The metrics of a run: a line of metrics.jsonl for each record, and its values in TensorBoard and other trackers."""

from collections.abc import Sequence
from typing import Protocol

from research.files import are_written_here
from research.results.run_folder import RunFolder
from research.training.tensorboard import TensorBoard
from research.training.tracked_run import TrackedRun


class Tracker(Protocol):
    """A place that shows the values of a run by their step."""

    def begin(self, step: int) -> None:
        """Begin a session of a run that has `step` steps; above 0, what an earlier session wrote of them stays."""
        ...

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write the values of one record, by names such as "train/nll"."""
        ...

    def close(self, *, complete: bool) -> None:
        """End the session.

        Args:
            complete: the training has come to its end; else the run goes on in another session.
        """
        ...


class MetricsWriter:
    """A writer of metrics that deletes the records after `step` first, so that a resumed run leaves no record twice.

    A record is in metrics.jsonl and in TensorBoard's events when `add` returns.

    Args:
        folder: the run folder.
        step: the step that the run resumes from; 0 for a new run.
        trackers: names of `TRACKERS`, which get the same values as TensorBoard.

    Raises:
        OSError: a file cannot be written, here and in `add`.
        ValueError: a tracker that this run has not been in before cannot be begun.
    """

    def __init__(self, folder: RunFolder, step: int, trackers: Sequence[str] = ()):
        folder.forget_metrics_after(step)
        self._folder = folder
        self._trackers: list[Tracker] = [TensorBoard(folder.path / "tensorboard")]
        if are_written_here():
            self._trackers += [TrackedRun(name, folder) for name in trackers]
        for tracker in self._trackers:
            tracker.begin(step)

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write one record. Trackers get the values whose name has a "/"."""
        self._folder.append_metrics({"step": step, **values})
        shown = {name: value for name, value in values.items() if "/" in name}
        for tracker in self._trackers:
            tracker.add(step, shown)

    def close(self, *, complete: bool) -> None:
        """End the sessions of all trackers; see `Tracker.close`."""
        for tracker in self._trackers:
            tracker.close(complete=complete)

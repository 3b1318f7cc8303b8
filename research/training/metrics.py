"""The metrics of a run: a line of metrics.jsonl and TensorBoard scalars for each record."""

from tensorboardX import SummaryWriter

from research.files import are_written_here
from research.results.run_folder import RunFolder


class MetricsWriter:
    """A writer of metrics that deletes the records after `step` first, so that a resumed run leaves no record twice.

    Args:
        folder: the run folder.
        step: the step that the run resumes from; 0 for a new run.
    """

    def __init__(self, folder: RunFolder, step: int):
        folder.forget_metrics_after(step)
        self._folder = folder
        self._board = SummaryWriter(
            str(folder.path / "tensorboard"), purge_step=step + 1, write_to_disk=are_written_here()
        )

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write one record. Values whose name has a "/" become TensorBoard scalars too."""
        self._folder.append_metrics({"step": step, **values})
        for name, value in values.items():
            if "/" in name:
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Write records that are still buffered."""
        self._board.close()

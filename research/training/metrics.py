"""Metrics of a run: a line of metrics.jsonl and TensorBoard scalars, both as if a run had never been stopped."""

from tensorboardX import SummaryWriter

from research.results.run_folder import RunFolder


class Metrics:
    """Writes to `folder` from the step after `step` on; what a run wrote of later steps before it stopped is gone."""

    def __init__(self, folder: RunFolder, step: int):
        folder.forget_metrics_after(step)
        self._folder = folder
        self._board = SummaryWriter(str(folder.path / "tensorboard"), purge_step=step + 1, write_to_disk=True)

    def add(self, step: int, values: dict[str, float]) -> None:
        """One record. Names with a "/" are scalars for TensorBoard as well."""
        self._folder.append_metrics({"step": step, **values})
        for name, value in values.items():
            if "/" in name:
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is still held back."""
        self._board.close()

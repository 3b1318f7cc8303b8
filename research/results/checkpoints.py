"""Checkpoints through Orbax: the unreplicated state, the data cursor, and a digest of every array.

Orbax restores a flipped bit without a word, so each array's SHA-256 is kept beside it and compared.
"""

import glob
import hashlib
import logging
import math
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers


class Checkpoints:
    """Checkpoints of one run in `folder`: the last `keep_last` and the best one are kept.

    A save is atomic: a run killed in the middle of it goes on from the one before.
    """

    def __init__(self, folder: Path | str, *, keep_last: int = 1):
        last = checkpoint_managers.LatestN(keep_last)
        # The latest is listed by itself: a policy by metric alone would delete it, and resuming would lose steps.
        best = checkpoint_managers.BestN(
            get_metric_fn=lambda metrics: -metrics["loss"], n=1, keep_checkpoints_without_metrics=False
        )
        options = ocp.CheckpointManagerOptions(
            preservation_policy=checkpoint_managers.AnyPreservationPolicy([last, best]),
            enable_async_checkpointing=False,
            best_fn=lambda metrics: -metrics["loss"],
        )
        logging.getLogger("absl").addFilter(_worth_saying)
        self.folder = Path(folder).absolute()
        self._opened = ExitStack()
        self._manager = ocp.CheckpointManager(
            self._opened.enter_context(_linked(self.folder)) if _is_pattern(self.folder) else self.folder,
            options=options,
            item_handlers={"state": ocp.StandardCheckpointHandler(), "notes": ocp.JsonCheckpointHandler()},
        )
        self._opened.callback(self._manager.close)

    def save(self, step: int, state: Any, notes: dict[str, Any], *, loss: float | None = None) -> None:
        """Write `state` (host arrays) and `notes` (JSON). loss: what the best is chosen by, the lower the better.

        Raises OSError, with the checkpoint before it as it was, when it cannot be written, or read back.
        """
        notes = {**notes, "digests": _digests(state)}
        items = ocp.args.Composite(state=ocp.args.StandardSave(state), notes=ocp.args.JsonSave(notes))
        # A loss that is NaN compares with nothing, and Orbax would take it for the best.
        metrics = None if loss is None or math.isnan(loss) else {"loss": float(loss)}
        try:
            self._manager.save(step, args=items, metrics=metrics, force=True)
            self._manager.wait_until_finished()
        except Exception as error:  # Orbax and TensorStore each raise their own, for a full disk too
            self.remove_unfinished()
            raise OSError(
                f"checkpoint {step} cannot be written to {self.folder} ({_in_short(error)}); earlier ones stay: "
                "make room, and the same command goes on from the last"
            ) from error
        try:
            self._read_back(step, notes["digests"])
        except Exception as error:
            self.delete(step)
            raise OSError(
                f"checkpoint {step} was not written to {self.folder}: it cannot be read back ({_in_short(error)}); "
                "earlier ones stay, and the same command goes on from the last"
            ) from error

    def delete(self, step: int) -> None:
        """Remove a checkpoint, where the policy has not done so already."""
        if step in self.steps():
            self._manager.delete(step)

    def remove_unfinished(self) -> None:
        """Remove what saves that failed or were killed have left. Only for the process that writes checkpoints here."""
        for unfinished in self.folder.glob("*.orbax-checkpoint-tmp*"):
            shutil.rmtree(unfinished, ignore_errors=True)

    def steps(self) -> list[int]:
        """Steps that can be restored, in order."""
        return sorted(self._manager.all_steps())

    def best_step(self) -> int:
        """The step with the lowest loss; the last where none has one."""
        best = self._manager.best_step()
        return self.steps()[-1] if best is None else best

    def restore(self, step: int, like: Any = None) -> tuple[Any, dict[str, Any]]:
        """State and notes of `step`. like: a state of the same shapes, which gives the tree's types; None: plain dicts.

        Raises ValueError when what is on disk is not what was saved.
        """
        again = f"remove {self.folder / str(step)} to go on from an earlier checkpoint"
        target = jax.tree.map(np.asarray, jax.device_get(like)) if like is not None else None
        try:
            items = ocp.args.Composite(state=ocp.args.StandardRestore(target), notes=ocp.args.JsonRestore())
            restored = self._manager.restore(step, args=items)
        except Exception as error:  # Orbax, TensorStore and zstd each raise their own
            raise ValueError(f"checkpoint {step} cannot be read ({_in_short(error)}); {again}") from error
        state = jax.tree.map(np.asarray, restored["state"])
        found = _digests(state)
        for name, digest in restored["notes"]["digests"].items():
            if found.get(name) != digest:
                raise ValueError(f"checkpoint {step} is damaged: {name} is not what was saved; {again}")
        return state, restored["notes"]

    def close(self) -> None:
        """Release what Orbax holds open."""
        self._opened.close()

    def _read_back(self, step: int, digests: dict[str, str]) -> None:
        """Read the notes and every array's metadata; not their bytes, which would double the time of a save."""
        notes = self._manager.restore(step, args=ocp.args.Composite(notes=ocp.args.JsonRestore()))["notes"]
        if notes["digests"] != digests:
            raise ValueError("its digests are not those that were saved")
        if missing := sorted(digests.keys() - _by_path(self._manager.item_metadata(step)["state"].tree).keys()):
            raise ValueError(f"{missing[0]} is missing")


def evaluation_params(folder: Path | str, *, which: str, average_last: int) -> tuple[Any, int]:
    """Weights to evaluate with, and the step they are from.

    which: "best" or "last". average_last: the mean of so many last checkpoints instead (Vaswani et al. 2017, section
    6.1) where it is above 1. Of a run with exponential averaging, the average is taken.
    """
    refuse_unknown(which)
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"no checkpoints at {folder}; train the run first with `python run.py train`")
    checkpoints = Checkpoints(folder, keep_last=max(average_last, 1))
    try:
        steps = checkpoints.steps()
        if not steps:
            raise FileNotFoundError(f"no checkpoints in {folder}; train the run first with `python run.py train`")
        if average_last > 1:
            chosen = steps[-average_last:]
        else:
            chosen = [checkpoints.best_step() if which == "best" else steps[-1]]
        return mean([evaluated_weights(checkpoints.restore(step)[0]) for step in chosen]), chosen[-1]
    finally:
        checkpoints.close()


def evaluated_weights(state: dict[str, Any]) -> Any:
    """Of a restored state: the exponential average where there is one."""
    return state["averaged"] if state.get("averaged") else state["params"]


def refuse_unknown(which: str) -> None:
    """ValueError for a checkpoint that is neither the "best" nor the "last"."""
    if which not in ("best", "last"):
        raise ValueError(f"evaluation.checkpoint={which!r} is unknown; choose best or last")


def mean(trees: list[Any]) -> Any:
    """The mean of several trees of arrays, summed in float64."""
    return jax.tree.map(lambda *leaves: np.mean(leaves, axis=0, dtype=np.float64).astype(leaves[0].dtype), *trees)


def _worth_saying(record: logging.LogRecord) -> bool:
    """False of Orbax's warning that a checkpoint has no metric: one saved between two validations has none."""
    return "did not provide metrics" not in record.getMessage()


def _in_short(error: Exception) -> str:
    first_line = str(error).partition("\n")[0][:200]
    return f"{type(error).__name__}: {first_line}"


def _digests(tree: Any) -> dict[str, str]:
    """SHA-256 of each array, by its path."""
    return {
        path: hashlib.sha256(np.ascontiguousarray(leaf).tobytes()).hexdigest() for path, leaf in _by_path(tree).items()
    }


def _by_path(tree: Any) -> dict[str, Any]:
    """The leaves of a tree, by their path."""
    return {
        "/".join(str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", "")))) for key in path): leaf
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]
    }


def _is_pattern(path: Path) -> bool:
    """True where a path holds `*`, `?` or `[`: Orbax searches by a pattern that begins with the path of its folder."""
    return glob.escape(str(path)) != str(path)


@contextmanager
def _linked(folder: Path) -> Iterator[Path]:
    """A symbolic link to `folder`, which is made, by a path that is no pattern."""
    with TemporaryDirectory() as temporary:
        link = Path(temporary) / "checkpoints"
        if _is_pattern(link):
            raise ValueError(
                f"cannot keep checkpoints in {folder}, nor by way of {link}: set TMPDIR to a folder whose path has no "
                "*, ? or ["
            )
        folder.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
        yield link

"""Checkpoints, written by Orbax: one copy of the state, the position in the data, and digests of both.

Orbax does not notice a flipped bit when it restores. So the SHA-256 of each array and of the notes is saved too, and
compared.
"""

import glob
import hashlib
import json
import logging
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
import tensorstore
from orbax.checkpoint import checkpoint_managers

from research.files import are_written_here

IRRELEVANT = ("did not provide metrics", "_SignalingThread.run() raised an exception")
NEVER_RETRIEVED = "exception was never retrieved"
UNFINISHED = ".orbax-checkpoint-tmp"
NO_ROOM = "No space left on device"
PATIENCE_SECONDS, QUIET_SECONDS = 10, 1
LOSS = "loss"
"""Names the loss among the notes, and among the metrics by which Orbax finds the best checkpoint."""
NOTES_DIGEST = "notes_sha256"
"""Names the digest of the notes among them; checkpoints of earlier versions have neither, nor the loss."""


class Checkpoints:
    """A store of one run's checkpoints that keeps the last ones and the best one.

    A save is atomic: a run that was killed during a save resumes from the checkpoint before it.

    Args:
        folder: where the checkpoints are; it is made if it is missing.
        keep_last: how many of the last ones to keep.
    """

    def __init__(self, folder: Path | str, *, keep_last: int = 1):
        last = checkpoint_managers.LatestN(keep_last)
        # A policy by metric alone would delete the latest checkpoint, and resuming would lose steps.
        best = checkpoint_managers.BestN(
            get_metric_fn=lambda metrics: -metrics[LOSS], n=1, keep_checkpoints_without_metrics=False
        )
        alone = _by_this_process_alone()
        options = ocp.CheckpointManagerOptions(
            create=False,
            multiprocessing_options=alone,
            preservation_policy=checkpoint_managers.AnyPreservationPolicy([last, best]),
            enable_async_checkpointing=False,
            best_fn=lambda metrics: -metrics[LOSS],
        )
        logging.getLogger("absl").addFilter(_is_relevant)
        logging.getLogger("asyncio").addFilter(_is_not_of_a_save)
        if not isinstance(sys.unraisablehook, _Unraisable):
            sys.unraisablehook = _Unraisable(sys.unraisablehook)
        self.folder = Path(folder).absolute()
        if are_written_here():
            self.folder.mkdir(parents=True, exist_ok=True)
        for checkpoint in self.folder.glob("[0-9]*"):
            if checkpoint.name.isdecimal():  # others are unfinished
                _refuse_other_loss(checkpoint)
        self._opened = ExitStack()
        self._manager = ocp.CheckpointManager(
            self._opened.enter_context(_linked(self.folder)) if _is_pattern(self.folder) else self.folder,
            options=options,
            item_handlers={
                "state": ocp.StandardCheckpointHandler(multiprocessing_options=alone),
                "notes": ocp.JsonCheckpointHandler(multiprocessing_options=alone),
            },
        )
        self._opened.callback(self._manager.close)

    def save(self, step: int, state: Any, notes: dict[str, Any], *, loss: float | None = None) -> None:
        """Write a checkpoint, and read it back as far as that is cheap.

        Args:
            step: its step.
            state: a tree of NumPy arrays.
            notes: values for JSON that are needed to resume.
            loss: the number whose minimum is the best checkpoint; None without a validation.

        Raises:
            OSError: when it cannot be written or read back. Earlier checkpoints stay as they were.
        """
        if loss is not None and math.isnan(loss):
            loss = None  # neither smaller nor larger than any loss, and Orbax would take it for the best
        notes = {**notes, "digests": digests(state), LOSS: loss if loss is None else float(loss)}
        notes[NOTES_DIGEST] = _digest_of(notes)
        items = ocp.args.Composite(state=ocp.args.StandardSave(state), notes=ocp.args.JsonSave(notes))
        metrics = None if loss is None else {LOSS: float(loss)}
        try:
            self._manager.save(step, args=items, metrics=metrics, force=True)
            self._manager.wait_until_finished()
        except Exception as error:  # Orbax and TensorStore each raise exceptions of their own, for a full disk too
            self._remove_until_quiet()
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

    def copy(self, step: int, to: Path) -> None:
        """Copy a checkpoint to the folder `to`/STEP, whole or not at all; one that is there stays."""
        if not (to / str(step)).exists():
            copy_whole(self.folder / str(step), to / str(step))

    def delete(self, step: int) -> None:
        """Delete a checkpoint, unless it is gone already."""
        if step in self.steps():
            self._manager.delete(step)

    def remove_unfinished(self) -> None:
        """Delete the files of saves that failed or were killed. For the process that writes checkpoints here, only."""
        for unfinished in self._unfinished():
            shutil.rmtree(unfinished, ignore_errors=True)

    def _remove_until_quiet(self) -> None:
        """Delete the files of a save that Orbax has given up, and of TensorStore's threads, which go on with it."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        quiet_since = time.monotonic()
        while time.monotonic() < min(give_up, quiet_since + QUIET_SECONDS):
            if any(self._unfinished()):
                self.remove_unfinished()
                quiet_since = time.monotonic()
            time.sleep(0.05)

    def _unfinished(self) -> Iterator[Path]:
        return self.folder.glob(f"*{UNFINISHED}*")

    def steps(self) -> list[int]:
        """Return the steps that can be restored, in order."""
        return sorted(self._manager.all_steps())

    def best_step(self) -> int:
        """Return the step with the lowest loss; the last step if no checkpoint has a loss."""
        best = self._manager.best_step()
        return self.steps()[-1] if best is None else best

    def restore(self, step: int, like: Any = None) -> tuple[Any, dict[str, Any]]:
        """Return the state and the notes of `step`.

        Args:
            step: a step of `steps`.
            like: a state of the same shapes, whose types the tree gets; None gives plain dicts.

        Raises:
            ValueError: when the files cannot be read, or differ from those that were saved.
        """
        again = f"remove {self.folder / str(step)} to go on from an earlier checkpoint"
        # Of shapes and types alone: no process may hold all of a state that lies over several.
        target = jax.tree.map(lambda x: np.empty(x.shape, x.dtype), like) if like is not None else None
        try:
            items = ocp.args.Composite(state=ocp.args.StandardRestore(target), notes=ocp.args.JsonRestore())
            restored = self._manager.restore(step, args=items)
        except Exception as error:  # Orbax, TensorStore and zstd each raise exceptions of their own
            raise ValueError(f"checkpoint {step} cannot be read ({_in_short(error)}); {again}") from error
        state, notes = jax.tree.map(np.asarray, restored["state"]), restored["notes"]
        if (
            not isinstance(notes, dict)
            or "digests" not in notes
            or notes.get(NOTES_DIGEST) not in (None, _digest_of(notes))
        ):
            raise ValueError(f"checkpoint {step} is damaged: its notes are not what was saved; {again}")
        found = digests(state)
        for name, digest in notes["digests"].items():
            if found.get(name) != digest:
                raise ValueError(f"checkpoint {step} is damaged: {name} is not what was saved; {again}")
        if (held := int(by_path(state).get("step", step))) != step:
            raise ValueError(f"checkpoint {step} is damaged: its state is of step {held}; {again}")
        return state, notes

    def close(self) -> None:
        """Close files and threads of Orbax."""
        self._opened.close()

    def _read_back(self, step: int, saved: dict[str, str]) -> None:
        """Read the notes and the names of the arrays, but not the arrays, which would double the time of a save."""
        notes = self._manager.restore(step, args=ocp.args.Composite(notes=ocp.args.JsonRestore()))["notes"]
        if notes["digests"] != saved:
            raise ValueError("its digests differ from those that were saved")
        state = self.folder / str(step) / "state"
        json.loads((state / "_METADATA").read_bytes())  # of the tree, without which Orbax restores nothing
        there = _array_names(state)
        if missing := [name for name in sorted(saved) if name.replace("/", ".") not in there]:
            raise ValueError(f"{missing[0]} is missing")


def _refuse_other_loss(checkpoint: Path) -> None:
    """Raise ValueError if the loss by which Orbax finds the best checkpoint is not the one that its notes have."""
    file = checkpoint / "metrics" / "metrics"
    try:
        content = file.read_bytes()
    except OSError:  # it was saved without a validation, or is being deleted
        return
    with suppress(ValueError, KeyError, TypeError):
        held = json.loads(content)[LOSS]
        saved = held
        with suppress(OSError, ValueError, KeyError, TypeError):  # `restore` refuses other notes, where they are needed
            saved = json.loads((checkpoint / "notes" / "metadata").read_bytes())[LOSS]
        if isinstance(held, float) and held == saved:
            return
    raise ValueError(
        f"checkpoint {checkpoint.name} is damaged: {file} is not what was saved; remove {checkpoint} to go on from an "
        "earlier one"
    )


def _by_this_process_alone() -> ocp.options.MultiprocessingOptions:
    """Return options by which Orbax waits for no other process: one writes whole states, and each reads for itself."""
    if not jax.distributed.is_initialized():
        return ocp.options.MultiprocessingOptions()
    this = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process{this}"
    )


def _array_names(folder: Path) -> set[str]:
    """Return the names of the arrays in the store that Orbax makes at the end of a save.

    Orbax's `item_metadata` would have TensorStore describe every array, of which version 0.1.86 keeps 3 kB for ever.
    """
    store = tensorstore.KvStore.open({"driver": "ocdbt", "base": f"{folder.as_uri()}/"}).result()
    keys = (key.decode() for key in store.list().result())
    return {name for name, _, kind in (key.rpartition("/") for key in keys) if kind == ".zarray"}


def copy_whole(folder: Path, to: Path) -> None:
    """Copy a folder to a path where nothing is yet, whole or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=to.parent) as temporary:
        copied = shutil.copytree(folder, Path(temporary) / to.name)
        copied.rename(to)


def _is_relevant(record: logging.LogRecord) -> bool:
    """Return False for what Orbax logs and a person need not read.

    It warns about checkpoints without a metric, and those between two validations have none. An exception in one of its
    threads is logged with its traceback, and raised where we wait for the save.
    """
    return not any(said in record.getMessage() for said in IRRELEVANT)


def _is_not_of_a_save(record: logging.LogRecord) -> bool:
    """Return False for asyncio's word on an array that was not written after another one had failed.

    Orbax raises the first exception of its tasks. Those of the others are logged, with their tracebacks, when the
    garbage collector comes by, so that some failed saves said them and some did not.
    """
    said = record.getMessage()
    return not (NEVER_RETRIEVED in said and UNFINISHED in said)


class _Unraisable:
    """A hook that passes over exceptions in threads of TensorStore, which go on when Orbax has given up a save.

    Args:
        others: the hook for all other exceptions that nobody can catch.
    """

    def __init__(self, others: Callable[[Any], Any]):
        self.others = others

    def __call__(self, unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            self.others(unraisable)


def _in_short(error: Exception) -> str:
    if NO_ROOM in str(error):
        return NO_ROOM.lower()
    first_line = str(error).partition("\n")[0][:200]
    return f"{type(error).__name__}: {first_line}"


def digests(tree: Any) -> dict[str, str]:
    """Return the SHA-256 of each array by its path."""
    return {
        path: hashlib.sha256(np.ascontiguousarray(leaf).tobytes()).hexdigest() for path, leaf in by_path(tree).items()
    }


def _digest_of(notes: dict[str, Any]) -> str:
    """Return the SHA-256 of the notes, as they are read: keys are texts, and tuples lists."""
    as_read = json.loads(json.dumps({name: note for name, note in notes.items() if name != NOTES_DIGEST}))
    return hashlib.sha256(json.dumps(as_read, sort_keys=True).encode()).hexdigest()


def by_path(tree: Any) -> dict[str, Any]:
    """Return the leaves of a tree by their path."""
    return {
        "/".join(str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", "")))) for key in path): leaf
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]
    }


def _is_pattern(path: Path) -> bool:
    """Tell whether a path holds `*`, `?` or `[`: Orbax searches by a pattern that begins with its folder's path."""
    return glob.escape(str(path)) != str(path)


@contextmanager
def _linked(folder: Path) -> Iterator[Path]:
    """Make `folder`, and yield a symbolic link to it whose path is not a pattern."""
    with TemporaryDirectory() as temporary:
        link = Path(temporary) / "checkpoints"
        if _is_pattern(link):
            raise ValueError(
                f"cannot keep checkpoints in {folder}, nor through {link}: set TMPDIR to a folder whose path has no "
                "*, ? or ["
            )
        folder.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
        yield link

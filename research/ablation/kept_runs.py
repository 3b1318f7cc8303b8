"""Runs that were made elsewhere, on another cluster or by another person: taken where they are what they are called."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from research.results.measures import MEASURES
from research.results.run_folder import RunFolder


def find(
    name: str, folders: Sequence[Path], digest: Callable[[ConfigDict], str], *, split: str, search: str
) -> Path | None:
    """Return the first of the evaluated runs, or of their evidence, that have a name; None where none has.

    Args:
        name: of the run folder: its architecture, the digest of its config, and its seed.
        folders: what holds run folders or evidence.
        digest: the identity of a run but for its seed.
        split, search: what is judged.

    Raises:
        ValueError: a run was made with another config or seed than its name says, or two folders have other numbers.
    """
    found = [folder / name for folder in folders if RunFolder(folder / name).is_evaluated(split, search)]
    for path in found:
        config = RunFolder.existing(path).config()
        if not name.endswith(f"-{digest(config)}.{config.seed}"):
            raise ValueError(
                f"{path} was trained with another config or seed than its name says: it was renamed, or its "
                "config.json edited; leave it out"
            )
        if (ours := _scores(found[0], split, search)) != (theirs := _scores(path, split, search)):
            other = next(measure for measure in ours if ours[measure] != theirs[measure])
            raise ValueError(
                f"{found[0]} and {path} are one run with two results ({other} {ours[other]} and {theirs[other]}): "
                "only one of them can be judged; leave one out"
            )
    return found[0] if found else None


def _scores(path: Path, split: str, search: str) -> dict[str, Any]:
    """Return every measure of a run, but for what it took."""
    measured = RunFolder(path).result().get("splits", {}).get(split, {})
    return {name: measure.value(measured, search) for name, measure in MEASURES.items()}

"""Runs that were made elsewhere, on another cluster or by another person: taken where they are what they are called."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from research.ablation.asked import Asked
from research.files import refuse_unwritable
from research.results.evidence import keep_for_verdict
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder


def check(folders: Sequence[Path], arms: Iterable[ConfigDict]) -> None:
    """Refuse folders from which no run of these arms could come.

    Raises:
        ValueError: a folder holds no runs, or the files of the corpus can't be known again.
    """
    for folder in folders:
        if not any(folder.glob("*/config.json")):
            raise ValueError(f"there are no runs in {folder}, which --evidence names: give the folder that has them")
    if folders:
        _refuse_unnamed_text(arms)


def refuse_unkeepable(out: Path, arms: Iterable[ConfigDict]) -> None:
    """Raise ValueError or OSError where `keep` could write no evidence of these arms, before any is trained."""
    refuse_unwritable(out)
    _refuse_unnamed_text(arms)


def keep(asked: Asked, out: Path) -> list[Path]:
    """Write the evidence of every finished run of an answer below `out`; see `evidence.keep_for_verdict`.

    Raises:
        ValueError: see there; or nothing would show elsewhere which corpus it was.
    """
    arms = [*asked.finished.values(), *asked.finished_halves.values()]
    runs = dict.fromkeys(path for of in arms for path in of.values())
    _refuse_unnamed_text(RunFolder(path).config() for path in runs)
    return keep_for_verdict(runs, out, asked.split, asked.search, asked.experiment.measures)


def find(
    name: str, folders: Sequence[Path], digest: Callable[[ConfigDict], str], *, split: str, search: str, gold: str
) -> Path | None:
    """Return the first of the evaluated runs, or of their evidence, that have a name; None where none has.

    Args:
        name: of the run folder: its architecture, the digest of its config, and its seed.
        folders: what holds run folders or evidence.
        digest: the identity of a run but for its seed.
        split, search: what is judged.
        gold: the SHA-256 of the alignments that attention is compared with; "": the corpus's own, if it has any.

    Raises:
        ValueError: a run was made with another config or seed than its name says, or two folders have other numbers.
    """
    found = [folder / name for folder in folders if RunFolder(folder / name).is_evaluated(split, search, gold)]
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


def _refuse_unnamed_text(configs: Iterable[ConfigDict]) -> None:
    if any(config.data.source == "text" and not config.data.sha256 for config in configs):
        raise ValueError(
            "the files of this corpus have no digests in data.sha256, so that nothing shows elsewhere that a run was "
            "trained on them: give them, or leave out --keep and --evidence"
        )

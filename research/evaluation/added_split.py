"""Test sets that are given after training: each becomes a split of the run folder, beside those of its corpus."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from research.data.pairs import Pair, lowered
from research.data.splits import refuse_test_names, write_split
from research.data.text import pairs_of, read_bytes
from research.results.run_folder import RunFolder


class ParallelFiles(NamedTuple):
    """The two files of a test set, plain or gzip; line n of one translates line n of the other."""

    source: Path
    reference: Path
    name: str | None = None
    """The split's name; None takes that of the source file up to its first dot."""


class AddedSplit(NamedTuple):
    """A test set as it is added to a run."""

    name: str
    pairs: list[Pair]
    facts: dict[str, str]
    """For provenance.json: the names of the two files, and the SHA-256 of their text."""


def read_files(files: ParallelFiles, folder: RunFolder, *, lowercase: bool) -> AddedSplit:
    """Read a test set that may be added to a run; nothing is written.

    Args:
        files: the test set.
        folder: the run.
        lowercase: data.lowercase of the run.

    Raises:
        ValueError: the files are no test set, or the run has another split of that name.
        OSError: a file cannot be read.
    """
    name = files.source.name.partition(".")[0] if files.name is None else files.name
    added = folder.added()
    own = [each for each in folder.splits() if each not in added and each != "validation"]
    refuse_test_names([*own, name], "--name")
    texts = read_bytes(files.source), read_bytes(files.reference)  # once: it may be a pipe
    pairs = pairs_of(files.source, texts[0], files.reference, texts[1])
    if not pairs:
        raise ValueError(f"{files.source} has no lines: there is nothing to evaluate")
    facts: dict[str, str] = {}
    for side, file, text in zip(("source", "reference"), (files.source, files.reference), texts, strict=True):
        facts |= {side: file.name, f"{side}_sha256": hashlib.sha256(text).hexdigest()}
    before = added.get(name, facts)
    if any(before[f"{side}_sha256"] != facts[f"{side}_sha256"] for side in ("source", "reference")):
        raise ValueError(
            f"{folder.path} has a test set {name!r} already, of other text ({before['source']}, "
            f"{before['reference']}): give this one another --name"
        )
    return AddedSplit(name, [lowered(pair) for pair in pairs] if lowercase else pairs, before)


def add_split(split: AddedSplit, folder: RunFolder) -> None:
    """Write a test set and its provenance into a run. After a kill, the same call writes what is missing.

    Raises:
        OSError: the run is being trained.
    """
    with folder.alone():  # training writes provenance.json, too
        folder.update_provenance({"added": {**folder.added(), split.name: split.facts}})
        write_split(folder.split_file(split.name), split.pairs)
        folder.record_files()

"""Splits in a run folder: their names, and their files, gzip with {"source", "target", "alignment"} as JSON a line."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from research.data.pairs import Pair, Split
from research.data.text import read_bytes, split_lines
from research.files import write_whole

NAME_BYTES = 200
"""The longest name of a split: a file name of 255 bytes has an ending and the number of a process, too."""


def refuse_test_names(names: Iterable[str], field: str) -> None:
    """Raise ValueError for names that test splits cannot have: a run folder holds each split in a file of its name.

    field: the config field that has the names, for the error.
    """
    seen = {"train", "validation"}
    for name in names:
        if name in seen:
            raise ValueError(f"{field} names a test split {name!r}, and there is another split of that name: change it")
        is_long = len(name.encode()) > NAME_BYTES
        if not name.isprintable() or is_long or not name or name.startswith(".") or "/" in name:
            raise ValueError(
                f"{field} names a test split {name!r}, which cannot be a file name: use letters and digits"
            )
        seen.add(name)


def write_split(path: Path | str, split: Split) -> None:
    """Write `split` to `path`, whole or not at all. The same split gives the same bytes."""
    records = ({"source": pair.source, "target": pair.target, "alignment": pair.alignment} for pair in split)
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    write_whole(Path(path), gzip.compress(lines.encode(), mtime=0))


def read_split(path: Path | str) -> list[Pair]:
    """Read what `write_split` wrote; ValueError or OSError for anything else."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no split at {path}: a run folder keeps its validation and test pairs under splits/")
    try:
        return [_pair(json.loads(line)) for line in split_lines(read_bytes(path), str(path))]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}); restore it, or make the run again") from error


def _pair(record: dict) -> Pair:
    links = tuple((source, target) for source, target in record["alignment"])
    return Pair(record["source"], record["target"], links)

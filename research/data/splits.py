"""A split as a file: gzip, one {"source", "target", "alignment"} in JSON a line. What a run folder keeps."""

import gzip
import json
import os
from pathlib import Path

from research.data.pairs import Pair, Split
from research.data.text import read_bytes, split_lines


def write_split(path: Path | str, split: Split) -> None:
    """Write `split` to `path`: all of it or nothing. The same split gives the same bytes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(unfinished, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            for pair in split:
                record = {"source": pair.source, "target": pair.target, "alignment": pair.alignment}
                file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_split(path: Path | str) -> list[Pair]:
    """What `write_split` wrote; ValueError or OSError for anything else."""
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

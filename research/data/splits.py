"""A split as a file: gzip, one {"source", "target", "alignment"} in JSON a line. What a run folder keeps."""

import gzip
import json
import os
from pathlib import Path

from research.data.pairs import Pair, Split


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
    """What `write_split` wrote."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no split at {path}: a run folder keeps its validation and test pairs under splits/")
    with gzip.open(path, "rb") as file:
        return [_pair(json.loads(line)) for line in file]


def _pair(record: dict) -> Pair:
    links = tuple((source, target) for source, target in record["alignment"])
    return Pair(record["source"], record["target"], links)

"""A cache on disk for what takes long to make again: generated pairs, vocabularies, the ids of a training split.

An entry is a file whose name is the digest of everything that it depends on, the source code that makes it included,
so that no entry is out of date. It is written whole or not at all and begins with its own digest: a damaged entry is
noticed and made again. Processes side by side may make the same entry; the last one written stays, and all are equal.
The cache is optional: where it cannot be read or written, everything is made again and nothing is said.
"""

import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SETTING = "LOOKBACK_CACHE"
LIMIT_BYTES = 2 << 30  # of all entries; those that were read longest ago are removed first
ENTRY = re.compile(r"(pairs|vocabulary|ids)-[0-9a-f]{32}(\.[0-9a-f]{32}\.tmp)?")  # the only files that are removed
DIGEST_BYTES = hashlib.sha256().digest_size

Arrays = dict[str, np.ndarray]


def cached(kind: str, make: Callable[[], Arrays], *, depends_on: Sequence[Any], code: Sequence[str]) -> Arrays:
    """Return the arrays that `make` makes, from the cache where they are there.

    Args:
        kind: the first word of the entry's file name: pairs, vocabulary or ids.
        make: makes the arrays; the same ones whenever `depends_on` and `code` are the same.
        depends_on: values that JSON can hold.
        code: patterns of the source files below research/data whose code decides the result.
    """
    folder = cache_folder()
    if folder is None:
        return make()
    key = json.dumps([kind, code_digest("cache.py", *code), *depends_on], sort_keys=True)
    file = folder / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    arrays = _read(file)
    if arrays is None:
        arrays = make()
        _write(file, arrays)
    return arrays


def cache_folder() -> Path | None:
    """Return the folder of the entries; None if LOOKBACK_CACHE is empty or there is no home directory."""
    given = os.environ.get(SETTING)
    if given == "":
        return None
    try:
        return Path(given or "~/.cache/lookback").expanduser() / "corpora"
    except RuntimeError:
        return None


@cache
def code_digest(*patterns: str) -> str:
    """Return the SHA-256 of the source files below research/data that the patterns name."""
    here = Path(__file__).parent
    files = [file for pattern in patterns for file in sorted(here.glob(pattern))]
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def _read(file: Path) -> Arrays | None:
    try:
        content = memoryview(file.read_bytes())
    except OSError:
        return None
    digest, arrays = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(arrays).digest() != digest:
        return None
    with suppress(OSError):  # a read-only cache
        os.utime(file)
    with np.load(io.BytesIO(arrays), allow_pickle=False) as found:
        return dict(found)


def _write(file: Path, arrays: Arrays) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    unfinished = file.with_name(f"{file.name}.{uuid.uuid4().hex}.tmp")  # of this process, on whatever machine
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(unfinished, "xb") as opened:
                opened.write(hashlib.sha256(buffer.getbuffer()).digest())
                opened.write(buffer.getbuffer())
            os.replace(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)
        _remove_oldest(file.parent)


def _remove_oldest(folder: Path) -> None:
    """Remove the entries that were read longest ago until the others are within `LIMIT_BYTES`."""
    entries = []
    for file in folder.iterdir():
        if ENTRY.fullmatch(file.name):
            with suppress(FileNotFoundError):  # another process removed it
                entries.append((file.stat().st_mtime, file.stat().st_size, file))
    held = 0
    for _, size, file in sorted(entries, reverse=True):
        held += size
        if held > LIMIT_BYTES:
            file.unlink(missing_ok=True)

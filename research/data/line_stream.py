"""Lines of a pipe as they come: what is there already is taken together, and nobody waits for the end."""

import io
import os
import select
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

PATIENCE_SECONDS = 0.05  # for which a line waits for others
READ_BYTES = 1 << 16


def line_chunks(source: BinaryIO, *, most: int) -> Iterator[bytes]:
    """Yield whole lines, as many as have come, until the end of the source.

    A file gives `most` lines at a time, and a person who types gives one.

    Args:
        source: a file, a pipe, or bytes in memory; nothing was read of it yet.
        most: lines at a time; a last line without an end counts as one.
    """
    lines: list[bytes] = []
    begun: list[bytes] = []  # parts of a line whose end has not come
    for part, late in _parts(source, lambda: bool(lines)):
        first, *others = part.split(b"\n")
        begun.append(first)
        for other in others:
            lines.append(b"".join(begun) + b"\n")
            begun = [other]
        while len(lines) >= most or (lines and late):
            yield b"".join(lines[:most])
            del lines[:most]
    if any(begun):
        lines.append(b"".join(begun))
    if lines:
        yield b"".join(lines)


def _parts(source: BinaryIO, waiting: Callable[[], bool]) -> Iterator[tuple[bytes, bool]]:
    """Yield what is read, and whether a line has been `waiting` for `PATIENCE_SECONDS`; then the part may be empty."""
    try:
        descriptor = source.fileno()
    except (OSError, io.UnsupportedOperation):  # bytes in memory
        yield source.read(), False
        return
    since: float | None = None
    while True:
        left = None if since is None else max(0.0, since + PATIENCE_SECONDS - time.monotonic())
        part = None
        if select.select([descriptor], [], [], left)[0] and not (part := os.read(descriptor, READ_BYTES)):
            return
        late = since is not None and time.monotonic() >= since + PATIENCE_SECONDS
        yield part or b"", late
        since = None if not waiting() else time.monotonic() if late or since is None else since

"""Lines of a pipe as they come: what is there already is taken together, and nobody waits for the end."""

import io
import os
import select
from collections.abc import Iterator
from typing import BinaryIO

PATIENCE_SECONDS = 0.05  # without another line, what has come is taken
READ_BYTES = 1 << 16


def line_chunks(source: BinaryIO, *, most: int) -> Iterator[bytes]:
    """Yield whole lines, as many as have come, until the end of the source.

    A file gives `most` lines at a time, and a person who types gives one.

    Args:
        source: a file, a pipe, or bytes in memory; nothing was read of it yet.
        most: lines at a time; a last line without an end counts as one.
    """
    lines: list[bytes] = []
    begun = b""  # of a line whose end has not come
    for part in _parts(source):
        *ended, begun = (begun + part).split(b"\n")
        lines += [line + b"\n" for line in ended]
        while len(lines) >= most or (lines and not part):  # an empty part: nothing more came for a while
            yield b"".join(lines[:most])
            del lines[:most]
    if begun:
        lines.append(begun)
    if lines:
        yield b"".join(lines)


def _parts(source: BinaryIO) -> Iterator[bytes]:
    """Yield what is read, and b"" each time that nothing more came within `PATIENCE_SECONDS`."""
    try:
        descriptor = source.fileno()
    except (OSError, io.UnsupportedOperation):  # bytes in memory
        yield source.read()
        return
    quiet = True
    while True:
        if not select.select([descriptor], [], [], None if quiet else PATIENCE_SECONDS)[0]:
            quiet = True
            yield b""
            continue
        part = os.read(descriptor, READ_BYTES)
        if not part:
            return
        quiet = False
        yield part

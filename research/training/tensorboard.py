"""TensorBoard's events, written where they arise."""

import socket
import struct
import time
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.summary import scalar

from research.files import append


class TensorBoard:
    """A tracker that writes TensorBoard scalars, which are in their file when `add` returns.

    tensorboardX has a writer, too: it writes in a thread, which ends when the disk is full, and the training that waits
    for it never does.

    Args:
        folder: the folder of the events.

    Raises:
        OSError: a file cannot be written, in `begin` and `add`.
    """

    def __init__(self, folder: Path):
        self._file = folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"

    def begin(self, step: int) -> None:
        """Begin a session. TensorBoard drops what an earlier one wrote of the steps after `step`."""
        began = SessionLog(status=SessionLog.START)
        self._append(_event(file_version="brain.Event:2"), _event(step=step + 1, session_log=began))

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write the values of one step."""
        self._append(*(_event(step=step, summary=scalar(name, value)) for name, value in values.items()))

    def close(self, *, complete: bool) -> None:
        """Do nothing: all is written."""

    def _append(self, *events: bytes) -> None:
        append(self._file, b"".join(map(tf_record, events)))


def tf_record(content: bytes) -> bytes:
    """Return a TFRecord: length, its masked CRC-32C, content, and its masked CRC-32C, little-endian.

    Reference:
        "TFRecord and tf.train.Example", TensorFlow's documentation.
    """
    length = struct.pack("<Q", len(content))
    checks = [struct.pack("<I", masked_crc32c(part)) for part in (length, content)]
    return length + checks[0] + content + checks[1]


def _event(**fields: Any) -> bytes:
    return Event(wall_time=time.time(), **fields).SerializeToString()  # type: ignore[no-any-return]

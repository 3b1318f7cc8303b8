"""The metrics of a run: a line of metrics.jsonl and TensorBoard scalars for each record."""

import socket
import struct
import time
from typing import Any

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.summary import scalar

from research.files import append
from research.results.run_folder import RunFolder


class MetricsWriter:
    """A writer of metrics that deletes the records after `step` first, so that a resumed run leaves no record twice.

    A record is in its files when `add` returns. tensorboardX has a writer, too: it writes in a thread, which ends when
    the disk is full, and the training that waits for it never does.

    Args:
        folder: the run folder.
        step: the step that the run resumes from; 0 for a new run.

    Raises:
        OSError: a file cannot be written, here and in `add`.
    """

    def __init__(self, folder: RunFolder, step: int):
        folder.forget_metrics_after(step)
        self._folder = folder
        self._board = (
            folder.path / "tensorboard" / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
        )
        # TensorBoard drops what an earlier session wrote of steps from here on.
        begin = SessionLog(status=SessionLog.START)
        self._append(_event(file_version="brain.Event:2"), _event(step=step + 1, session_log=begin))

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write one record. Values whose name has a "/" become TensorBoard scalars too."""
        self._folder.append_metrics({"step": step, **values})
        shown = {name: value for name, value in values.items() if "/" in name}
        self._append(*(_event(step=step, summary=scalar(name, value)) for name, value in shown.items()))

    def _append(self, *events: bytes) -> None:
        append(self._board, b"".join(map(tf_record, events)))


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

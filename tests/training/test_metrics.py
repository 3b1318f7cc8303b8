"""The files of metrics, read by the means of others: TensorBoard's events as tensorboardX writes and defines them."""

import struct

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog

from research.results.run_folder import RunFolder
from research.training.metrics import MetricsWriter
from research.training.tensorboard import tf_record


def events_of(folder):
    """Return the events of the one file of a folder."""
    [file] = folder.iterdir()
    content, found = file.read_bytes(), []
    while content:
        [length] = struct.unpack("<Q", content[:8])
        found.append(Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def test_a_record_is_framed_as_tensorboardx_does(tmp_path):
    event = Event(wall_time=1.5, step=7)
    writer = EventsWriter(str(tmp_path / "events"))
    writer.write_event(event)
    writer.close()
    [file] = tmp_path.iterdir()
    assert file.read_bytes().endswith(tf_record(event.SerializeToString()))


def test_scalars_are_there_at_once_and_those_of_a_resumed_run_replace_later_ones(tmp_path):
    folder = RunFolder(tmp_path)
    writer = MetricsWriter(folder, 0)
    writer.add(2, {"seconds": 3.0, "train/nll": 0.5, "validation/bleu": 7.0})
    MetricsWriter(folder, 1)
    first, began, nll, bleu, version, again = events_of(tmp_path / "tensorboard")
    assert (first.file_version, version.file_version) == ("brain.Event:2",) * 2
    assert (began.session_log.status, began.step) == (SessionLog.START, 1)
    assert [(event.step, event.summary.value[0].tag, event.summary.value[0].simple_value) for event in (nll, bleu)] == [
        (2, "train/nll", 0.5),
        (2, "validation/bleu", 7.0),
    ]
    assert (again.session_log.status, again.step) == (SessionLog.START, 2)
    assert folder.metrics() == []

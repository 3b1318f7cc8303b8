"""Lines of a pipe: whole, in order, together where they are there, and at once where they come one by one."""

import io
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.line_stream import line_chunks


@given(st.binary(max_size=200), st.integers(1, 5))
def test_nothing_is_lost_and_a_chunk_is_whole_lines(content, most):
    chunks = list(line_chunks(io.BytesIO(content), most=most))
    assert b"".join(chunks) == content
    for index, chunk in enumerate(chunks):
        lines = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
        assert lines == most or (index == len(chunks) - 1 and 0 < lines < most)
        assert chunk.endswith(b"\n") or index == len(chunks) - 1


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_a_file_gives_many_lines_at_a_time(ending, tmp_path):
    file = tmp_path / "lines"
    file.write_bytes(b"\n".join(b"%d" % number for number in range(25_000)) + ending)
    with file.open("rb") as opened:
        chunks = list(line_chunks(opened, most=10_000))
    assert [len(chunk.splitlines()) for chunk in chunks] == [10_000, 10_000, 5_000]
    assert b"".join(chunks) == file.read_bytes()


def test_of_a_steady_pipe_no_line_waits_for_long():
    """A line every hundredth of a second: less than the patience, and yet nothing waits for the end."""
    reader, writer = os.pipe()

    def produce():
        for number in range(60):
            os.write(writer, b"%d\n" % number)
            time.sleep(0.01)
        os.close(writer)

    threading.Thread(target=produce).start()
    with os.fdopen(reader, "rb") as source:
        chunks = list(line_chunks(source, most=1_000))
    assert b"".join(chunks) == b"".join(b"%d\n" % number for number in range(60))
    assert len(chunks) >= 3


def test_a_line_that_is_typed_comes_before_the_next_one():
    reader, writer = os.pipe()
    answered = threading.Event()

    def person():
        for line in (b"one\n", b"two\n", b"thr"):
            answered.clear()
            os.write(writer, line)
            if line.endswith(b"\n"):
                assert answered.wait(10)
        time.sleep(0.2)
        os.write(writer, b"ee")
        os.close(writer)

    typing = threading.Thread(target=person)
    typing.start()
    seen = []
    with os.fdopen(reader, "rb") as source:
        for chunk in line_chunks(source, most=100):
            seen.append(chunk)
            answered.set()
    typing.join()
    assert seen == [b"one\n", b"two\n", b"three"]

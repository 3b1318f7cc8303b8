"""Parallel text files: the pairs of good files, and the error of each broken one."""

import gzip

import pytest

from research.data.text import explain_missing, read_lines, read_pairs


def write(path, data: bytes):
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_the_lines_of_a_file(tmp_path, name):
    path = write(tmp_path / name, "\ufeffeins\r\n\nthree\u2028still three\x85\x0c\n나는 말했다".encode())
    assert read_lines(path) == ["eins", "", "three\u2028still three\x85\x0c", "나는 말했다"]


def test_gzip_is_known_by_its_content_not_its_name(tmp_path):
    path = tmp_path / "plain.txt"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert read_lines(path) == ["one", "two"]


def test_an_empty_file_has_no_lines(tmp_path):
    assert read_lines(write(tmp_path / "a", b"")) == []
    assert read_lines(write(tmp_path / "b", b"\n")) == [""]


@pytest.mark.parametrize("name", ["bad.de", "bad.de.gz"])
def test_a_bad_byte_is_named_with_its_file_and_line(tmp_path, name):
    path = write(tmp_path / name, b"gut\nauch gut\nM\xfcnchen\n")
    with pytest.raises(ValueError, match=rf"{path}, line 3: byte 0xfc at byte 2 of the line is not UTF-8; convert"):
        read_lines(path)


def test_unequal_files_are_not_parallel(tmp_path):
    a, b = write(tmp_path / "a.en", b"1\n2\n3\n"), write(tmp_path / "a.de", b"1\n2\n")
    with pytest.raises(ValueError, match=r"a.en has 3 lines and .*a.de has 2: line n of one must translate"):
        read_pairs(a, b)


def test_pairs_keep_empty_lines(tmp_path):
    a, b = write(tmp_path / "a.en", b"one\n\nthree\n"), write(tmp_path / "a.de.gz", b"eins\nzwei\n\n")
    assert [(p.source, p.target, p.alignment) for p in read_pairs(a, b)] == [
        ("one", "eins", ()),
        ("", "zwei", ()),
        ("three", "", ()),
    ]


def test_half_a_gzip_file_is_an_error(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"some lines\n" * 1_000)[:-9])
    with pytest.raises(OSError, match="not a whole gzip file"):
        read_lines(path)


def test_the_error_of_a_missing_file_lists_names_like_it(tmp_path):
    write(tmp_path / "train.en", b"")
    near = explain_missing(tmp_path / "train.en.gz", "data.train")
    assert "train.en.gz, which data.train names (near it are train.en)" in near
    assert "--config.data.root" in near
    assert "there is no folder" in explain_missing(tmp_path / "no" / "train.en", "data.train")

"""Files are written whole or not at all, and an error names the file and says what to do."""

import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from research import files


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no space left on device; make room, and give the same command again"),
        (errno.EACCES, "permission denied; choose a place that you may write to"),
        (errno.EROFS, "read-only file system; choose a place that you may write to"),
        (errno.EIO, "input/output error"),
    ],
)
def test_an_error_of_the_system_names_the_file_and_what_was_there_stays(number, said, tmp_path, monkeypatch):
    file = tmp_path / "result.json"
    file.write_bytes(b"before")

    def half(self, content):
        with open(self, "wb") as opened:
            opened.write(content[:3])
        raise OSError(number, files.os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError) as error:
        files.write_whole(file, b"afterwards")
    assert str(error.value) == f"cannot write {file}: {said}"
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("result.json", b"before")]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("folder", "is a directory; a folder is there"),
        ("file/x.json", "a part of the path is a file"),
        ("x" * 300, "choose a shorter name"),
    ],
)
def test_what_cannot_be_a_file_is_one_sentence(path, said, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=said):
        files.write_whole(tmp_path / path, b"x")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("folder", ["", "new/one", "a_file/one", "a_file"])
def test_a_folder_that_cannot_be_written_is_found_at_once_and_nothing_is_left(folder, tmp_path):
    (tmp_path / "a_file").write_bytes(b"text")
    if folder.startswith("a_file"):
        with pytest.raises(OSError, match=f"^cannot write {tmp_path / folder}: not a directory; a part of the path is"):
            files.refuse_unwritable(tmp_path / folder)
    else:
        files.refuse_unwritable(tmp_path / folder)
    assert [each.name for each in tmp_path.rglob("*")] == ["a_file"]


def test_a_read_only_folder_is_found_before_anything_is_written(tmp_path, monkeypatch):
    def refuse(dir):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OSError, match=f"^cannot write {tmp_path / 'new'}: read-only file system; choose a place that"):
        files.refuse_unwritable(tmp_path / "new")


def test_a_long_name_leaves_room_for_that_of_the_unfinished_file(tmp_path):
    files.write_whole(tmp_path / ("x" * 250), b"y")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"y"]


@pytest.mark.parametrize("write", [files.json_bytes, files.json_line])
def test_json_is_strict_and_holds_numbers_of_numpy(write):
    value = {"a": [math.inf, -math.inf, math.nan, np.float32(0.5), np.int64(3)], "b": "é\n", "c": None}
    text = write(value).decode()
    assert json.loads(text, parse_constant=pytest.fail) == {"a": [None, None, None, 0.5, 3], "b": "é\n", "c": None}
    assert text.endswith("\n")
    assert ("\n" in text[:-1]) == (write is files.json_bytes)


def test_of_own_files_the_earlier_ones_go_at_the_end(tmp_path):
    for names in ({"a", "sub/b"}, {"a", "c"}):
        with files.own_files(tmp_path, names, by="report"):
            for name in names:
                files.write_whole(tmp_path / name, b"ours")
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")) == [
        ".lookback-report",
        "a",
        "c",
        "sub",
    ]


def test_a_call_that_was_killed_leaves_nothing_that_the_next_one_takes_for_anothers(tmp_path):
    killed = files.own_files(tmp_path, ["a", "b"], by="report")
    killed.__enter__()
    files.write_whole(tmp_path / "a", b"ours")
    with files.own_files(tmp_path, ["b"], by="report"):
        files.write_whole(tmp_path / "b", b"ours")
    assert sorted(each.name for each in tmp_path.iterdir()) == [".lookback-report", "b"]


@pytest.mark.parametrize("listed", ["../outside", "{}/outside"])
def test_a_list_names_nothing_outside_its_folder(listed, tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.write_bytes(b"a person's")
    folder.mkdir()
    (folder / ".lookback-report").write_text(listed.format(tmp_path) + "\n")
    with files.own_files(folder, ["a"], by="report"):
        files.write_whole(folder / "a", b"ours")
    assert outside.exists()


def test_a_person_s_list_and_that_of_another_command_mean_nothing(tmp_path):
    for name in ("files.txt", "thesis.tex"):
        (tmp_path / name).write_text("thesis.tex\n")
    with files.own_files(tmp_path, ["0001.npz"], by="attention"):
        files.write_whole(tmp_path / "0001.npz", b"ours")
    with files.own_files(tmp_path, ["index.html"], by="report"):
        files.write_whole(tmp_path / "index.html", b"ours")
    assert {each.name for each in tmp_path.iterdir()} >= {"files.txt", "thesis.tex", "0001.npz", "index.html"}


@pytest.mark.parametrize("page", ["<title>Lookback: four runs</title>", "<title>luong: what was read</title>"])
def test_a_folder_of_an_earlier_version_is_written_again(page, tmp_path):
    (tmp_path / "index.html").write_text(f"<!doctype html>{page}")
    (tmp_path / "results.csv").write_text("")
    with files.own_files(tmp_path, ["index.html", "results.csv"], by="report"):
        files.write_whole(tmp_path / "results.csv", b"ours")
    assert (tmp_path / "results.csv").read_bytes() == b"ours"


def test_a_page_of_a_person_is_not_replaced(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><title>My page</title>")
    with pytest.raises(ValueError, match=r"index\.html is there already, and report did not write it"):
        files.own_files(tmp_path, ["index.html"], by="report").__enter__()

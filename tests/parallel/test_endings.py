"""The last words of a process."""

import datetime
import json
import re

import pytest

from configs.parser import UsageError
from research.parallel.endings import ending


@pytest.mark.parametrize(
    ("said", "spelt"),
    [
        ("no file 'a\nb'", r"no file 'a\nb'"),
        ("no field \x1b[31mred", r"no field \x1b[31mred"),
        ("no folder r\udce9sum\udce9", r"no folder r\udce9sum\udce9"),  # as Python reads a name that is not UTF-8
        ("no word \u202eabc", r"no word \u202eabc"),
        ("no config 'über 漢字'", "no config 'über 漢字'"),
    ],
)
def test_a_sentence_is_one_line_without_control_characters(said, spelt):
    assert ending(ValueError(said), "train") == (spelt, 1)


def test_the_words_of_a_library_are_no_sentence_of_ours(monkeypatch, tmp_path):
    """They do not say what to do: where they were raised is kept in a file that the sentence names."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ValueError, match="month") as raised:
        datetime.date(2026, 13, 1)
    assert ending(raised.value, "train").sentence.startswith(
        "month"
    )  # in C: raised in this file, as far as one can see
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads("{")
    assert re.fullmatch(
        r"train met what it does not know, JSONDecodeError: .*: (\S+) says where, which .*",
        ending(raised.value, "train")[0],
    )
    assert "json/decoder.py" in next(tmp_path.iterdir()).read_text()


def test_a_hint_stands_on_a_line_of_its_own():
    last = ending(UsageError("which\nconfig?", hint="see --help"), "train")
    assert last == ("which\\nconfig?\nsee --help", 2)

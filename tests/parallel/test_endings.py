"""The last words of a process."""

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


def test_a_hint_stands_on_a_line_of_its_own():
    last = ending(UsageError("which\nconfig?", hint="see --help"), "train")
    assert last == ("which\\nconfig?\nsee --help", 2)

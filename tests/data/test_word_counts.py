"""Counts of training words: written once, the same bytes every time, and read back."""

from collections import Counter

import pytest

from research.data.word_counts import FILE, count_words, read_counts, write_counts


def test_counts_by_hand():
    counts = count_words(["a b  a", "", "b\ta\u3000c"])
    assert counts == {"a": 3, "b": 2, "c": 1}
    assert counts["d"] == 0


def test_counts_come_back(tmp_path):
    counts = count_words(["개 는 a é a \u200b 'x\u2028y'", "a é"])
    write_counts(tmp_path, counts)
    first = (tmp_path / FILE).read_bytes()
    assert read_counts(tmp_path) == counts
    write_counts(tmp_path, Counter(dict(reversed(counts.items()))))
    assert (tmp_path / FILE).read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_a_run_without_counts_gives_none(tmp_path):
    assert read_counts(tmp_path) is None


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / FILE).write_text("3\ta\nb\n")
    with pytest.raises(ValueError, match=f"{FILE} is damaged .*remove it"):
        read_counts(tmp_path)

"""A split written and read back."""

import gzip

import pytest

from research.data.pairs import Pair
from research.data.splits import read_split, write_split

SPLIT = [
    Pair("나는 사과를 먹었다", "I ate\u2028an apple", ((0, 0), (1, 3), (2, 1))),
    Pair("", ""),
    Pair("tab\there", '"quoted"'),
]


def test_a_split_comes_back(tmp_path):
    path = tmp_path / "splits" / "test.jsonl.gz"
    write_split(path, SPLIT)
    assert read_split(path) == SPLIT
    assert all(isinstance(link, tuple) for pair in read_split(path) for link in pair.alignment)


def test_the_same_split_is_the_same_bytes(tmp_path):
    write_split(tmp_path / "a", SPLIT)
    write_split(tmp_path / "b", tuple(SPLIT))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_failure_leaves_what_was_there(tmp_path):
    def failing():
        yield SPLIT[0]
        raise RuntimeError

    write_split(tmp_path / "a", SPLIT)
    with pytest.raises(RuntimeError):
        write_split(tmp_path / "a", failing())
    assert read_split(tmp_path / "a") == SPLIT
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_split_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no split at"):
        read_split(tmp_path / "test.jsonl.gz")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"no gzip", lambda b: gzip.compress(b'{"source": 1}\n')]
)
def test_a_damaged_split_is_named(tmp_path, damage):
    path = tmp_path / "test.jsonl.gz"
    write_split(path, SPLIT)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises((ValueError, OSError), match=r"test\.jsonl\.gz is (damaged|not a whole gzip file)") as error:
        read_split(path)
    assert "\n" not in str(error.value)

"""Gold alignments in the Pharaoh format: links that are read, and lines that are refused."""

import gzip
import hashlib

import pytest

from research.data.pairs import Pair
from research.evaluation.gold import Gold, gold_of, read_gold

PAIRS = [Pair("a b c", "x y"), Pair("a", "x y z", ((0, 2),)), Pair("b", "y")]


def test_sure_and_possible_links(tmp_path):
    text = "0-1 2?0  1p1\n\n0-0\r\n"
    (tmp_path / "plain").write_bytes(text.encode())
    (tmp_path / "packed").write_bytes(gzip.compress(text.encode()))
    expected = [
        Gold(frozenset({(0, 1)}), frozenset({(0, 1), (2, 0), (1, 1)})),
        Gold(frozenset(), frozenset()),  # an empty line: unknown
        Gold(frozenset({(0, 0)}), frozenset({(0, 0)})),
    ]
    for name in ("plain", "packed"):
        assert read_gold(tmp_path / name, PAIRS).alignments == expected
        assert read_gold(tmp_path / name, PAIRS).sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_links_of_the_corpus_are_sure():
    assert gold_of(PAIRS)[1] == Gold(frozenset({(0, 2)}), frozenset({(0, 2)}))
    assert gold_of(PAIRS)[0] == Gold(frozenset(), frozenset())


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("0-0\n0-0\n", "has 2 lines and the split has 3 pairs"),
        ("0-0\n0-0\n0-0\n\n", "has 4 lines and the split has 3 pairs"),
        ("0-0\n0-3\n\n", "line 2: '0-3' links a word that does not exist; the source has 1 words and the target 3"),
        ("3?1\n\n\n", "line 1: '3\\?1' links a word that does not exist"),
        ("0-0\n\n0:0\n", "line 3: '0:0' is not a link; write 0-1 for a sure, 0\\?1 or 0p1 for a possible link"),
        ("0--1\n\n\n", "line 1: '0--1' is not a link"),
    ],
)  # fmt: skip
def test_the_line_that_does_not_fit_is_named(text, answer, tmp_path):
    (tmp_path / "gold").write_text(text)
    with pytest.raises(ValueError, match=f"{tmp_path / 'gold'}.*{answer}"):
        read_gold(tmp_path / "gold", PAIRS)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_gold(tmp_path / "gold", PAIRS)

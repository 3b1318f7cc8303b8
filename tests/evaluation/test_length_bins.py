"""Bins of source lengths: every sentence in one of them."""

import pytest

from research.evaluation.length_bins import Bin, by_length, labels
from research.evaluation.quality import bleu


def sentences(*lengths):
    return [" ".join(["w"] * length) for length in lengths]


def test_bins_by_hand():
    def measure(hypotheses, references):
        assert [each.lower() for each in hypotheses] == references
        return float("".join(references))

    sources = sentences(3, 11, 2, 5, 0, 2)
    bins = by_length(sources, list("123456"), list("123456"), edges=(2, 5, 7), measure=measure)
    assert bins == [Bin("1-2", 3, 356.0), Bin("3-5", 2, 14.0), Bin("8+", 1, 2.0)]  # nobody has 6 or 7 words


def test_bleu_of_a_bin_is_of_its_sentences_alone():
    hypotheses, references = ["a b c d", "x y z"], ["a b c d", "a b c d"]

    def measure(some, others):
        return bleu(some, others, tokenize="none", lowercase=False).score

    bins = by_length(sentences(1, 9), hypotheses, references, edges=(5,), measure=measure)
    assert bins[0] == Bin("1-5", 1, pytest.approx(100))
    assert bins[1].bleu < 1


def test_labels():
    assert labels((5, 10, 11)) == ["1-5", "6-10", "11", "12+"]


@pytest.mark.parametrize("edges", [(), (5, 5), (7, 5), (0, 3)])
def test_wrong_edges(edges):
    with pytest.raises(ValueError, match=r"evaluation\.length_bins"):
        by_length(["a"], ["a"], ["a"], edges=edges, measure=lambda *_: 0.0)

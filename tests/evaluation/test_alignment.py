"""Alignment error by hand: from weights between subwords to links between words to AER."""

import numpy as np
import pytest

from research.data.pairs import Pair
from research.data.vocabulary import Vocabularies
from research.evaluation import alignment
from research.evaluation.alignment import Links, best_layer, compare, measure, predicted_links, total, word_weights
from research.evaluation.attention import Reading


def test_error_of_och_and_ney_by_hand():
    """4 predicted, 3 sure: 2 of them found, 1 more prediction is possible, 1 is wrong."""
    links = compare([(0, 0), (1, 1), (2, 2), (0, 3)], sure=[(0, 0), (1, 1), (3, 2)], possible=[(2, 2), (4, 4)])
    assert links == Links(right_sure=2, right_possible=3, predicted=4, sure=3)
    assert links.error == pytest.approx(1 - (2 + 3) / (4 + 3))
    assert links.precision == pytest.approx(3 / 4)
    assert links.recall == pytest.approx(2 / 3)


def test_with_sure_links_alone_error_is_one_less_f1():
    links = compare([(0, 0), (1, 1), (0, 2)], sure=[(0, 0), (1, 1), (2, 1), (2, 3)])
    assert links == Links(2, 2, 3, 4)
    f1 = 2 * links.precision * links.recall / (links.precision + links.recall)
    assert links.error == pytest.approx(1 - f1)


def test_counts_are_added_and_divided_once():
    long, short = Links(9, 9, 10, 10), Links(0, 0, 1, 1)
    assert total([long, short]) == Links(9, 9, 11, 11)
    assert total([long, short]).error == pytest.approx(2 / 11)  # the mean of the two errors would be 0.55
    assert total([]).error == 1.0


# Source: three words as 1 + 2 + 1 subwords; target: two words as 2 + 1; the last row and column are end marks.
SOURCE, TARGET = [0, 1, 1, 2], [0, 0, 1]
WEIGHTS_TS = np.array([
    [0.40, 0.25, 0.25, 0.10, 0.00],
    [0.20, 0.30, 0.30, 0.10, 0.10],
    [0.10, 0.05, 0.10, 0.25, 0.50],
    [0.00, 0.00, 0.00, 0.00, 1.00],
])  # fmt: skip


def test_word_weights_by_hand():
    """Source subwords are summed, target subwords averaged, end marks dropped."""
    expected = [[0.30, 0.55, 0.10], [0.10, 0.15, 0.25]]
    np.testing.assert_allclose(word_weights(WEIGHTS_TS, SOURCE, TARGET), expected)


def test_each_target_word_links_to_the_source_word_it_reads_most():
    # Word 0's heaviest single subword is source word 0's; both subwords of word 1 together outweigh it.
    assert predicted_links(WEIGHTS_TS, SOURCE, TARGET) == [(1, 0), (2, 1)]
    assert predicted_links(WEIGHTS_TS, [], TARGET) == predicted_links(WEIGHTS_TS, SOURCE, []) == []


def test_measure_goes_through_sentences_layers_and_heads(monkeypatch):
    pairs = [Pair("ab c", "x y", ((0, 1), (1, 0))), Pair("c", "x"), Pair("c ab", "y", ((1, 0),))]
    vocabularies = Vocabularies.train(pairs, joint=False, kind="bpe", size=9)
    reading = {}
    for sentence, pair in enumerate(pair for pair in pairs if pair.alignment):
        source = vocabularies.source.word_of_piece(pair.source)
        target = vocabularies.target.word_of_piece(pair.target)
        gold = np.zeros((len(target) + 1, len(source) + 1))
        for row, word in enumerate(target):
            aligned = [s for s, t in pair.alignment if t == word]
            gold[row, : len(source)] = np.isin(source, aligned)
        # One head is right and the other looks at the first word, but not as hard.
        first = np.zeros_like(gold)
        first[:, 0] = 0.9
        reading[sentence] = {"layer_0": np.stack([first, first]), "layer_1": np.stack([gold, first])}

    def read(translator, params, examples, **options):
        assert examples.count == 2  # a pair without a gold alignment is not asked for
        return [Reading(sentence, reading[sentence]) for sentence in (1, 0)]

    monkeypatch.setattr(alignment, "read", read)
    found = measure(None, None, vocabularies, pairs, devices=None, batch_sentences=7)
    assert found["layer_1"] == Links(3, 3, 3, 3)
    assert found["layer_0"] == Links(1, 1, 3, 3)
    assert best_layer(found) == "layer_1"
    assert best_layer({"layer_0": Links(1, 1, 2, 2), "layer_1": Links(1, 1, 2, 2)}) == "layer_0"

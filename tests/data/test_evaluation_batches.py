"""Evaluation batches: every sentence once, few shapes, an order that can be restored."""

import numpy as np
import pytest

from research.data.evaluation_batches import LENGTHS, evaluation_batches, padded_length, padded_lengths
from research.data.examples import Examples, Sentences
from research.data.vocabulary import BOS, EOS


def sentences(lengths):
    return Sentences(np.full(n, 10 + i) for i, n in enumerate(lengths))


def test_every_sentence_once_in_an_order_that_is_restored():
    lengths = np.random.default_rng(0).integers(0, 61, 211)
    restored = [None] * 211
    shapes = set()
    for indices, batch in evaluation_batches(Examples(sentences(lengths)), 13):
        assert set(batch) == {"source_BS"}
        assert len(indices) <= 13
        shapes.add(batch["source_BS"].shape)
        assert not batch["source_BS"][len(indices) :].any()
        for row, index in zip(batch["source_BS"], indices, strict=False):
            assert restored[index] is None
            restored[index] = row[: np.flatnonzero(row == EOS)[0]].tolist()
    assert restored == [[10 + i] * n for i, n in enumerate(lengths)]
    assert shapes == {(13, length) for length in LENGTHS[:3]}


def test_targets_are_padded_like_their_sources():
    data = Examples(sentences([2, 0, 9]), sentences([1, 11, 0]))
    seen = {}
    for indices, batch in evaluation_batches(data, 2):
        assert len({array.shape for array in batch.values()}) == 1
        for row, index in enumerate(indices):
            seen[int(index)] = [batch[name][row] for name in ("source_BS", "target_in_BT", "target_out_BT")]
    assert sorted(seen) == [0, 1, 2]
    source, target_in, target_out = seen[1]
    assert source[:2].tolist() == [EOS, 0]
    assert target_in[:13].tolist() == [BOS, *[11] * 11, 0]
    assert target_out[:13].tolist() == [*[11] * 11, EOS, 0]
    assert [len(seen[i][0]) for i in range(3)] == [16, 16, 16]


def test_the_longest_come_first_and_very_long_ones_get_fewer_rows():
    batches = list(evaluation_batches(Examples(sentences([3, 127, 128, 9_999])), 2))
    assert [batch["source_BS"].shape for _, batch in batches] == [(1, 16_384), (1, 256), (2, 128)]
    assert [indices.tolist() for indices, _ in batches] == [[3], [2], [0, 1]]


def test_at_most_one_batch_is_not_full():
    lengths = [3, 40, 20, 7, 19, 5, 6, 18, 4]
    batches = list(evaluation_batches(Examples(sentences(lengths)), 4))
    assert [[lengths[i] for i in indices] for indices, _ in batches] == [[18, 19, 20, 40], [4, 5, 6, 7], [3]]
    assert [batch["source_BS"].shape for _, batch in batches] == [(4, 64), (4, 16), (4, 16)]


@pytest.mark.parametrize(
    ("length", "padded"), [(1, 16), (16, 16), (17, 32), (128, 128), (129, 256), (256, 256), (257, 512)]
)
def test_padded_length(length, padded):
    assert padded_length(length) == padded


def test_all_lengths_that_sentences_can_have():
    assert padded_lengths(1) == [16]
    assert padded_lengths(129) == [16, 32, 64, 128, 256]


def test_no_sentences_give_no_batch():
    assert list(evaluation_batches(Examples(sentences([])), 5)) == []
    with pytest.raises(ValueError, match="batch_sentences=0"):
        list(evaluation_batches(Examples(sentences([1])), 0))

"""Word alignment by hand and by brute force: from weights between subwords to links between words to AER."""

import math
from itertools import pairwise

import numpy as np
import pytest

from research.data.examples import encode
from research.data.pairs import Pair
from research.data.vocabulary import Vocabularies
from research.evaluation import alignment
from research.evaluation.alignment import (
    best_layer,
    count_alignment,
    count_without_attention,
    layer_names,
    sentence_counts,
    word_weights,
)
from research.evaluation.attention import MEAN, SentenceAttention
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.gold import Gold
from research.results.sums import Alignment, error_below

UNKNOWN = Gold(frozenset(), frozenset())


def one_hot(words, source_words):
    return np.eye(source_words, dtype=np.float32)[list(words)]


def of_sentence(weights_TS, gold=UNKNOWN):
    [counts_C] = sentence_counts(np.array([weights_TS], np.float32), gold)
    return Alignment(*counts_C)


def test_alignment_error_rate_by_hand():
    """4 predicted, 3 sure: 2 of them found, 1 more prediction is possible, 1 is wrong."""
    sure = frozenset({(0, 0), (1, 1), (3, 2)})
    found = of_sentence(one_hot([0, 1, 2, 0], 5), Gold(sure, sure | {(2, 2), (4, 3)}))
    assert found[:4] == (2, 3, 4, 3)
    measures = found.measures()
    assert measures["error"] == found.error == pytest.approx(1 - (2 + 3) / (4 + 3))
    assert measures["precision"] == pytest.approx(3 / 4)
    assert measures["recall"] == pytest.approx(2 / 3)


def test_with_sure_links_alone_error_is_one_minus_f1():
    sure = frozenset({(0, 0), (1, 1), (2, 1), (2, 2)})
    measures = of_sentence(one_hot([0, 1, 0], 3), Gold(sure, sure)).measures()
    f1 = 2 * measures["precision"] * measures["recall"] / (measures["precision"] + measures["recall"])
    assert measures["error"] == pytest.approx(1 - f1) == pytest.approx(1 - 4 / 7)


def test_possible_links_alone_do_not_lower_recall():
    found = of_sentence(one_hot([1, 0], 2), Gold(frozenset(), frozenset({(1, 0)})))
    assert found[:4] == (0, 1, 2, 0)
    assert found.error == pytest.approx(1 / 2)


def test_without_a_gold_alignment_there_is_no_error():
    measures = of_sentence(one_hot([1, 0], 2)).measures()
    assert measures["error"] is measures["precision"] is measures["recall"] is None
    assert Alignment().error == 1


@pytest.mark.parametrize(
    ("target_words", "source_words", "read"),
    [(3, 4, [0, 2, 3]), (4, 3, [0, 1, 1, 2]), (3, 3, [0, 1, 2]), (1, 5, [2]), (2, 1, [0, 0])],
)
def test_the_diagonal_reads_where_a_word_would_stand_if_nothing_moved(target_words, source_words, read):
    """⌊(t + ½) S / T⌋, by hand."""
    np.testing.assert_array_equal(alignment.diagonal(target_words, source_words), read)


def test_below_another_alignment_is_its_error_less_ours():
    ours = Alignment(right_sure=3, right_possible=3, predicted=4, sure=4)  # AER 1/4
    assert error_below(*ours, 1, 1, 4, 4) == pytest.approx(3 / 4 - 1 / 4)
    assert error_below(*Alignment(), 0, 0, 0, 0) is None


def test_entropy_coverage_and_monotonicity_by_hand():
    weights_TS = [[0.25, 0.25, 0.25, 0.0], [0.0, 0.0, 0.5, 0.5], [0.0, 1.0, 0.0, 0.0]]
    measures = of_sentence(weights_TS).measures()
    assert measures["entropy"] == pytest.approx((math.log(3) + math.log(2) + 0) / 3)
    assert measures["on_words"] == pytest.approx((0.75 + 1 + 1) / 3)
    assert measures["coverage"] == pytest.approx((0.25 + 1 + 0.75 + 0.5) / 4)  # word 1 was read 1.25 times
    assert measures["monotonicity"] == pytest.approx(1 / 2)  # 0 -> 2 -> 1


def test_known_limits():
    same = of_sentence(np.full((5, 7), 1 / 7)).measures()
    assert same["entropy"] == pytest.approx(math.log(7))
    assert same["coverage"] == pytest.approx(5 / 7)
    diagonal = of_sentence(np.eye(5)).measures()
    assert [diagonal[name] for name in ("entropy", "on_words", "coverage", "monotonicity")] == [0, 1, 1, 1]
    assert of_sentence(np.eye(5)[::-1]).measures()["monotonicity"] == 0
    nothing = of_sentence(np.zeros((3, 2))).measures()  # all weight is on the end-of-sentence token
    assert nothing["entropy"] == nothing["on_words"] == nothing["coverage"] == 0


def test_a_word_without_weight_has_no_link_no_entropy_and_no_step():
    """The last two of five target words, as beyond the end of a local window."""
    weights_TS = np.zeros((5, 3))
    weights_TS[[0, 1, 2], [1, 0, 2]] = 0.5
    weights_TS[0, 2] = 0.25
    links = frozenset([(1, 0), (0, 1), (0, 3)])
    [counts_C] = sentence_counts(weights_TS[None], Gold(links, links))
    found = Alignment(*counts_C.tolist())
    assert (found.right_sure, found.predicted, found.sure, found.steps) == (2, 3, 3, 2)
    thirds = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert found.measures()["entropy"] == pytest.approx(thirds / 3)
    assert found.measures()["monotonicity"] == pytest.approx(1 / 2)


def test_one_word_has_no_step():
    assert of_sentence([[1.0]]).steps == 0


def test_heads_together_equal_heads_one_by_one():
    random = np.random.default_rng(0)
    weights_XTS = random.dirichlet(np.ones(7), (3, 5))[:, :, :6].astype(np.float32)
    gold = Gold(frozenset({(0, 1), (5, 4)}), frozenset({(0, 1), (5, 4), (2, 2), (3, 0)}))
    together_XC = sentence_counts(weights_XTS, gold)
    for weights_TS, counts_C in zip(weights_XTS, together_XC, strict=True):
        np.testing.assert_allclose(counts_C, of_sentence(weights_TS, gold))
        assert counts_C.tolist() == pytest.approx(by_brute_force(weights_TS.tolist(), gold), rel=1e-5)


def by_brute_force(weights, gold):
    """Compute the equations of the module's docstring in plain Python."""
    reads = [max(range(len(row)), key=row.__getitem__) for row in weights]
    links = {(s, t) for t, s in enumerate(reads)}
    columns = [sum(column) for column in zip(*weights, strict=True)]
    shares = [[w / sum(row) for w in row] for row in weights]
    return [
        len(links & gold.sure), len(links & gold.possible), len(links), len(gold.sure),
        -sum(p * math.log(p) for row in shares for p in row if p), len(weights), sum(map(sum, weights)), len(weights),
        sum(min(1, column) for column in columns), len(columns),
        sum(b >= a for a, b in pairwise(reads)), len(reads) - 1,
    ]  # fmt: skip


def test_word_weights_by_hand():
    """Source subwords are summed, target subwords averaged, end-of-sentence tokens dropped."""
    # Source: three words as 1 + 2 + 1 subwords; target: two words as 2 + 1; then end-of-sentence tokens.
    weights_TS = np.array([
        [0.40, 0.25, 0.25, 0.10, 0.00],
        [0.20, 0.30, 0.30, 0.10, 0.10],
        [0.10, 0.05, 0.10, 0.25, 0.50],
        [0.00, 0.00, 0.00, 0.00, 1.00],
    ])  # fmt: skip
    expected = np.array([[0.30, 0.55, 0.10], [0.10, 0.15, 0.25]])
    found = word_weights(np.stack([weights_TS, 2 * weights_TS]), [0, 1, 1, 2], [0, 0, 1])
    np.testing.assert_allclose(found, [expected, 2 * expected])
    # Word 0's heaviest single subword is source word 0's; both subwords of word 1 together outweigh it.
    assert found[0].argmax(axis=1).tolist() == [1, 2]


def test_counts_of_all_sentences_layers_and_heads(monkeypatch):
    pairs = [Pair("ab c", "x y"), Pair("c", "x"), Pair("c ab", "y"), Pair("", "y")]
    links = [frozenset({(0, 1), (1, 0)}), frozenset(), frozenset({(1, 0)}), frozenset()]
    vocabularies = Vocabularies.train(pairs, joint=False, kind="bpe", size=9)
    weights = []
    for sentence, pair in enumerate(pairs):
        source = vocabularies.source.word_of_piece(pair.source)
        target = vocabularies.target.word_of_piece(pair.target)
        right = np.zeros((len(target) + 1, len(source) + 1), np.float32)
        for row, word in enumerate(target):
            aligned = [s for s, t in links[sentence] if t == word]
            right[row, : len(source)] = np.isin(source, aligned)
        # One head is right and the other looks at the first word, but not as hard.
        first = np.zeros_like(right)
        first[:, 0] = 0.9
        weights.append(
            SentenceAttention(sentence, {"layer_0": np.stack([first, first]), "layer_1": np.stack([right, first])})
        )

    def attention_weights(translator, params, examples, **options):
        assert examples.count == len(pairs)
        return weights[::-1]

    monkeypatch.setattr(alignment, "attention_weights", attention_weights)
    gold = [Gold(each, each) for each in links]
    data = EvaluationData(pairs, gold, None, encode(pairs, vocabularies))
    counts = count_alignment(None, None, vocabularies, data, devices=None, batch_sentences=7)
    for pair, sure, row in zip(pairs, links, count_without_attention(pairs, gold)["diagonal"].tolist(), strict=True):
        source, target = (len(text.split()) for text in pair[:2])
        right = len({((2 * t + 1) * source // (2 * target), t) for t in range(target)} & set(sure))
        assert row == ([right, right, target, len(sure)] if sure else [0, 0, 0, 0])
    found = counts.total()
    assert list(found) == [
        "layer_0", "layer_0.head_0", "layer_0.head_1", "layer_1", "layer_1.head_0", "layer_1.head_1", MEAN,
    ]  # fmt: skip
    assert found["layer_1"][:4] == found["layer_1.head_0"][:4] == (3, 3, 3, 3)
    assert found["layer_0"][:4] == found["layer_1.head_1"][:4] == (1, 1, 3, 3)
    assert found[MEAN][:4] == (
        2,
        2,
        3,
        3,
    )  # where one head reads three subwords of a word, it outweighs three heads
    assert {(each.target_words, each.source_words, each.steps) for each in found.values()} == {(4, 5, 1)}
    assert layer_names(found) == ["layer_0", "layer_1"]
    assert best_layer(found) == "layer_1"
    assert best_layer({"layer_0": found["layer_0"], "layer_1": found["layer_0"]}) == "layer_0"

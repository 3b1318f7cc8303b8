"""Bins of sentences, and the numbers that decide the bin of a sentence."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.pairs import Pair
from research.evaluation.breakdown import BREAKDOWNS, labels, members, reordering_distance
from research.evaluation.gold import Gold


def test_bins_by_hand():
    edges, numbers = (2, 5, 7), [3, 11, 2, 5, 0, None, 2]
    names = labels("length_bins", edges)
    assert members(numbers, names, edges) == {"1-2": [2, 4, 6], "3-5": [0, 3], "8+": [1]}  # nobody has 6 or 7


def test_labels():
    assert labels("length_bins", (5, 10, 11)) == ["1-5", "6-10", "11", "12+"]
    assert labels("length_bins", (1,)) == ["1", "2+"]
    assert labels("frequency_bins", (0, 1, 10, 1_000_000)) == ["0", "1", "2-10", "11-1000000", "1000001+"]
    assert labels("reordering_bins", (0.0, 0.1, 0.25)) == ["0", "0-0.1", "0.1-0.25", "0.25+"]
    for scale, edges, why in [
        ("length_bins", (5, 5), "numbers of words, from 1 up"),
        ("length_bins", (), "numbers of words"),
        ("length_bins", (0, 3), "numbers of words"),
        ("frequency_bins", (-1, 3), "numbers of times, from 0 up"),
        ("reordering_bins", (0.5, 0.1), "shares, from 0 up"),
    ]:
        with pytest.raises(ValueError, match=rf"evaluation.{scale}=.* must be rising {why}"):
            labels(scale, edges)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 7)), min_size=1, max_size=17))
def test_reordering_distance_is_the_share_of_swapped_pairs(links):
    sources_of = {t: [s for s, u in set(links) if u == t] for t in {t for _, t in links}}
    mean = {t: sum(sources) / len(sources) for t, sources in sources_of.items()}
    pairs = list(combinations(sorted(mean), 2))
    swapped = sum(mean[t] > mean[u] for t, u in pairs)
    assert reordering_distance(set(links)) == pytest.approx(swapped / len(pairs) if pairs else 0)


def test_reordering_distance_by_hand():
    assert reordering_distance([(word, word) for word in range(7)]) == 0
    assert reordering_distance([(6 - word, word) for word in range(7)]) == 1
    # The verb goes to the end past two words; an article without a link does not count.
    assert reordering_distance([(0, 0), (1, 3), (2, 1), (4, 2)]) == pytest.approx(2 / 6)
    assert reordering_distance([(5, 2)]) == 0
    assert reordering_distance([]) is None


def test_numbers_of_a_sentence():
    pair, counts = Pair("a b  c", "x y x"), Counter({"x": 11, "y": 3})
    gold = Gold(frozenset({(0, 1), (1, 0)}), frozenset({(0, 1), (1, 0), (2, 2)}))
    assert {name: each.number(pair, gold, counts) for name, each in BREAKDOWNS.items()} == {
        "source_length": 3, "rarest_word": 3, "reordering": 1,
    }  # fmt: skip
    unknown = Gold(frozenset(), frozenset())
    assert [each.number(Pair("a", "x z"), unknown, counts) for each in BREAKDOWNS.values()] == [1, 0, None]
    assert [each.number(Pair("", ""), unknown, counts) for each in BREAKDOWNS.values()] == [0, 0, None]
    assert BREAKDOWNS["rarest_word"].number(pair, gold, None) is None

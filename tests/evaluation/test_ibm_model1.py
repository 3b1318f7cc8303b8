"""IBM model 1 against a textbook's numbers, the same equations one word at a time, and a corpus without order."""

from collections import defaultdict

import numpy as np
import pytest

from research.data.pairs import Pair
from research.evaluation.ibm_model1 import align

DAS_HAUS = [Pair("das Haus", "the house"), Pair("das Buch", "the book"), Pair("ein Buch", "a book")]


def chances(pairs, iterations):
    """t(f|e), one word at a time, by the equations of Brown et al. 1993."""
    chance = defaultdict(lambda: 1.0)
    for _ in range(iterations):
        counts, totals = defaultdict(float), defaultdict(float)
        for source, target, _ in pairs:
            for f in target.split():
                whole = sum(chance[f, e] for e in source.split())
                for e in source.split():
                    counts[f, e] += chance[f, e] / whole
                    totals[e] += chance[f, e] / whole
        chance = defaultdict(float, {(f, e): count / totals[e] for (f, e), count in counts.items()})
    return chance


@pytest.mark.parametrize(("iterations", "the", "book"), [(1, 0.5, 0.5), (2, 0.6364, 0.6364), (3, 0.7479, 0.7479)])
def test_the_equations_give_the_numbers_of_a_textbook(iterations, the, book):
    """Koehn 2010, "Statistical Machine Translation", figure 4.4."""
    found = chances(DAS_HAUS, iterations)
    assert found["the", "das"] == pytest.approx(the, abs=1e-4)
    assert found["book", "Buch"] == pytest.approx(book, abs=1e-4)


def test_words_are_found_whatever_their_order():
    assert [links.tolist() for links in align(DAS_HAUS)] == [[0, 1], [0, 1], [0, 1]]
    turned = [pair._replace(target=" ".join(reversed(pair.target.split()))) for pair in DAS_HAUS]
    assert [links.tolist() for links in align(turned)] == [[1, 0], [1, 0], [1, 0]]


@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_links_are_those_of_the_equations(iterations):
    dice = np.random.default_rng(iterations)
    pairs = [Pair(*(" ".join(dice.choice(list("abcdefgh"), dice.integers(1, 6))) for _ in range(2))) for _ in range(30)]
    chance = chances(pairs, iterations)
    for pair, links in zip(pairs, align(pairs, iterations), strict=True):
        source = pair.source.split()
        best = [max(chance[word, e] for e in source) for word in pair.target.split()]
        linked = [chance[word, source[s]] for word, s in zip(pair.target.split(), links, strict=True)]
        np.testing.assert_allclose(linked, best, rtol=1e-9)


def test_a_pair_without_words_on_one_side_has_no_links():
    pairs = [Pair("", "the"), Pair("das", ""), *DAS_HAUS]
    assert [links.tolist() for links in align(pairs)] == [[], [], [0, 1], [0, 1], [0, 1]]
    assert [links.tolist() for links in align(pairs[:2])] == [[], []]
    assert align([]) == []

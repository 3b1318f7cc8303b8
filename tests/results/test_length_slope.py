"""The slope of chrF over length, against NumPy's fit through the bins."""

from bisect import bisect_left

import numpy as np

from research.evaluation.quality import chrf
from research.results.length_slope import EDGES, by_length, slope

SOURCES = ["a b", "a b c", "a b c d e", "a b c d e f", "a b c d e f g h i", "a b c d e f g h i j k l"]
REFERENCES = ["kana lamo", "mipo tule sa", "soke rani temu polu", "nata kile", "somi pata lupe", "wani seko tupa lime"]
HYPOTHESES = ["kana lamo", "mipo tulo sa", "soke rani polu", "nato kile", "semi pato", "weni sako"]


def test_it_is_the_weighted_line_through_the_bins():
    words = np.array([len(source.split()) for source in SOURCES])
    score = chrf(HYPOTHESES, REFERENCES)
    found = slope(by_length(np.array(score.counts, float), words).sum(axis=0, keepdims=True))
    bins = [bisect_left(EDGES, n) for n in words]
    kept = sorted(set(bins))
    where = [[index for index, b in enumerate(bins) if b == each] for each in kept]
    x = [np.log2(words[each].mean()) for each in where]
    q = [score.of(each).score for each in where]
    expected = np.polyfit(x, q, 1, w=np.sqrt([len(each) for each in where]))[0]
    assert np.allclose(found, expected)
    assert expected < 0


def test_one_length_has_no_slope():
    counts = np.array(chrf(HYPOTHESES, REFERENCES).counts, float)
    assert slope(by_length(counts, np.full(6, 7)).sum(axis=0, keepdims=True)) == [0.0]

"""Measures of target words by their count in the training split: are rare words predicted, are they translated?

Words are separated by whitespace and divided into bins by their count (see `breakdown`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from research.data.vocabulary import Vocabulary
from research.decoding.forced import Forced
from research.evaluation.attention import END
from research.evaluation.breakdown import labels
from research.results.sums import CrossEntropy


class FrequencyBins:
    """Bins of words by their training count; a word that was never seen has count 0."""

    def __init__(self, counts: Counter[str], edges: Sequence[int]):
        self.counts, self.edges = counts, edges
        self.names = labels("frequency_bins", edges)

    def of(self, words: Iterable[str]) -> np.ndarray:
        """Return the bin of each word, an index of `names`."""
        return np.searchsorted(self.edges, [self.counts[word] for word in words])


def cross_entropy_by_frequency(
    forced: Iterable[Forced], references: Sequence[str], vocabulary: Vocabulary, bins: FrequencyBins
) -> list[tuple[str, int, CrossEntropy]]:
    """Sum the cross-entropy of the subwords of the words in each bin.

    Args:
        forced: forced decoding of the references.
        references: the texts of the split.
        vocabulary: of the target language.
        bins: bins of words.

    Returns:
        (bin, words, sums) of each bin that has words, and of the end-of-sentence tokens last. The sums of all rows
        are the sums over all tokens.
    """
    rows = len(bins.names) + 1
    words_X, nats_X, correct_X, tokens_X = np.zeros((4, rows))
    for each in forced:
        text = references[each.sentence]
        of_word = np.append(bins.of(text.split()), rows - 1)
        of_token = of_word[[*vocabulary.word_of_piece(text), -1]]
        words_X += np.bincount(of_word, minlength=rows)
        nats_X -= np.bincount(of_token, each.log_p_T, minlength=rows)
        correct_X += np.bincount(of_token, each.likeliest_T, minlength=rows)
        tokens_X += np.bincount(of_token, minlength=rows)
    return [
        (name, int(words_X[x]), CrossEntropy(float(nats_X[x]), int(correct_X[x]), int(tokens_X[x])))
        for x, name in enumerate([*bins.names, END])
        if words_X[x]
    ]


def word_scores_by_frequency(
    hypotheses: Sequence[str], references: Sequence[str], bins: FrequencyBins
) -> list[dict[str, Any]]:
    """Return precision, recall and F1 of the words of each bin that has words.

    A word is right as often as it occurs in both the translation and its reference, wherever: the smaller of the two
    counts. Precision divides by the words of the translations, recall by those of the references ("words").

    Reference: compare-mt's word accuracy by frequency, Neubig et al. 2019.
    """
    right_X, written_X, wanted_X = np.zeros((3, len(bins.names)))
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        written, wanted = Counter(hypothesis.split()), Counter(reference.split())
        for sums_X, words in ((right_X, written & wanted), (written_X, written), (wanted_X, wanted)):
            if words:
                sums_X += np.bincount(bins.of(words), [*words.values()], minlength=len(sums_X))
    return [
        {
            "bin": name,
            "words": int(wanted_X[x]),
            "precision": _share(right_X[x], written_X[x]),
            "recall": _share(right_X[x], wanted_X[x]),
            "f1": _share(2 * right_X[x], written_X[x] + wanted_X[x]),
        }
        for x, name in enumerate(bins.names)
        if written_X[x] or wanted_X[x]
    ]


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0

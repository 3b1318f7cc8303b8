"""Target words by how often they stand in the training split: are rare words guessed, and are they translated?

Whitespace-separated words, in bins of their count (see `breakdown`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from research.data.vocabulary import Vocabulary
from research.decoding.forced import Forced
from research.evaluation.breakdown import labels
from research.results.sums import CrossEntropy

END = "</s>"


class Frequencies:
    """Bins of training counts; a word that was never seen has count 0."""

    def __init__(self, counts: Counter[str], edges: Sequence[int]):
        self.counts, self.edges = counts, edges
        self.names = labels("frequency_bins", edges)

    def bins(self, words: Iterable[str]) -> np.ndarray:
        """The bin of each word: an index of `names`."""
        return np.searchsorted(self.edges, [self.counts[word] for word in words])


def forced_by_frequency(
    forced: Iterable[Forced], references: Sequence[str], vocabulary: Vocabulary, frequencies: Frequencies
) -> list[tuple[str, int, CrossEntropy]]:
    """(bin, words, sums over their subwords) of each bin that has words, and of the end marks last.

    references: the texts that `forced` counts. The sums over all bins are those over all tokens.
    """
    bins = len(frequencies.names) + 1
    words_X, nats_X, correct_X, tokens_X = np.zeros((4, bins))
    for each in forced:
        text = references[each.sentence]
        of_word = np.append(frequencies.bins(text.split()), bins - 1)
        of_token = of_word[[*vocabulary.word_of_piece(text), -1]]
        words_X += np.bincount(of_word, minlength=bins)
        nats_X -= np.bincount(of_token, each.log_p_T, minlength=bins)
        correct_X += np.bincount(of_token, each.likeliest_T, minlength=bins)
        tokens_X += np.bincount(of_token, minlength=bins)
    return [
        (name, int(words_X[x]), CrossEntropy(float(nats_X[x]), int(correct_X[x]), int(tokens_X[x])))
        for x, name in enumerate([*frequencies.names, END])
        if words_X[x]
    ]


def found_by_frequency(
    hypotheses: Sequence[str], references: Sequence[str], frequencies: Frequencies
) -> list[dict[str, Any]]:
    """Precision, recall and F1 of the words of each bin. compare-mt's word accuracy by frequency, Neubig et al. 2019.

    A word of a translation is right as often as it stands in its reference, wherever: min of the two counts, summed
    over sentences; precision divides by the words of the translations, recall by those of the references ("words").
    """
    right_X, written_X, wanted_X = np.zeros((3, len(frequencies.names)))
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        written, wanted = Counter(hypothesis.split()), Counter(reference.split())
        for sums_X, words in ((right_X, written & wanted), (written_X, written), (wanted_X, wanted)):
            if words:
                sums_X += np.bincount(frequencies.bins(words), [*words.values()], minlength=len(sums_X))
    return [
        {
            "bin": name,
            "words": int(wanted_X[x]),
            "precision": _share(right_X[x], written_X[x]),
            "recall": _share(right_X[x], wanted_X[x]),
            "f1": _share(2 * right_X[x], written_X[x] + wanted_X[x]),
        }
        for x, name in enumerate(frequencies.names)
        if written_X[x] or wanted_X[x]
    ]


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0

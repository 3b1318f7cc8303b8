"""Measures as functions of sums: what is counted in each sentence is added up first and divided once.

So any set of sentences has a score, and a resample of sentences (see `statistics.resampling`) needs nothing more.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sacrebleu.metrics.base import Metric

ScoreOfSums = Callable[[np.ndarray], np.ndarray]
"""(sums_MX) -> scores_M: the scores of counts that were summed in M ways. NaN where nothing was counted."""


class CrossEntropy(NamedTuple):
    """Sums over target tokens, end-of-sentence tokens included."""

    nats: float
    """-log p of the reference tokens, without label smoothing."""
    correct: float
    """Tokens that the model thought likeliest."""
    tokens: float

    @property
    def perplexity(self) -> float:
        """Per token: exp(nats / tokens). It compares between runs of one vocabulary."""
        return self.perplexity_per(self.tokens)

    @property
    def nats_per_token(self) -> float:
        """The cross-entropy: nats / tokens."""
        return self.nats / self.tokens

    @property
    def token_accuracy(self) -> float:
        """Share of tokens that the model thought likeliest."""
        return self.correct / self.tokens

    def perplexity_per(self, units: float) -> float:
        """Return exp(nats / units); infinite where that is over every number, or none.

        Per word, units are the whitespace-separated words of the reference and one end of sentence each: then it is the
        perplexity per token of a model whose every word is one token, and runs with different vocabularies compare
        (Mielke 2019), as long as none spells a word with the unknown subword, which is too easy to guess.
        """
        mean = self.nats / units
        return math.exp(mean) if mean < 700 else math.inf


class Alignment(NamedTuple):
    """Sums of one head, or of a mean of heads, as `evaluation.alignment` counts them.

    right_sure, right_possible, predicted and sure are of the sentences that have a gold alignment.
    """

    right_sure: float = 0
    right_possible: float = 0
    predicted: float = 0
    sure: float = 0
    nats: float = 0
    reading_words: float = 0
    weight: float = 0
    target_words: float = 0
    covered: float = 0
    source_words: float = 0
    forward: float = 0
    steps: float = 0

    @property
    def error(self) -> float:
        """AER (Och & Ney 2003); 1 where there is nothing to compare."""
        return 1.0 - _share(self.right_sure + self.right_possible, self.predicted + self.sure)

    def measures(self) -> dict[str, float | None]:
        """Return every measure by name; error, precision and recall are None without a gold alignment."""
        known = bool(self.predicted or self.sure)
        return {
            "error": self.error if known else None,
            "precision": _share(self.right_possible, self.predicted) if known else None,
            "recall": _share(self.right_sure, self.sure) if known else None,
            "entropy": _share(self.nats, self.reading_words),
            "on_words": _share(self.weight, self.target_words),
            "coverage": _share(self.covered, self.source_words),
            "monotonicity": _share(self.forward, self.steps),
        }


LINKS = Alignment._fields[:4]
"""The fields that the error is made of."""


def error_below(*sums: float) -> float | None:
    """Return by how much the error is below that of another alignment; None without a gold alignment.

    Args:
        sums: the fields of `Alignment`, and those of `LINKS` of the other.
    """
    ours, other = Alignment(*sums[: -len(LINKS)]), Alignment(*sums[-len(LINKS) :])
    return other.error - ours.error if ours.sure or ours.predicted else None


def order_sensitivity(nats: float, shuffled: float, tokens: float) -> float:
    """Return the nats a token that references cost more where each source's tokens are shuffled.

    0 for a model that can't tell in which order it reads: its encoder gives every order the same states, each where its
    token stands, and attention sums over them. The end-of-sentence token stays the last.
    """
    return (shuffled - nats) / tokens


def mean_distance(distances: float, compared: float) -> float | None:
    """Return the mean distance between heads of summed `evaluation.head_distance`; None where nothing was compared."""
    return distances / compared if compared else None


def of_each(score: Callable[..., float | None]) -> ScoreOfSums:
    """Apply the score of one sum to each row. None, where nothing was counted, becomes NaN."""
    return lambda sums_MX: np.array([score(*sums_X) for sums_X in sums_MX.tolist()], np.float64)


def of_metric(metric: Metric) -> ScoreOfSums:
    """Return the score of summed counts of sacreBLEU's metric; how words were cut shows in the counts alone."""
    return lambda sums_MX: np.array([metric._compute_score_from_stats(sums_X).score for sums_X in sums_MX.tolist()])


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

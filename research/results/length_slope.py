"""The fall of quality with length: the slope of chrF over log2 of the source's words, in points a doubling.

Sentences are put into bins by their length; a bin has a chrF and a mean length, and the weighted least-squares line
through the bins, each weighing as many as it has sentences, has the slope

    Σ_b n_b (x_b - x̄) (q_b - q̄) / Σ_b n_b (x_b - x̄)²,   x_b = log2(words_b / n_b), q_b = chrF of the bin

Counts are laid out bin by bin: chrF's own, words, sentences; zeros in the bins that a sentence is not in.
"""

from bisect import bisect_left

import numpy as np
from sacrebleu.metrics import CHRF

from research.results.sums import of_metric

EDGES = (4, 6, 8, 11, 15, 20, 30)  # source words, inclusive; the last bin is open
BINS = len(EDGES) + 1
CHRF_OF_SUMS = of_metric(CHRF())


def by_length(chrf_NX: np.ndarray, words_N: np.ndarray) -> np.ndarray:
    """Lay out counts of chrF bin by bin, so that the slope is a function of their sums.

    Args:
        chrf_NX: what sacreBLEU counts for chrF, a row a sentence.
        words_N: the words of each source sentence.
    """
    rows_NX = np.column_stack([chrf_NX, words_N, np.ones(len(words_N))])
    laid_NBX = np.zeros((len(rows_NX), BINS, rows_NX.shape[1]))
    laid_NBX[np.arange(len(rows_NX)), [bisect_left(EDGES, n) for n in words_N]] = rows_NX
    return laid_NBX.reshape(len(rows_NX), -1)


def slope(sums_MX: np.ndarray) -> np.ndarray:
    """Return chrF a doubling of length for each row of sums; 0 where all sentences are in one bin."""
    sums_MBX = sums_MX.reshape(len(sums_MX), BINS, -1)
    words_MB, n_MB = sums_MBX[..., -2], sums_MBX[..., -1]
    flat = sums_MBX[..., :-2].reshape(len(sums_MX) * BINS, -1)
    quality_MB = CHRF_OF_SUMS(flat).reshape(n_MB.shape)
    x_MB = np.log2(np.where(n_MB > 0, words_MB, 1) / np.maximum(n_MB, 1))
    share_MB = n_MB / n_MB.sum(axis=1, keepdims=True)
    x_MB = x_MB - (share_MB * x_MB).sum(axis=1, keepdims=True)
    spread_M = (share_MB * x_MB**2).sum(axis=1)
    return (share_MB * x_MB * quality_MB).sum(axis=1) / np.where(spread_M > 0, spread_M, np.inf)

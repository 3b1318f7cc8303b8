"""Draw sentences with replacement and score runs on what was drawn. Koehn 2004.

A run is its counts, sentence by sentence. A score is a function of counts summed over sentences: n-gram matches for
BLEU, links for the alignment error rate, nats and tokens for perplexity. So M resamples cost one matrix product.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

ScoreOfSums = Callable[[np.ndarray], np.ndarray]
"""A function of sums_MX (resample × count) that returns scores_M."""


class ResampledRuns(NamedTuple):
    """The scores of one system's runs: on all sentences, scores_R, and on every resample of them, scores_RM."""

    scores_R: np.ndarray
    scores_RM: np.ndarray


def resample(systems: Sequence[np.ndarray], score: ScoreOfSums, *, resamples: int, seed: int) -> list[ResampledRuns]:
    """Score every run on M random draws of N sentences. All runs of all systems are scored on the same draws.

    Args:
        systems: counts_RNX (run × sentence × count) of each system. Systems may differ in the number of runs only.
        score: the score of summed counts.
        resamples: the number of draws, M.
        seed: the seed of the draws. Draws are those of sacreBLEU and SciPy under the same seed.

    Returns:
        The scores of each system's runs, in the order of `systems`.

    Raises:
        ValueError: the systems do not hold the same sentences and counts, or there are fewer than two sentences.
    """
    shapes = [runs_RNX.shape for runs_RNX in systems]
    if any(len(shape) != 3 or shape[1:] != shapes[0][1:] for shape in shapes):
        raise ValueError(
            f"counts have the shapes {' and '.join(map(str, shapes))}: all must be run × sentence × count, with the "
            f"same sentences and counts"
        )
    sentences = shapes[0][1]
    if sentences < 2:
        raise ValueError(f"{sentences} sentence cannot show how much sentences vary; compare on at least two")
    times_MN, all_1N = _times_drawn(sentences, resamples, seed), np.ones((1, sentences))

    def scores(weights_MN: np.ndarray, runs_RNX: np.ndarray) -> np.ndarray:
        side_by_side = np.concatenate(list(runs_RNX), axis=1)  # one product reads the weights once, not once a run
        return np.stack([score(sums_MX) for sums_MX in np.split(weights_MN @ side_by_side, len(runs_RNX), axis=1)])

    return [ResampledRuns(scores(all_1N, runs_RNX)[:, 0], scores(times_MN, runs_RNX)) for runs_RNX in systems]


@lru_cache(maxsize=1)  # a table of many systems draws the same for each
def _times_drawn(sentences: int, resamples: int, seed: int) -> np.ndarray:
    """Return times_MN: how often each of M resamples has each of N sentences."""
    drawn_MN = np.random.default_rng(seed).integers(sentences, size=(resamples, sentences))
    times_MN = np.stack([np.bincount(drawn_N, minlength=sentences) for drawn_N in drawn_MN]).astype(np.float64)
    times_MN.flags.writeable = False
    return times_MN

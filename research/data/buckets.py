"""The few shapes that batches are padded to: those that leave the least padding, found exactly."""

from typing import NamedTuple

import numpy as np

CANDIDATES = 40  # lengths of a side that a cap may have; the cost is its fourth power, and more gain nothing


class Cap(NamedTuple):
    """The lengths of a bucket, end-of-sentence token included; a pair goes to the first bucket that both sides fit."""

    source: int
    target: int


def choose_caps(sources: np.ndarray, targets: np.ndarray, buckets: int, counts: np.ndarray | None = None) -> list[Cap]:
    """Return the caps that need the fewest positions, each at least as long as the one before on both sides.

    With C(cap) the number of pairs that fit a cap, a chain of caps costs
    sum_k (C(cap_k) - C(cap_{k-1})) * (source_k + target_k). Dynamic programming finds the cheapest chain of k caps from
    the cheapest ones of k - 1. The last cap holds the longest pair.

    Args:
        sources: the source length of each pair.
        targets: the target length of each pair.
        buckets: the most caps.
        counts: how many pairs have these lengths, so that a histogram gives the caps of all its pairs; None: one each.
    """
    if buckets < 1:
        raise ValueError(f"data.buckets={buckets}: must be at least 1")
    if not len(sources):
        return []
    if counts is None:
        counts = np.ones(len(sources), np.int64)
    source_caps, target_caps = _candidates(sources, counts), _candidates(targets, counts)
    fitting_ST = _fitting(sources, targets, counts, source_caps, target_caps)
    source_N, target_N = (grid.ravel() for grid in np.meshgrid(source_caps, target_caps, indexing="ij"))
    fitting_N = fitting_ST.ravel()

    fits_NN = (source_N[:, None] <= source_N[None]) & (target_N[:, None] <= target_N[None])  # [before, after]
    added_NN = fitting_N[None] - fitting_N[:, None]
    edge_NN = np.where(fits_NN, added_NN * (source_N + target_N)[None], np.inf)
    cost_N = fitting_N * (source_N + target_N).astype(np.float64)
    best, chain = cost_N[-1], [len(cost_N) - 1]
    befores: list[np.ndarray] = []
    for _ in range(buckets - 1):
        total_NN = cost_N[:, None] + edge_NN
        befores.append(total_NN.argmin(axis=0))
        cost_N = total_NN.min(axis=0)
        if cost_N[-1] < best:
            best, chain = cost_N[-1], _walk_back(befores, len(cost_N) - 1)
    return [Cap(int(source_N[n]), int(target_N[n])) for n in chain]


def assign(sources: np.ndarray, targets: np.ndarray, caps: list[Cap]) -> np.ndarray:
    """Return for each pair the index of its bucket, the first that it fits."""
    bucket = np.full(len(sources), len(caps), np.int64)
    for k in reversed(range(len(caps))):
        bucket[(sources <= caps[k].source) & (targets <= caps[k].target)] = k
    return bucket


def _candidates(lengths: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return all lengths that occur or, if there are many, evenly spread ones and quantiles; always the longest."""
    distinct = np.unique(lengths)
    if len(distinct) <= CANDIDATES:
        return distinct
    order = np.argsort(lengths, kind="stable")
    ends = counts[order].cumsum()
    ranks = np.ceil(np.linspace(0, 1, CANDIDATES) * (ends[-1] - 1))  # np.quantile's of all pairs, by method "higher"
    quantiles = lengths[order][np.searchsorted(ends, ranks, side="right")]
    spread = distinct[np.linspace(0, len(distinct) - 1, CANDIDATES).astype(int)]
    both = np.unique(np.concatenate([quantiles[::2], spread[::2], distinct[-1:]]))
    return both.astype(distinct.dtype)


def _fitting(
    sources: np.ndarray, targets: np.ndarray, counts: np.ndarray, source_caps: np.ndarray, target_caps: np.ndarray
) -> np.ndarray:
    """Return fitting_ST: the number of pairs that fit each pair of caps."""
    counts_ST = np.zeros((len(source_caps), len(target_caps)), np.int64)
    np.add.at(counts_ST, (np.searchsorted(source_caps, sources), np.searchsorted(target_caps, targets)), counts)
    return counts_ST.cumsum(axis=0).cumsum(axis=1)


def _walk_back(befores: list[np.ndarray], last: int) -> list[int]:
    chain = [last]
    for before in reversed(befores):
        chain.append(int(before[chain[-1]]))
    return sorted(set(chain), key=chain[::-1].index)

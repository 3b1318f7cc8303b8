"""The chosen caps, compared with every possible choice."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from research.data import buckets
from research.data.buckets import Cap, assign, choose_caps


def padding(sources, targets, caps):
    """Positions in all, counted the slow way; infinite when a pair fits no cap."""
    total = 0.0
    for s, t in zip(sources, targets, strict=True):
        sizes = [cap.source + cap.target for cap in caps if s <= cap.source and t <= cap.target]
        total += sizes[0] if sizes else np.inf
    return total


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_chain_of_caps_pads_less(count, seed):
    random = np.random.default_rng(seed)
    sources = random.integers(1, 7, 23)
    targets = np.maximum(1, sources + random.integers(-2, 4, 23))
    caps = choose_caps(sources, targets, count)
    grid = [Cap(s, t) for s in np.unique(sources) for t in np.unique(targets)]
    chains = (
        chain
        for size in range(1, count + 1)
        for chain in combinations(grid, size)
        if all(a.source <= b.source and a.target <= b.target for a, b in pairwise(chain))
    )
    assert padding(sources, targets, caps) == min(padding(sources, targets, chain) for chain in chains)
    assert len(caps) <= count


def test_a_pair_goes_to_the_first_bucket_that_both_sides_fit():
    caps = [Cap(3, 5), Cap(5, 5), Cap(11, 13)]
    sources, targets = np.array([3, 4, 1, 5, 12]), np.array([5, 1, 6, 5, 1])
    assert assign(sources, targets, caps).tolist() == [0, 1, 2, 1, 3]


def test_equal_lengths_need_one_bucket():
    assert choose_caps(np.full(7, 5), np.full(7, 3), 4) == [Cap(5, 3)]
    assert choose_caps(np.array([], int), np.array([], int), 4) == []


def test_of_many_lengths_some_are_tried_and_the_longest_kept():
    random = np.random.default_rng(0)
    sources, targets = random.geometric(0.01, 2_003), random.geometric(0.02, 2_003)
    caps = choose_caps(sources, targets, 5)
    assert len(np.unique(sources)) > buckets.CANDIDATES
    assert caps[-1] == (sources.max(), targets.max())
    assert len(caps) == 5
    assert padding(sources, targets, caps) < 0.6 * padding(sources, targets, caps[-1:])


def test_no_buckets_is_an_error():
    with pytest.raises(ValueError, match=r"data.buckets=0"):
        choose_caps(np.array([1]), np.array([1]), 0)


@pytest.mark.parametrize("longest", [30, 300])
def test_a_histogram_gives_the_caps_of_all_its_pairs(longest):
    random = np.random.default_rng(longest)
    sources = random.integers(1, longest, 5_003)
    targets = np.clip(sources + random.integers(-7, 8, 5_003), 1, None)
    lengths, counts = np.unique([sources, targets], axis=1, return_counts=True)
    assert choose_caps(*lengths, 5, counts) == choose_caps(sources, targets, 5)


def test_candidates_are_quantiles_of_all_pairs():
    random = np.random.default_rng(1)
    lengths = random.geometric(0.005, 3_001)
    distinct, counts = np.unique(lengths, return_counts=True)
    quantiles = np.quantile(lengths, np.linspace(0, 1, buckets.CANDIDATES), method="higher")
    assert set(quantiles[::2]) <= set(buckets._candidates(distinct, counts))

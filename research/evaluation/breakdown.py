"""Breakdowns of measures: sentences and words in bins, by a number that each has."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np

from research.data.pairs import Pair
from research.evaluation.gold import Gold, Link
from research.results.ranges import LARGEST


class Scale(NamedTuple):
    """The numbers that a kind of bins divides. Edges are inclusive upper ends, and the last bin has no end."""

    numbers: str
    """Plural noun, for error messages."""
    first: int
    """The least number."""
    step: int
    """A bin begins this far above the edge of the bin before."""


SCALES = {
    "length_bins": Scale("numbers of words", first=1, step=1),
    "frequency_bins": Scale("numbers of times", first=0, step=1),
    "reordering_bins": Scale("shares", first=0, step=0),
}
"""By name of the field of config.evaluation that holds the edges."""


def source_words(pair: Pair, gold: Gold, counts: Counter[str] | None) -> float | None:
    """Count the whitespace-separated words of the source. Bahdanau et al. 2015, figure 2."""
    return len(pair.source.split())


def rarest_word(pair: Pair, gold: Gold, counts: Counter[str] | None) -> float | None:
    """Return the training count of the rarest word of the reference; 0 if it has no words, None without counts.

    Luong et al. 2015 (Addressing the Rare Word Problem in NMT) sort sentences by their mean frequency rank. The least
    count needs no rank, and is 0 if a word was never seen.
    """
    return None if counts is None else min((counts[word] for word in pair.target.split()), default=0)


def reordering(pair: Pair, gold: Gold, counts: Counter[str] | None) -> float | None:
    """Return the `reordering_distance` of the sure links; None without a gold alignment."""
    return reordering_distance(gold.sure)


class Breakdown(NamedTuple):
    """A way to divide sentences into bins."""

    scale: str
    """A name in `SCALES`."""
    number: Callable[[Pair, Gold, Counter[str] | None], float | None]
    """(pair, gold alignment, word counts of the training split) -> number, or None for a sentence in no bin."""


BREAKDOWNS = {
    "source_length": Breakdown("length_bins", source_words),
    "rarest_word": Breakdown("frequency_bins", rarest_word),
    "reordering": Breakdown("reordering_bins", reordering),
}


def reordering_distance(links: Collection[Link]) -> float | None:
    """Return Kendall's tau distance, |{t < u: s(t) > s(u)}| / |{t < u}|: 0 in the source's order, 1 in reverse order.

    t and u are target words with a link, s(t) is the mean position of the source words that t is linked to. The
    distance does not grow with the sentence.

    Returns:
        The distance; 0 if only one word has a link, None without links.

    Reference: Birch & Osborne 2010 (LRscore), the fraction under the root in d_tau.
    """
    if not links:
        return None
    read: dict[int, list[int]] = {}
    for source, target in links:
        read.setdefault(target, []).append(source)
    positions_T = np.array([np.mean(read[target]) for target in sorted(read)])
    swapped_TT = np.triu(positions_T[:, None] > positions_T[None, :], k=1)
    pairs = len(read) * (len(read) - 1) / 2
    return float(swapped_TT.sum() / pairs) if pairs else 0.0


def members(numbers: Sequence[float | None], names: Sequence[str], edges: Sequence[float]) -> dict[str, list[int]]:
    """Return the indices of the numbers in each bin that is not empty. A number below the first bin counts as in it.

    Args:
        numbers: one for each sentence; None for a sentence in no bin.
        names: the names of the bins, see `labels`.
        edges: the inclusive upper ends of all bins but the last.
    """
    found: list[list[int]] = [[] for _ in names]
    for index, number in enumerate(numbers):
        if number is not None:
            found[bisect_left(edges, number)].append(index)
    return {name: indices for name, indices in zip(names, found, strict=True) if indices}


def labels(scale: str, edges: Sequence[float]) -> list[str]:
    """Return the names of bins: edges (5, 10) of "length_bins" give ["1-5", "6-10", "11+"].

    Args:
        scale: a name in `SCALES`.
        edges: the inclusive upper ends of all bins but the last.

    Raises:
        ValueError: the edges do not rise, or there are none.
    """
    numbers, first, step = SCALES[scale]
    if list(edges) != sorted(set(edges)) or not edges or edges[0] < first:
        raise ValueError(f"evaluation.{scale}={tuple(edges)} must be rising {numbers}, from {first} up")
    if edges[-1] > LARGEST:
        raise ValueError(f"evaluation.{scale}={tuple(edges)} must be {numbers} of at most {LARGEST}")
    lows = [first, *(edge + step for edge in edges)]
    within = [f"{low:.9g}-{high:.9g}" if low < high else f"{high:.9g}" for low, high in zip(lows, edges, strict=False)]
    return [*within, f"{lows[-1]:.9g}+"]

"""What a measure is broken down by: sentences, or words, in bins of one number each."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np

from research.data.pairs import Pair
from research.evaluation.gold import Gold, Link


class Scale(NamedTuple):
    """How the upper edges of bins are read: inclusive, rising, the last bin open. A bin begins `step` after an edge."""

    numbers: str
    first: int
    step: int


SCALES = {
    "length_bins": Scale("numbers of words", first=1, step=1),
    "frequency_bins": Scale("numbers of times", first=0, step=1),
    "reordering_bins": Scale("shares", first=0, step=0),
}
"""By the field of config.evaluation that holds the edges."""


def source_words(pair: Pair, gold: Gold, counts: Counter[str] | None) -> float | None:
    """Whitespace-separated words of the source. Bahdanau et al. 2015, figure 2."""
    return len(pair.source.split())


def rarest_word(pair: Pair, gold: Gold, counts: Counter[str] | None) -> float | None:
    """min over words w of the reference of count(w) in the training split; 0 of a reference without words.

    Luong et al. 2015 (Addressing the Rare Word Problem in NMT) sort sentences by their mean frequency rank; the least
    count needs no rank, and 0 says that a word was never seen.
    """
    return None if counts is None else min((counts[word] for word in pair.target.split()), default=0)


def reordering(pair: Pair, gold: Gold, counts: Counter[str] | None) -> float | None:
    """`reordering_distance` of the sure links of the gold alignment; None where it is not known."""
    return reordering_distance(gold.sure)


class Breakdown(NamedTuple):
    """scale: a name in `SCALES`. number: of a sentence; None: it is in no bin."""

    scale: str
    number: Callable[[Pair, Gold, Counter[str] | None], float | None]


BREAKDOWNS = {
    "source_length": Breakdown("length_bins", source_words),
    "rarest_word": Breakdown("frequency_bins", rarest_word),
    "reordering": Breakdown("reordering_bins", reordering),
}


def reordering_distance(links: Collection[Link]) -> float | None:
    """Kendall's tau distance, |{t < u: s(t) > s(u)}| / |{t < u}|: 0 in the source's order, 1 against it.

    t and u are the target words with a link, s(t) the mean position of the source words that t is linked to. It is the
    quotient under the root of Birch & Osborne 2010 (LRscore, d_tau), and does not grow with the sentence. 0 with a
    single word, None without a link.
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
    """Which indices are in the bin of each name, in order; no empty bins. A number below the first bin is in it."""
    found: list[list[int]] = [[] for _ in names]
    for index, number in enumerate(numbers):
        if number is not None:
            found[bisect_left(edges, number)].append(index)
    return {name: where for name, where in zip(names, found, strict=True) if where}


def labels(scale: str, edges: Sequence[float]) -> list[str]:
    """(5, 10) of numbers of words -> ["1-5", "6-10", "11+"]; (0, 0.1) of shares -> ["0", "0-0.1", "0.1+"].

    ValueError for edges that do not rise.
    """
    numbers, first, step = SCALES[scale]
    if list(edges) != sorted(set(edges)) or not edges or edges[0] < first:
        raise ValueError(f"evaluation.{scale}={tuple(edges)} must be rising {numbers}, from {first} up")
    lows = [first, *(edge + step for edge in edges)]
    within = [f"{low:.9g}-{high:.9g}" if low < high else f"{high:.9g}" for low, high in zip(lows, edges, strict=False)]
    return [*within, f"{lows[-1]:.9g}+"]

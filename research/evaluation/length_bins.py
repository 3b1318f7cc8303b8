"""BLEU by the length of the source: where a sentence becomes too long for a model."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

Measure = Callable[[Sequence[str], Sequence[str]], float]


class Bin(NamedTuple):
    """Sentences whose source has so many words: "6-10", or "31+" for the last bin."""

    words: str
    sentences: int
    bleu: float


def by_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    edges: Sequence[int],
    measure: Measure,
) -> list[Bin]:
    """`measure(hypotheses, references)` of each bin of source lengths, in whitespace-separated words; no empty bins.

    edges: the upper edges, inclusive and rising, of all bins but the last. A source without words is in the first.
    """
    names = labels(edges)
    members: list[list[int]] = [[] for _ in names]
    for index, source in enumerate(sources):
        members[bisect_left(edges, len(source.split()))].append(index)
    bins = [
        Bin(label, len(where), measure([hypotheses[i] for i in where], [references[i] for i in where]))
        for label, where in zip(names, members, strict=True)
        if where
    ]
    assert sum(each.sentences for each in bins) == len(sources), "a sentence is in no bin"
    return bins


def labels(edges: Sequence[int]) -> list[str]:
    """(5, 10) -> ["1-5", "6-10", "11+"]. ValueError for edges that do not rise."""
    if list(edges) != sorted(set(edges)) or not edges or edges[0] < 1:
        raise ValueError(f"evaluation.length_bins={tuple(edges)} must be rising numbers of words, from 1 up")
    lows = [1, *(edge + 1 for edge in edges)]
    within = [f"{low}-{high}" if low < high else f"{low}" for low, high in zip(lows, edges, strict=False)]
    return [*within, f"{lows[-1]}+"]

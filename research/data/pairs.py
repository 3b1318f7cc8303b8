"""A pair of sentences and a split: the form in which every source of parallel text gives its data."""

from collections.abc import Sequence
from typing import NamedTuple


class Pair(NamedTuple):
    """A sentence and its translation, with the gold word alignment where one is known."""

    source: str
    target: str
    alignment: tuple[tuple[int, int], ...] = ()
    """Links (source word, target word), counted from 0 over whitespace-separated words. Empty: unknown."""


def lowered(pair: Pair) -> Pair:
    """Return a pair in lower case, the target too."""
    return pair._replace(source=pair.source.lower(), target=pair.target.lower())


Split = Sequence[Pair]

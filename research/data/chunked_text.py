"""Training text that is too large to be held: it is read in chunks, by several processes, and known by its digests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from research.data.pairs import Pair, lowered

CHUNK_PAIRS = 200_000  # read and tokenised at a time by one process, which needs about 300 MB for them

Chunk = Callable[[int], list[Pair]]
"""Reads the first n pairs of a part of the text. It can be pickled, so that another process does it."""


@dataclass(frozen=True)
class ChunkedText:
    """The training text of a corpus that is streamed.

    Args:
        pairs: how many there are, those with an empty side included.
        depends_on: values that JSON can hold and that the text is a function of, such as digests of its files.
        chunks: yields its parts in order, each of `CHUNK_PAIRS` pairs but the last.
        lowercase: lower-case both sides.
    """

    pairs: int
    depends_on: tuple[Any, ...]
    chunks: Callable[[], Iterator[Chunk]]
    lowercase: bool = False

    def parts(self) -> Iterator["Part"]:
        """Yield the chunks with all that is needed to read them."""
        for number, chunk in enumerate(self.chunks()):
            yield Part(number, chunk, self.lowercase)

    def sample(self, pairs: int) -> list[Pair]:
        """Return about `pairs` pairs with text on both sides: the first ones of each chunk, as many of each."""
        chunks = -(-self.pairs // CHUNK_PAIRS)
        return [pair for part in self.parts() for pair in part.read(-(-pairs // chunks)).pairs]


class ReadPart(NamedTuple):
    """The pairs of a chunk that have text on both sides, their numbers in it, and how many pairs were read."""

    pairs: list[Pair]
    numbers: list[int]
    read: int


class Part(NamedTuple):
    """A chunk of a text, which can be pickled."""

    number: int
    chunk: Chunk
    lowercase: bool

    def read(self, most: int = CHUNK_PAIRS) -> ReadPart:
        """Read its pairs.

        Args:
            most: of the pairs, those with an empty side included, the first so many are read.
        """
        read = self.chunk(most)
        kept = [(number, pair) for number, pair in enumerate(read) if pair.source.strip() and pair.target.strip()]
        pairs = [lowered(pair) if self.lowercase else pair for _, pair in kept]
        return ReadPart(pairs, [number for number, _ in kept], len(read))


def ranges(pairs: int) -> Iterator[range]:
    """Yield the numbers of the pairs of each chunk."""
    for first in range(0, pairs, CHUNK_PAIRS):
        yield range(first, min(first + CHUNK_PAIRS, pairs))

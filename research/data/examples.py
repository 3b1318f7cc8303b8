"""Pairs as ids, held in a few flat arrays: millions of sentences without millions of Python lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from research.data.pairs import Split
from research.data.vocabulary import Vocabularies, Vocabulary


class Sentences:
    """Sentences of ids, without begin or end marks; `sentences[i]` is an array."""

    def __init__(self, sentences: Iterable[Sequence[int] | np.ndarray]):
        kept = [np.asarray(ids, np.int32) for ids in sentences]
        self.lengths = np.array([len(ids) for ids in kept], np.int64)
        self._ends = np.cumsum(self.lengths)
        self._ids = np.concatenate(kept) if kept else np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        end = self._ends[index]
        return self._ids[end - self.lengths[index] : end]

    def shuffled(self, seed: int) -> "Sentences":
        """All of them, the ids of each in another order."""
        random = np.random.default_rng(seed)
        return Sentences(random.permutation(self[index]) for index in range(len(self)))

    def cut_to(self, length: int) -> "Sentences":
        """All of them, without what is beyond `length` ids."""
        return Sentences([self[index][:length] for index in range(len(self))])


@dataclass(frozen=True)
class Examples:
    """A split as ids. `targets` is absent where there is nothing but text to translate."""

    sources: Sentences
    targets: Sentences | None = None

    @property
    def count(self) -> int:
        return len(self.sources)

    def fitting(self, max_tokens: int) -> list[int]:
        """Which pairs have on neither side more than `max_tokens` ids, end mark included."""
        sides = [side for side in (self.sources, self.targets) if side is not None]
        longest = np.max([side.lengths for side in sides], axis=0) + 1
        return np.flatnonzero(longest <= max_tokens).tolist()

    def within(self, max_tokens: int) -> "Examples":
        """The pairs that are `fitting`."""
        kept = self.fitting(max_tokens)
        sides = [side for side in (self.sources, self.targets) if side is not None]
        return Examples(*(Sentences(side[index] for index in kept) for side in sides))


def encode(split: Split, vocabularies: Vocabularies) -> Examples:
    """Both sides of `split`, in its order."""
    return Examples(
        encode_texts([pair.source for pair in split], vocabularies.source),
        encode_texts([pair.target for pair in split], vocabularies.target),
    )


def encode_texts(texts: Sequence[str], vocabulary: Vocabulary) -> Sentences:
    """`texts` alone: sentences to translate."""
    return Sentences(vocabulary.encode_all(texts))

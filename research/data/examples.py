"""Sentences as ids, held in a few flat arrays: millions of sentences without millions of Python lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from research.data.pairs import Split
from research.data.vocabulary import Vocabularies, Vocabulary


class Sentences:
    """Sentences of ids, without begin-of-sentence and end-of-sentence tokens; `sentences[i]` is an array."""

    def __init__(self, sentences: Iterable[Sequence[int] | np.ndarray]):
        kept = [np.asarray(ids, np.int32) for ids in sentences]
        lengths = np.array([len(ids) for ids in kept], np.int64)
        self._hold(np.concatenate(kept) if kept else np.zeros(0, np.int32), lengths)

    @classmethod
    def joined(cls, ids: np.ndarray, lengths: np.ndarray) -> "Sentences":
        """Return the sentences whose ids stand one after another in `ids`."""
        sentences = cls.__new__(cls)
        sentences._hold(ids, lengths)
        return sentences

    def _hold(self, ids: np.ndarray, lengths: np.ndarray) -> None:
        self.ids, self.lengths, self._ends = ids, lengths, np.cumsum(lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        end = self._ends[index]
        return self.ids[end - self.lengths[index] : end]

    def only(self, indices: Iterable[int]) -> "Sentences":
        """Return the sentences at `indices`, in that order."""
        return Sentences(self[index] for index in indices)

    def shuffled(self, seed: int) -> "Sentences":
        """Return all sentences, the ids of each in a random order."""
        random = np.random.default_rng(seed)
        return Sentences(random.permutation(self[index]) for index in range(len(self)))

    def cut_to(self, length: int) -> "Sentences":
        """Return all sentences, each cut after `length` ids."""
        return Sentences([self[index][:length] for index in range(len(self))])


@dataclass(frozen=True)
class Examples:
    """A split as ids; `targets` is None where there are only sources to translate."""

    sources: Sentences
    targets: Sentences | None = None

    @property
    def count(self) -> int:
        """The number of pairs."""
        return len(self.sources)

    def fitting(self, max_tokens: int) -> list[int]:
        """Return the indices of pairs with at most `max_tokens` ids a side, end-of-sentence token included."""
        sides = [side for side in (self.sources, self.targets) if side is not None]
        longest = np.max([side.lengths for side in sides], axis=0) + 1
        return np.flatnonzero(longest <= max_tokens).tolist()

    def only(self, indices: Sequence[int]) -> "Examples":
        """Return the pairs at `indices`, in that order."""
        return Examples(*(side.only(indices) for side in (self.sources, self.targets) if side is not None))

    def within(self, max_tokens: int) -> "Examples":
        """Return the pairs that are `fitting`."""
        return self.only(self.fitting(max_tokens))


def encode(split: Split, vocabularies: Vocabularies) -> Examples:
    """Encode both sides of a split, in its order."""
    return Examples(
        encode_texts([pair.source for pair in split], vocabularies.source),
        encode_texts([pair.target for pair in split], vocabularies.target),
    )


def encode_texts(texts: Sequence[str], vocabulary: Vocabulary) -> Sentences:
    """Encode texts of one side."""
    return Sentences(vocabulary.encode_all(texts))

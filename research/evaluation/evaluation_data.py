"""The data that a run is evaluated on: a split, its gold alignment and its ids."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from research.data.examples import Examples
from research.data.pairs import Split
from research.evaluation.gold import Gold


class EvaluationData(NamedTuple):
    """A split, with everything about it that evaluation needs."""

    split: Split
    gold: Sequence[Gold]
    """The gold alignment of each pair."""
    word_counts: Counter[str] | None
    """Count of each target word in the training split; None if the run folder does not hold them."""
    examples: Examples
    """The pairs as ids of the run's vocabularies."""

    @property
    def references(self) -> list[str]:
        """The target sentences."""
        return [pair.target for pair in self.split]

    def only(self, indices: Sequence[int]) -> "EvaluationData":
        """Return the data of the pairs at `indices`, in that order."""
        split, gold = [self.split[index] for index in indices], [self.gold[index] for index in indices]
        return EvaluationData(split, gold, self.word_counts, self.examples.only(indices))

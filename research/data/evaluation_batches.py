"""Batches for evaluation: every sentence once, sorted by length into fixed shapes; indices restore the order."""

from collections.abc import Iterator

import numpy as np

from research.data.batches import Batch, empty_batch, put
from research.data.buckets import Cap
from research.data.examples import Examples

LENGTHS = (16, 32, 64, 128)  # then doubling; the same for every split, since each costs a compilation


def evaluation_batches(examples: Examples, batch_sentences: int) -> Iterator[tuple[np.ndarray, Batch]]:
    """Yield (indices, batch), the longest sentences first: row r is sentence indices[r], all later rows are PAD.

    Both sides are padded to the same length. An empty source is a row of EOS alone. Without targets in `examples` a
    batch has source_BS alone.

    Args:
        examples: the split as ids.
        batch_sentences: rows of a batch; fewer for sentences longer than `LENGTHS`, so that memory stays bounded.
    """
    if batch_sentences < 1:
        raise ValueError(f"evaluation.batch_sentences={batch_sentences}: must be at least 1")
    longest = examples.sources.lengths + 1
    if examples.targets is not None:
        longest = np.maximum(longest, examples.targets.lengths + 1)
    left = np.lexsort((np.arange(len(longest)), longest))
    while len(left):  # from the longest down: the one batch that is not full is the cheapest
        length = padded_length(longest[left[-1]])
        rows = rows_at(length, batch_sentences)
        left, indices = left[:-rows], left[-rows:]
        yield indices, _fill(examples, indices, rows, length)


def padded_length(length: int) -> int:
    """Return the smallest of `LENGTHS` that holds `length` ids; beyond the last, that one doubled until it does."""
    for fixed in LENGTHS:
        if length <= fixed:
            return fixed
    return LENGTHS[-1] << int(-(-length // LENGTHS[-1]) - 1).bit_length()


def padded_lengths(longest: int) -> list[int]:
    """Return every length that `padded_length` gives to sentences of 1 to `longest` ids, shortest first."""
    return sorted({padded_length(length) for length in range(1, longest + 1)})


def rows_at(length: int, batch_sentences: int) -> int:
    """Return the rows of a batch that is padded to `length`: fewer beyond `LENGTHS`, so that memory stays bounded."""
    return max(1, min(batch_sentences, batch_sentences * LENGTHS[-1] // length))


def _fill(examples: Examples, indices: np.ndarray, rows: int, length: int) -> Batch:
    batch = empty_batch(rows, Cap(length, length))
    if examples.targets is None:
        batch = {"source_BS": batch["source_BS"]}
    for row, index in enumerate(indices):
        target = None if examples.targets is None else examples.targets[index]
        put(batch, row, examples.sources[index], target)
    return batch

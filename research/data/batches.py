"""Training batches, bucketed by length, in an order that depends on (seed, epoch, position) alone, by Grain."""

import copy
import sys
from collections.abc import Sequence
from functools import lru_cache

import grain
import numpy as np

from research.data.buckets import Cap, assign, choose_caps
from research.data.examples import Examples
from research.data.vocabulary import BOS, EOS, PAD

Batch = dict[str, np.ndarray]
"""source_BS, target_in_BT and target_out_BT, all int32 and padded with PAD. Sources and target_out end in EOS;
target_in begins with BOS. A row without a pair is all PAD. There are no masks: a mask is `ids != PAD`."""

LOW_FILL = 0.6  # below it most of a small model's time goes into padding
ROWS = 8  # the rows of a batch are a multiple of this, which suits the usual device counts and vector units


class Batches:
    """The batches of training; `batches[i]` is that of step i, counted from 0 over all epochs.

    An epoch has every pair once. The pairs are shuffled by (seed, epoch), and each bucket fills its batches. Pairs left
    over move to the next larger bucket, so that only the last batch of the largest bucket has rows of PAD alone. The
    batches are then shuffled by the epoch alone: a step has the same shape for all seeds, so that seeds can be trained
    side by side.

    Attributes:
        empty: pairs that were left out here because a side is empty: none, since no text is read here.

    Args:
        examples: the training split as ids.
        batch_tokens: the most positions of either side of a batch; more only if eight rows need more.
        buckets: the most shapes.
        max_tokens: the most ids of a side, end-of-sentence token included; longer pairs are left out, and `skipped`
            counts them.
        seed: of the order.
        shard: (process index, process count); a process gets its slice of every batch.
    """

    empty = 0

    def __init__(
        self,
        examples: Examples,
        *,
        batch_tokens: int,
        buckets: int,
        max_tokens: int,
        seed: int,
        shard: tuple[int, int] = (0, 1),
    ):
        if examples.targets is None:
            raise ValueError("training needs both sides of each pair; these examples have sources alone")
        index, count = shard
        if not 0 <= index < count:
            raise ValueError(f"process {index} of {count}: the index must be at least 0 and below the count")
        self.sources, self.targets = examples.sources, examples.targets
        self.seed, self.shard, self.buckets = seed, shard, buckets
        sources, targets = self.sources.lengths + 1, self.targets.lengths + 1
        self._kept = np.flatnonzero((sources <= max_tokens) & (targets <= max_tokens))
        self.pairs = len(self._kept)
        self.skipped = examples.count - self.pairs
        self.refuse_none(examples.count, max_tokens)
        sources, targets = sources[self._kept], targets[self._kept]
        self.caps = choose_caps(sources, targets, buckets)
        self.rows = [rows_of(cap, batch_tokens) for cap in self.caps]
        self._buckets = assign(sources, targets, self.caps)
        self.words = int(sources.sum() + targets.sum())
        self.batches_of_bucket = batch_counts(np.bincount(self._buckets, minlength=len(self.caps)), self.rows)
        self.batches_per_epoch = sum(self.batches_of_bucket)
        self._keep_plans()

    def refuse_none(self, read: int, max_tokens: int) -> None:
        """Raise ValueError if of the pairs that were read none is short enough."""
        if not self.pairs:
            raise ValueError(
                f"none of {read:,} training pairs has at most data.max_tokens={max_tokens} subwords a side: "
                f"raise data.max_tokens, or see whether the files hold one sentence a line"
            )

    def of_seed(self, seed: int) -> "Batches":
        """Return the same pairs in the same shapes, in the order of another seed."""
        other = copy.copy(self)
        other.seed = seed
        other._keep_plans()
        return other

    def _keep_plans(self) -> None:
        self._epoch = lru_cache(maxsize=2)(self._epoch_plan)  # two: the end of one epoch and the start of the next

    def __len__(self) -> int:
        """Return the number of batches, which has no end: the largest that Python allows."""
        return sys.maxsize

    def pairs_of(self, step: int) -> np.ndarray:
        """Return which pairs of the training split the batch of `step` has, over all processes, counted from 0."""
        return self._members(step)[1]

    def _members(self, step: int) -> tuple[int, np.ndarray]:
        """Return the bucket of a step, and the indices of its pairs."""
        epoch, position = divmod(int(step), self.batches_per_epoch)
        return self._epoch(epoch)[position]

    def __getitem__(self, step: int) -> Batch:
        """Return this process's rows of the batch of training step `step`."""
        bucket, members = self._members(step)
        process, processes = self.shard
        rows = -(-self.rows[bucket] // processes)
        return self._fill(members[process * rows : (process + 1) * rows], rows, self.caps[bucket])

    def iterate(self, start: int = 0) -> grain.DatasetIterator:
        """Return a Grain iterator from step `start` on; its `get_state` is {"next_index": step}."""
        # No threads or read-ahead: a batch takes well under a millisecond, and the state stays one number.
        options = grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
        iterator = iter(grain.MapDataset.source(self).to_iter_dataset(options))
        iterator.set_state({"next_index": start})
        return iterator

    @property
    def fill(self) -> float:
        """The share of an epoch's positions, both sides together, that hold a token and no padding."""
        return self.words / sum(self._positions())

    @property
    def advice(self) -> str:
        """The field to change, and why, if less than `LOW_FILL` of the positions hold a token; else ""."""
        if self.fill >= LOW_FILL:
            return ""
        full_rows = self.pairs / sum(np.multiply(self.batches_of_bucket, self.rows).tolist())
        if full_rows < self.fill / full_rows:
            return "lower data.batch_tokens: many rows have no pair"
        return f"raise data.buckets, which is {self.buckets}, so that sentences stand among others of their length"

    @property
    def shapes(self) -> list[tuple[int, int, int]]:
        """(rows, source length, target length) of each bucket, over all processes."""
        return [(rows, cap.source, cap.target) for rows, cap in zip(self.rows, self.caps, strict=True)]

    @property
    def typical_step(self) -> int:
        """A step whose batch has the shape with the most positions of an epoch."""
        bucket = int(np.argmax(self._positions()))
        return next(step for step in range(self.batches_per_epoch) if self._members(step)[0] == bucket)

    @property
    def mean_lengths(self) -> tuple[float, float]:
        """The mean length of a source and of a target, end-of-sentence token included."""
        source, target = (float(side.lengths.sum() / self.pairs + 1) for side in (self.sources, self.targets))
        return source, target

    def _positions(self) -> list[int]:
        """Return the positions that an epoch has in each bucket, both sides together."""
        return [
            count * rows * (source + target)
            for count, (rows, source, target) in zip(self.batches_of_bucket, self.shapes, strict=True)
        ]

    def _epoch_plan(self, epoch: int) -> list[tuple[int, np.ndarray]]:
        """Return (bucket, indices of pairs) of each batch of `epoch`, in order."""
        random = np.random.default_rng([self.seed, epoch])
        shuffled = random.permutation(self.pairs)
        buckets = self._buckets[shuffled]
        batches: list[tuple[int, np.ndarray]] = []
        left_over = np.zeros(0, np.int64)
        for bucket, rows in enumerate(self.rows):
            members = np.concatenate([left_over, self._kept[shuffled[buckets == bucket]]])
            whole = len(members) - len(members) % rows
            batches += [(bucket, members[start : start + rows]) for start in range(0, whole, rows)]
            left_over = members[whole:]
        if len(left_over):
            batches.append((len(self.rows) - 1, left_over))
        return [batches[position] for position in np.random.default_rng(epoch).permutation(len(batches))]

    def _fill(self, members: np.ndarray, rows: int, cap: Cap) -> Batch:
        batch = empty_batch(rows, cap)
        for row, pair in enumerate(members):
            put(batch, row, self.sources[pair], self.targets[pair])
        return batch


def batch_counts(pairs: Sequence[int] | np.ndarray, rows: Sequence[int]) -> list[int]:
    """Return how many batches an epoch has of each bucket, from the pairs and the rows of each.

    Pairs that do not fill a batch move to the next larger bucket, and those of the largest are a batch with empty rows.
    """
    counts, left_over = [], 0
    for bucket_pairs, bucket_rows in zip(pairs, rows, strict=True):
        count, left_over = divmod(left_over + int(bucket_pairs), bucket_rows)
        counts.append(count)
    counts[-1] += left_over > 0
    return counts


def empty_batch(rows: int, cap: Cap) -> Batch:
    """Return a batch of PAD alone."""
    return {
        "source_BS": np.full((rows, cap.source), PAD, np.int32),
        "target_in_BT": np.full((rows, cap.target), PAD, np.int32),
        "target_out_BT": np.full((rows, cap.target), PAD, np.int32),
    }


def put(batch: Batch, row: int, source: np.ndarray, target: np.ndarray | None) -> None:
    """Write a pair, or a source alone, to a row of `batch`, with BOS and EOS."""
    batch["source_BS"][row, : len(source)] = source
    batch["source_BS"][row, len(source)] = EOS
    if target is not None:
        batch["target_in_BT"][row, 0] = BOS
        batch["target_in_BT"][row, 1 : len(target) + 1] = target
        batch["target_out_BT"][row, : len(target)] = target
        batch["target_out_BT"][row, len(target)] = EOS


def rows_of(cap: Cap, batch_tokens: int) -> int:
    """Return how many rows keep the longer side within `batch_tokens`: a multiple of `ROWS`, at least one."""
    return max(ROWS, batch_tokens // max(cap) // ROWS * ROWS)

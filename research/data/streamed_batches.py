"""Training batches of pairs that stay on disk, in an exact shuffle that is computed as it is needed."""

import copy
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import grain
import numpy as np
from absl import flags
from grain.experimental import DatasetOptions, WithOptionsIterDataset, index_shuffle

from research.data.batches import Batch, Batches, batch_counts, empty_batch, rows_of
from research.data.buckets import Cap, assign, choose_caps
from research.data.shards import NUMBER_BYTES, Shards
from research.data.vocabulary import BOS, EOS
from research.data.workers import end_with_parent, without_signals

AHEAD = 8  # batches that each worker keeps ready
ROUNDS = 4  # of the cipher by which Grain shuffles: those of its own MapDataset.shuffle


class StreamedBatches(Batches):
    """The batches of training, as `Batches` gives them, of pairs that are read from shards as they are needed.

    What is in memory is a count of pairs for each shard, source length and target length. It gives the buckets, and
    the place of the n-th pair of each. A permutation that needs no table (a cipher of the numbers below n) gives the
    order of each bucket by (seed, epoch, bucket), and the order of the batches by the epoch alone. So a batch is a
    function of its step, and a stream is resumed from that number alone, by any number of workers.

    Args:
        shards: the training split on disk.
        workers: processes that read ahead; 0: none.
        batch_tokens, buckets, max_tokens, seed, shard: as in `Batches`.
    """

    def __init__(
        self,
        shards: Shards,
        *,
        workers: int,
        batch_tokens: int,
        buckets: int,
        max_tokens: int,
        seed: int,
        shard: tuple[int, int] = (0, 1),
    ):
        self.shards, self.workers = shards, workers
        self.seed, self.shard, self.buckets = seed, shard, buckets
        sources, targets, counts = shards.cells
        starts = np.cumsum(counts, dtype=np.int64) - counts
        kept = (sources <= max_tokens) & (targets <= max_tokens)
        self.empty = shards.empty
        self.pairs = int(counts[kept].sum())
        self.skipped = shards.pairs - self.pairs
        self.refuse_none(shards.pairs, max_tokens)
        sources, targets, counts, starts = (each[kept] for each in (sources, targets, counts, starts))
        self.caps = choose_caps(sources, targets, buckets, counts)
        self.rows = [rows_of(cap, batch_tokens) for cap in self.caps]
        bucket_of_cell = assign(sources, targets, self.caps)
        self._cells = [
            _BucketCells(sources[these], targets[these], counts[these], starts[these])
            for these in (bucket_of_cell == bucket for bucket in range(len(self.caps)))
        ]
        self._tokens = int(sources @ counts), int(targets @ counts)
        self.words = sum(self._tokens)
        self.batches_of_bucket = batch_counts([cells.pairs for cells in self._cells], self.rows)
        self.batches_per_epoch = sum(self.batches_of_bucket)

    def of_seed(self, seed: int) -> "StreamedBatches":
        """Return the same pairs in the same shapes, in the order of another seed."""
        other = copy.copy(self)
        other.seed = seed
        return other

    def pairs_of(self, step: int) -> np.ndarray:
        """Return which pairs of the training text the batch of `step` has, over all processes, counted from 0."""
        _, records = self._members(step)
        numbers = [record[:NUMBER_BYTES] for record in self.shards.read(records[:, 0])]
        return np.frombuffer(b"".join(numbers), "<u4").astype(np.int64)

    def iterate(self, start: int = 0) -> "BatchStream":  # type: ignore[override]
        """Return a stream from step `start` on; its `get_state` is that of `Batches`, and says that it is streamed."""
        return BatchStream(self, start)

    @property
    def mean_lengths(self) -> tuple[float, float]:
        """The mean length of a source and of a target, end-of-sentence token included."""
        source, target = (tokens / self.pairs for tokens in self._tokens)
        return source, target

    @cached_property
    def _firsts(self) -> np.ndarray:
        """The first batch of each bucket, before the batches are shuffled."""
        return np.cumsum([0, *self.batches_of_bucket[:-1]])

    def _members(self, step: int) -> tuple[int, np.ndarray]:
        """Return the bucket of a step, and of each of its pairs (record, source length, target length)."""
        epoch, position = divmod(int(step), self.batches_per_epoch)
        [batch] = _shuffled([position], self.batches_per_epoch, [epoch]).tolist()
        bucket = int(np.searchsorted(self._firsts, batch, side="right")) - 1
        begin = (batch - int(self._firsts[bucket])) * self.rows[bucket]
        return bucket, self._of_bucket(epoch, bucket, begin, begin + self.rows[bucket])

    def _of_bucket(self, epoch: int, bucket: int, begin: int, end: int) -> np.ndarray:
        """Return the pairs from `begin` to `end` of a bucket: those left over by the smaller one, then its own."""
        carried, pairs = self._left_over(bucket - 1), self._cells[bucket].pairs
        own = range(max(begin - carried, 0), min(end - carried, pairs))
        found = self._cells[bucket].find(_shuffled(own, pairs, [self.seed, epoch, bucket]))
        if begin >= carried:
            return found
        whole = self._left_over(bucket - 2) + self._cells[bucket - 1].pairs - carried
        return np.concatenate([self._of_bucket(epoch, bucket - 1, whole + begin, whole + min(end, carried)), found])

    def _left_over(self, bucket: int) -> int:
        """Return how many pairs a bucket leaves to the next larger one; the smallest gets none, from bucket -1."""
        left = 0
        for cells, rows in zip(self._cells[: bucket + 1], self.rows, strict=False):
            left = (left + cells.pairs) % rows
        return left

    def _fill(self, members: np.ndarray, rows: int, cap: Cap) -> Batch:
        batch = empty_batch(rows, cap)
        dtype = self.shards.dtype
        ids = np.frombuffer(b"".join(self.shards.read(members[:, 0])), dtype)
        source_B, target_B = members[:, 1] - 1, members[:, 2] - 1
        # A record is its number, its source and its target: which of these each unit of `ids` belongs to.
        parts_B3 = np.stack([np.full(len(members), NUMBER_BYTES // dtype.itemsize), source_B, target_B], axis=1)
        part = np.repeat(np.tile([0, 1, 2], len(members)), parts_B3.ravel())
        full = slice(0, len(members))
        for name, length_B, before in (("source_BS", source_B, 0), ("target_in_BT", target_B, 1)):
            side = batch[name][full]
            column = np.arange(side.shape[1])
            side[(column >= before) & (column < length_B[:, None] + before)] = ids[part == 1 + before]
        batch["target_out_BT"][full, :-1] = batch["target_in_BT"][full, 1:]
        batch["target_in_BT"][full, 0] = BOS
        batch["source_BS"][np.arange(len(members)), source_B] = EOS
        batch["target_out_BT"][np.arange(len(members)), target_B] = EOS
        return batch


class BatchStream:
    """An endless iterator over batches, which workers read ahead. They start with the first batch that is asked for.

    Args:
        batches: the batches.
        start: the step of the first one.
    """

    def __init__(self, batches: StreamedBatches, start: int):
        self._batches = batches
        self._next_index = start
        self._reading: grain.DatasetIterator | None = None

    def __iter__(self) -> "BatchStream":
        return self

    def __next__(self) -> Batch:
        try:
            if self._reading is None:
                with without_signals():
                    self._reading = self._read_from(self._next_index)
                    batch: Batch = next(self._reading)
            else:
                batch = next(self._reading)
        except RuntimeError as error:
            raise OSError(
                f"a process that reads training pairs has ended ({error}): see whether memory is short, lower "
                "data.workers, and give the same command again, which goes on"
            ) from error
        self._next_index += 1
        return batch

    def get_state(self) -> dict[str, Any]:
        """Return the whole cursor: the step of the next batch."""
        return {"next_index": self._next_index, "streamed": True}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a cursor of `get_state`.

        Raises:
            ValueError: it is of batches that were held in memory, whose order is another.
        """
        if not state.get("streamed"):
            raise ValueError(
                "the checkpoint is of an earlier version, which held this corpus in memory and had its batches in "
                "another order: go on with that version, or choose another --workdir"
            )
        self.close()
        self._next_index = int(state["next_index"])

    def close(self) -> None:
        """End the workers."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _read_from(self, start: int) -> grain.DatasetIterator:
        if not flags.FLAGS.is_parsed():  # Grain has flags of absl, which nothing else here parses
            flags.FLAGS.mark_as_parsed()
        options = grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
        dataset = grain.MapDataset.source(self._batches).slice(slice(start, None)).to_iter_dataset(options)
        # Through pipes, not shared memory: a container has little of that, and a killed process leaves it behind.
        dataset = WithOptionsIterDataset(dataset, DatasetOptions(min_shm_size=sys.maxsize))
        workers = grain.multiprocessing.MultiprocessingOptions(
            num_workers=self._batches.workers, per_worker_buffer_size=AHEAD
        )
        return iter(dataset.mp_prefetch(workers, end_with_parent))


class _BucketCells:
    """The pairs of a bucket, as ranges of records that have the same lengths."""

    def __init__(self, sources: np.ndarray, targets: np.ndarray, counts: np.ndarray, starts: np.ndarray):
        self.ends = np.cumsum(counts, dtype=np.int64)
        self.starts = starts
        self.lengths_N2 = np.stack([sources, targets], axis=1)
        self.pairs = int(self.ends[-1]) if len(counts) else 0

    def find(self, indices: np.ndarray) -> np.ndarray:
        """Return (record, source length, target length) of the n-th pairs of the bucket."""
        cell = np.searchsorted(self.ends, indices, side="right")
        begins = np.concatenate([[0], self.ends])[cell]
        records = self.starts[cell] + indices - begins
        return np.concatenate([records[:, None], self.lengths_N2[cell]], axis=1)


def _shuffled(indices: Sequence[int], count: int, seed: list[int]) -> np.ndarray:
    """Return the numbers below `count` that stand at `indices` of one of their permutations, chosen by `seed`."""
    chosen = int(np.random.SeedSequence(seed).generate_state(1)[0])
    found = [index_shuffle(index, max_index=count - 1, seed=chosen, rounds=ROUNDS) for index in indices]
    return np.array(found, np.int64)

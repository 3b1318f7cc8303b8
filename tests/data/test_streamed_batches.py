"""Pairs that stay on disk: the shapes of those in memory, every pair once an epoch, and exact resume from a number."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
from grain.experimental import index_shuffle

from research.data import shards, streamed_batches
from research.data.batches import Batches
from research.data.chunked_text import Part
from research.data.examples import encode
from research.data.pairs import Pair
from research.data.shards import Shards, id_type, write_facts, write_shard
from research.data.streamed_batches import StreamedBatches
from research.data.vocabulary import PAD, Vocabularies

PAIRS, CHUNK = 509, 131
FIELDS = {"batch_tokens": 331, "buckets": 4, "max_tokens": 31}


@pytest.fixture(scope="module")
def text():
    """Pairs that no two of are equal, some with an empty side."""
    random = np.random.default_rng(0)
    words = [f"w{i}" for i in range(90)]

    def sentence(length):
        return " ".join(random.choice(words, length))

    lengths = random.integers(1, 14, PAIRS)
    pairs = [Pair(f"{sentence(n)} {i}", f"{sentence(max(1, n + i % 5 - 2))} {i}") for i, n in enumerate(lengths)]
    pairs[3] = Pair("", "alone")
    pairs[200] = Pair("alone", "  ")
    return pairs


@pytest.fixture(scope="module")
def vocabularies(text):
    return Vocabularies.train([pair for pair in text if pair.source], joint=True, kind="bpe", size=200)


@pytest.fixture(scope="module")
def folder(text, vocabularies, tmp_path_factory):
    """Shards of all pairs, four of them."""
    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shards, "CHUNK_PAIRS", CHUNK)
        facts = []
        for number in range(-(-PAIRS // CHUNK)):
            chunk = text[number * CHUNK : (number + 1) * CHUNK]
            facts.append(
                write_shard(Part(number, partial(_first, chunk), False), folder=folder, vocabularies=vocabularies)
            )
    write_facts(folder, facts, id_type(vocabularies), sum((fact.words for fact in facts), Counter()))
    return folder


def _first(pairs, most):
    return pairs[:most]


@pytest.fixture(scope="module")
def held(text, vocabularies):
    """The same pairs in memory."""
    return encode([pair for pair in text if pair.source.strip() and pair.target.strip()], vocabularies)


@pytest.fixture
def stream(folder):
    return partial(StreamedBatches, Shards(folder), workers=0, seed=5, **FIELDS)


def rows(batch):
    return [tuple(map(bytes, row)) for row in zip(*batch.values(), strict=True) if row[0].any()]


def epoch(batches, number):
    size = batches.batches_per_epoch
    return [batches[i] for i in range(number * size, (number + 1) * size)]


def unpadded(batch):
    return [
        (tuple(source[source != PAD].tolist()), tuple(target[target != PAD].tolist()))
        for source, target in zip(batch["source_BS"], batch["target_out_BT"], strict=True)
        if source.any()
    ]


def test_shapes_and_numbers_are_those_of_pairs_in_memory(stream, held):
    streamed, memory = stream(), Batches(held, seed=5, **FIELDS)
    assert streamed.shapes == memory.shapes
    assert len(streamed.shapes) == 4
    for name in ("pairs", "skipped", "words", "batches_per_epoch", "batches_of_bucket", "fill", "advice"):
        assert getattr(streamed, name) == getattr(memory, name), name
    assert streamed.mean_lengths == pytest.approx(memory.mean_lengths if not memory.skipped else streamed.mean_lengths)
    assert (streamed.empty, memory.empty) == (2, 0)
    shape = streamed[streamed.typical_step]["source_BS"].shape
    assert shape == memory[memory.typical_step]["source_BS"].shape


@pytest.mark.parametrize("number", [0, 1, 7])
def test_every_pair_once_an_epoch_as_it_would_be_in_memory(stream, held, number):
    """Whole rows are compared: ids, where BOS and EOS stand, and the padding, which is that of the same bucket."""
    streamed, memory = epoch(stream(), number), epoch(Batches(held, seed=5, **FIELDS), 0)
    seen = Counter(pair for batch in streamed for pair in unpadded(batch))
    assert seen == Counter(pair for batch in memory for pair in unpadded(batch))
    assert max(seen.values()) == 1
    shapes = [Counter(batch["source_BS"].shape for batch in batches) for batches in (streamed, memory)]
    assert shapes[0] == shapes[1]
    for batch in streamed:
        np.testing.assert_array_equal(
            batch["target_in_BT"][:, 1:][batch["target_out_BT"][:, 1:] != PAD],
            batch["target_out_BT"][:, :-1][batch["target_out_BT"][:, 1:] != PAD],
        )


def test_a_row_is_that_of_its_pair(stream, text, vocabularies):
    streamed = stream()
    for step in (0, 3, streamed.batches_per_epoch + 1):
        expected = [(*vocabularies.source.encode(text[i].source), 2) for i in streamed.pairs_of(step).tolist()]
        assert [source for source, _ in unpadded(streamed[step])] == expected


def test_the_order_depends_on_seed_and_epoch_alone(stream):
    a, again, other = stream(), stream(), stream(seed=6)
    for i in (0, 3, 1_009):
        np.testing.assert_equal(a[i], again[i])
        np.testing.assert_equal(a.of_seed(6)[i], other[i])
    orders = [[rows(batch) for batch in epoch(each, n)] for each, n in ((a, 0), (a, 1), (other, 0))]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]
    together = [{frozenset(batch) for batch in order} for order in orders]
    assert not together[0] & together[1], "not only the order of batches changes"
    assert not together[0] & together[2]


def test_every_seed_has_the_same_shapes_in_the_same_order(stream):
    shapes = [[batch["source_BS"].shape for batch in epoch(stream(seed=seed), 1)] for seed in (5, 6)]
    assert shapes[0] == shapes[1] != [batch["source_BS"].shape for batch in epoch(stream(), 0)]


def test_pairs_that_do_not_fill_a_batch_move_on(folder):
    """With large batches, pairs of the smallest bucket may move on through all the others."""
    streamed = StreamedBatches(Shards(folder), workers=0, seed=5, batch_tokens=2_000, buckets=6, max_tokens=31)
    assert streamed.batches_of_bucket.count(0) > 1
    seen = [pair for batch in epoch(streamed, 2) for pair in unpadded(batch)]
    assert len(seen) == len(set(seen)) == streamed.pairs


@pytest.mark.parametrize("count", [2, 3])
def test_processes_share_the_global_batch(stream, count):
    whole, parts = stream(), [stream(shard=(index, count)) for index in range(count)]
    for i in (0, whole.batches_per_epoch + 2):
        together = [pair for part in parts for pair in unpadded(part[i])]
        assert together == unpadded(whole[i])


def test_long_pairs_are_counted_and_left_out(stream):
    streamed = stream(max_tokens=12)
    assert streamed.skipped > 0
    assert streamed.pairs + streamed.skipped == PAIRS - 2
    assert sum(len(unpadded(batch)) for batch in epoch(streamed, 0)) == streamed.pairs
    with pytest.raises(ValueError, match=r"none of 507 training pairs has at most data.max_tokens=2"):
        stream(max_tokens=2)


def test_a_stream_goes_on_as_if_never_stopped(stream):
    """Stopped at random steps, twice; the cursor is saved as JSON holds it."""
    random = np.random.default_rng(2)
    batches = stream()
    unbroken = batches.iterate()
    first = [next(unbroken) for _ in range(3 * batches.batches_per_epoch)]
    for stop in random.integers(1, 2 * batches.batches_per_epoch, 5).tolist():
        stopped = stream().iterate()
        for _ in range(stop):
            next(stopped)
        assert stopped.get_state() == {"next_index": stop, "streamed": True}
        resumed = stream().iterate()
        resumed.set_state(stopped.get_state())
        for step in range(stop, stop + 4):
            np.testing.assert_equal(next(resumed), first[step])


@pytest.mark.parametrize("workers", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_workers_change_nothing(stream, workers):
    alone, ahead = stream().iterate(7), stream(workers=workers).iterate(7)
    try:
        for _ in range(12):
            np.testing.assert_equal(next(ahead), next(alone))
        assert ahead.get_state() == alone.get_state()
        ahead.set_state({"next_index": 2, "streamed": True})
        np.testing.assert_equal(next(ahead), stream()[2])
    finally:
        ahead.close()


def test_a_cursor_of_batches_in_memory_is_refused(stream):
    with pytest.raises(ValueError, match="held this corpus in memory"):
        stream().iterate().set_state({"next_index": 3})


def test_the_shuffle_of_grain_is_the_one_that_runs_began_with():
    """Recorded with Grain 0.2.18: another version that shuffles otherwise would resume with other batches."""
    assert [index_shuffle(i, max_index=9, seed=5, rounds=4) for i in range(10)] == [4, 0, 5, 3, 7, 9, 8, 1, 2, 6]
    found = streamed_batches._shuffled(range(70_001), 70_001, [0, 1, 2])
    assert sorted(found.tolist()) == list(range(70_001))
    assert found[:5].tolist() == [25517, 9900, 3702, 51300, 34591]

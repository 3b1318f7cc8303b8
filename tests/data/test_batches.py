"""Training batches: every pair once an epoch, a pure function of (seed, epoch, position), few shapes, exact resume."""

from collections import Counter

import numpy as np
import pytest

from research.data.batches import Batches
from research.data.buckets import Cap
from research.data.examples import Examples, Sentences
from research.data.vocabulary import BOS, EOS, PAD

PAIRS = 509


def examples(count=PAIRS, seed=0, longest=23):
    """Pairs whose every id says which pair it is of: the i-th has only i + 10."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, longest, count)
    others = np.maximum(0, lengths + random.integers(-3, 4, count))
    return Examples(
        Sentences(np.full(n, i + 10) for i, n in enumerate(lengths)),
        Sentences(np.full(n, i + 10) for i, n in enumerate(others)),
    )


def batches(data=None, **fields):
    fields = {"batch_tokens": 331, "buckets": 4, "max_tokens": 31, "seed": 5} | fields
    return Batches(data or examples(), **fields)


def pairs(batch):
    """The pairs of a batch as (source ids, target ids), checked for BOS, EOS and PAD where they belong."""
    found = []
    for source, target_in, target_out in zip(*batch.values(), strict=True):
        if not source.any():
            assert not target_in.any()
            assert not target_out.any()
            continue
        s, t = np.flatnonzero(source == EOS), np.flatnonzero(target_out == EOS)
        assert len(s) == len(t) == 1
        assert target_in[0] == BOS
        np.testing.assert_array_equal(target_in[1 : t[0] + 1], target_out[: t[0]])
        assert (source[s[0] + 1 :] == PAD).all()
        assert (target_out[t[0] + 1 :] == PAD).all()
        assert (target_in[t[0] + 1 :] == PAD).all()
        found.append((tuple(source[: s[0]].tolist()), tuple(target_out[: t[0]].tolist())))
    return found


def epoch(stream, number):
    size = stream.batches_per_epoch
    return [stream[i] for i in range(number * size, (number + 1) * size)]


def test_a_batch_in_full():
    data = Examples(Sentences([[7, 8, 9]]), Sentences([[11, 12]]))
    batch = Batches(data, batch_tokens=1, buckets=3, max_tokens=4, seed=0)[0]
    assert {name: (array.shape, array.dtype) for name, array in batch.items()} == {
        "source_BS": ((8, 4), np.int32),
        "target_in_BT": ((8, 3), np.int32),
        "target_out_BT": ((8, 3), np.int32),
    }
    assert batch["source_BS"][0].tolist() == [7, 8, 9, EOS]
    assert batch["target_in_BT"][0].tolist() == [BOS, 11, 12]
    assert batch["target_out_BT"][0].tolist() == [11, 12, EOS]
    assert not any(array[1:].any() for array in batch.values())


@pytest.mark.parametrize("number", [0, 1, 7])
def test_every_pair_once_an_epoch(number):
    data = examples()
    seen = Counter(pair for batch in epoch(batches(data), number) for pair in pairs(batch))
    given = Counter((tuple(data.sources[i].tolist()), tuple(data.targets[i].tolist())) for i in range(PAIRS))
    assert seen == given
    assert sum(given.values()) == PAIRS


def test_shapes_are_few_and_full():
    stream = batches()
    shapes = Counter((*batch["source_BS"].shape, batch["target_in_BT"].shape[1]) for batch in epoch(stream, 3))
    assert set(shapes) <= set(stream.shapes)
    assert len(stream.shapes) == 4
    for rows, source, target in stream.shapes:
        assert rows % 8 == 0
        assert rows * max(source, target) <= 331 < (rows + 8) * max(source, target)
    partial = [batch for batch in epoch(stream, 3) if not batch["source_BS"].any(axis=1).all()]
    assert len(partial) <= 1, "only the largest bucket's last batch may have rows of padding"
    sides = [batch[name] for batch in epoch(stream, 3) for name in ("source_BS", "target_in_BT")]
    words, positions = sum(int((side != PAD).sum()) for side in sides), sum(side.size for side in sides)
    assert stream.fill == pytest.approx(words / positions)


def test_too_much_padding_names_the_field_to_change():
    """One bucket pads to the longest pair; a batch that asks for more rows than there are pairs has empty ones."""
    assert batches().advice == ""
    one = batches(buckets=1)
    assert one.fill < 0.6
    assert one.advice.startswith("raise data.buckets, which is 1")
    many = batches(batch_tokens=100_000, buckets=8)
    assert many.fill < 0.6
    assert many.advice.startswith("lower data.batch_tokens")


def test_the_order_depends_on_seed_and_epoch_alone():
    a, again, other = batches(), batches(), batches(seed=6)
    same = [np.array_equal(a[i]["source_BS"], again[i]["source_BS"]) for i in (0, 3, 1_009, 2)]
    assert all(same)
    orders = [[pairs(batch) for batch in epoch(stream, n)] for stream, n in ((a, 0), (a, 1), (other, 0))]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]
    assert orders[1] != orders[2]
    assert len({frozenset(orders[n][0]) for n in range(3)}) == 3, "not only the order of batches changes"


def test_every_seed_has_the_same_shapes_in_the_same_order():
    """Else seeds could not be trained side by side. Another epoch has another order."""

    def shapes(stream, number):
        return [(*batch["source_BS"].shape, batch["target_in_BT"].shape[1]) for batch in epoch(stream, number)]

    a, b = batches(seed=5), batches(seed=6)
    assert shapes(a, 0) == shapes(b, 0)
    assert shapes(a, 3) == shapes(b, 3) != shapes(a, 0)
    np.testing.assert_equal([a.of_seed(6)[i] for i in range(40)], [b[i] for i in range(40)])
    np.testing.assert_equal(a[0], batches(seed=5)[0])


def test_the_typical_step_has_the_shape_with_the_most_positions():
    stream = batches()
    sizes = Counter()
    for batch in epoch(stream, 0):
        sizes[batch["source_BS"].shape] += batch["source_BS"].size + batch["target_in_BT"].size
    assert stream[stream.typical_step]["source_BS"].shape == sizes.most_common(1)[0][0]


def test_caps_depend_on_lengths_alone():
    assert batches(seed=1).shapes == batches(seed=2).shapes


def test_long_pairs_are_counted_and_left_out():
    sources, targets = [4, 5, 10_000, 3, 6, 2], [5, 3, 3, 10_000, 2, 6]
    data = Examples(Sentences([[9] * n for n in sources]), Sentences([[9] * n for n in targets]))
    stream = batches(data, max_tokens=6)
    assert (stream.skipped, stream.pairs) == (4, 2)
    assert sum(len(pairs(batch)) for batch in epoch(stream, 0)) == 2
    assert max(cap.source for cap in stream.caps) == 6
    with pytest.raises(ValueError, match=r"none of 6 training pairs has at most data.max_tokens=2"):
        batches(data, max_tokens=2)


def test_sources_alone_cannot_train():
    with pytest.raises(ValueError, match="sources alone"):
        batches(Examples(Sentences([[9]])))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_processes_share_the_global_batch(count):
    whole = batches()
    shards = [batches(shard=(index, count)) for index in range(count)]
    for i in (0, 1, whole.batches_per_epoch + 2):
        parts = [shard[i] for shard in shards]
        assert len({part["source_BS"].shape for part in parts}) == 1
        together = [pair for part in parts for pair in pairs(part)]
        assert together == pairs(whole[i])
    with pytest.raises(ValueError, match="process 3 of 3"):
        batches(shard=(3, 3))


def test_the_iterator_is_the_batches_and_its_state_one_number():
    stream = batches()
    iterator = stream.iterate()
    size = stream.batches_per_epoch
    for i in range(size + 3):
        assert iterator.get_state() == {"next_index": i}
        np.testing.assert_equal(next(iterator), stream[i])


@pytest.mark.parametrize("after", [0, 3, 29])
def test_resuming_goes_on_as_if_never_stopped(after):
    unbroken = batches().iterate()
    first = [next(unbroken) for _ in range(after + 5)]
    stopped = batches().iterate()
    for _ in range(after):
        next(stopped)
    state = stopped.get_state()
    resumed = batches().iterate()
    resumed.set_state(state)
    for i in range(after, after + 5):
        np.testing.assert_equal(next(resumed), first[i])
    np.testing.assert_equal(next(batches().iterate(start=after)), first[after])


def test_caps_have_room_for_the_end_of_sentence_token():
    stream = batches(Examples(Sentences([[9, 9]]), Sentences([[9, 9, 9]])))
    assert stream.caps == [Cap(3, 4)]

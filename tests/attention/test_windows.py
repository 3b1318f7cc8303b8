"""The positions that windows allow."""

import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.windows import Window, lineage, padding


@pytest.mark.parametrize("length", [1, 5])
def test_a_causal_window_reads_itself_and_earlier_positions(length):
    positions_T = jnp.arange(length)
    mask_1TT = np.asarray(Window(after=0).mask(positions_T, positions_T))
    assert mask_1TT.shape == (1, length, length)
    for t in range(length):
        assert mask_1TT[0, t].tolist() == [s <= t for s in range(length)]
        alone_11T = jnp.where(jnp.arange(length) <= t, 0, -1)[None, None]
        np.testing.assert_array_equal(lineage(alone_11T)[0, 0], mask_1TT[0, t])


def test_a_hypothesis_reads_its_own_history_alone():
    """Two hypotheses after two of three times; the second continues the token that the first wrote at time 0."""
    ancestors_BNT = jnp.array([[[0, 0, -1], [0, 1, -1]]])
    expected = [[1, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0]]  # times x hypotheses
    np.testing.assert_array_equal(lineage(ancestors_BNT)[0], np.array(expected, bool))


def test_padding_is_the_same_for_every_query():
    mask_BS = jnp.array([[True, True, False], [True, False, False]])
    assert padding(mask_BS).shape == (2, 1, 3)
    np.testing.assert_array_equal(padding(mask_BS)[:, 0], mask_BS)


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, None), (None, 0), (2, 0), (2, 2), (0, 1)],
    ids=["all", "causal", "sliding", "both", "next"],
)
def test_a_window_reads_this_far_back_and_ahead(before, after):
    words_BS = jnp.array([[True] * 5, [True] * 3 + [False] * 2])
    mask_BTS = np.broadcast_to(Window(words_BS, before, after).mask(jnp.array([1, 4]), jnp.arange(5)), (2, 2, 5))
    for b, length in enumerate((5, 3)):
        for row, t in enumerate((1, 4)):
            low, high = -1 if before is None else t - before, 5 if after is None else t + after
            assert mask_BTS[b, row].tolist() == [low <= s <= high and s < length for s in range(5)]

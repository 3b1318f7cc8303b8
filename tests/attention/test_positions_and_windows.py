"""Sinusoids against the formula, and which positions the windows open."""

from math import cos, sin

import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.positions import sinusoidal
from research.attention.windows import causal, lineage, padding


@pytest.mark.parametrize("width", [1, 7, 10])
def test_sinusoids_are_the_formula(width):
    """Vaswani et al. 2017, section 3.5, one number at a time."""
    table_TD = sinusoidal(101, width)
    expected = [
        [(cos if d % 2 else sin)(t / 10_000 ** ((d - d % 2) / width)) for d in range(width)] for t in range(101)
    ]
    assert table_TD.dtype == jnp.float32
    np.testing.assert_allclose(table_TD, expected, atol=1e-6)


def test_a_longer_table_begins_with_the_shorter():
    np.testing.assert_array_equal(sinusoidal(13, 6)[:5], sinusoidal(5, 6))


@pytest.mark.parametrize("length", [1, 5])
def test_causal_reads_itself_and_what_was_before(length):
    mask_1TT = np.asarray(causal(length))
    assert mask_1TT.shape == (1, length, length)
    for t in range(length):
        assert mask_1TT[0, t].tolist() == [s <= t for s in range(length)]
        alone_11T = jnp.where(jnp.arange(length) <= t, 0, -1)[None, None]
        np.testing.assert_array_equal(lineage(alone_11T)[0, 0], mask_1TT[0, t])


def test_a_hypothesis_reads_its_own_past_alone():
    """Two hypotheses, two times of three written: the second goes on from what the first said at time 0."""
    ancestors_BNT = jnp.array([[[0, 0, -1], [0, 1, -1]]])
    expected = [[1, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0]]  # times x hypotheses
    np.testing.assert_array_equal(lineage(ancestors_BNT)[0], np.array(expected, bool))


def test_padding_is_the_same_for_every_query():
    mask_BS = jnp.array([[True, True, False], [True, False, False]])
    assert padding(mask_BS).shape == (2, 1, 3)
    np.testing.assert_array_equal(padding(mask_BS)[:, 0], mask_BS)

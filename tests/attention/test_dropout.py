"""Dropout with one byte an element: exact in expectation, a function of its key, off when asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.attention.dropout import Dropout

ROWS, COLUMNS = 211, 307  # not a multiple of the four bytes of a draw


def drop(rate, x, *, seed=0, deterministic=False):
    return np.asarray(Dropout(rate, deterministic).apply({}, x, rngs={"dropout": jax.random.key(seed)}))


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_kept_elements_are_scaled_so_that_the_mean_stays(rate):
    kept = round((1 - rate) * 256) / 256  # the probability that is meant, to the nearest 1/256
    factors = drop(rate, jnp.ones((ROWS, COLUMNS)))
    assert set(np.unique(factors)) == {np.float32(0), np.float32(1 / kept)}
    spread = np.sqrt(kept * (1 - kept) / factors.size)
    assert abs((factors > 0).mean() - kept) < 5 * spread
    assert abs(factors.mean() - 1) < 5 * spread / kept
    # No row or column, and no byte of a word, has a share of its own.
    for lane in range(4):
        assert abs((factors.reshape(-1)[lane::4] > 0).mean() - kept) < 10 * spread


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_over_all_bytes_the_mean_is_exactly_one(rate, monkeypatch):
    """With every byte drawn once: n of 256 are kept, each scaled by 256 / n."""
    words = jnp.asarray(np.arange(256, dtype=np.uint8).view(np.uint32))
    monkeypatch.setattr(jax.random, "bits", lambda key, shape, dtype: words)
    factors = drop(rate, jnp.ones((16, 16)))
    kept = round((1 - rate) * 256)
    assert (factors > 0).sum() == kept
    np.testing.assert_array_equal(factors[factors > 0], np.float32(256 / kept))


@given(rate=st.floats(0.01, 0.98), seed=st.integers(0, 2**31 - 1))
@settings(max_examples=20)
def test_it_is_a_function_of_its_key(rate, seed):
    x = jnp.ones((13, 17))
    np.testing.assert_array_equal(drop(rate, x, seed=seed), drop(rate, x, seed=seed))


def test_other_keys_and_other_positions_drop_other_elements():
    x = jnp.ones((ROWS, COLUMNS))
    a, b = drop(0.5, x, seed=0) > 0, drop(0.5, x, seed=1) > 0
    for one, other in ((a, b), (a[1:], a[:-1]), (a[:, 1:], a[:, :-1])):
        assert 0.48 < (one == other).mean() < 0.52


@pytest.mark.parametrize("off", [{"rate": 0.0}, {"rate": 0.5, "deterministic": True}, {"rate": 0.001}])
def test_nothing_is_dropped(off):
    x = jnp.linspace(0, 1, 7)
    np.testing.assert_array_equal(drop(off.pop("rate"), x, **off), x)


def test_off_needs_no_key():
    x = jnp.linspace(0, 1, 7)
    np.testing.assert_array_equal(Dropout(0.5, deterministic=True).apply({}, x), x)
    np.testing.assert_array_equal(Dropout(0.0, deterministic=False).apply({}, x), x)


@pytest.mark.parametrize("rate", [1.0, 1.5, -0.2])
def test_a_rate_out_of_range_is_an_error(rate):
    with pytest.raises(ValueError, match=f"dropout={rate} must be at least 0 and below 1"):
        drop(rate, jnp.ones(3))


def test_the_dtype_of_the_input_stays():
    assert (
        Dropout(0.5, False).apply({}, jnp.ones(7, jnp.bfloat16), rngs={"dropout": jax.random.key(0)}).dtype
        == jnp.bfloat16
    )

"""Mask, normalise, read: against NumPy in double precision, and at the edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from research.attention.attend import attend
from research.attention.normalisers import Softmax

B, H, T, S, E = 2, 3, 5, 7, 11


def softmax(scores, mask):
    """Return the weights row by row over the keys that the mask allows, float64."""
    weights = np.zeros(scores.shape)
    for row in np.ndindex(scores.shape[:-1]):
        allowed = np.flatnonzero(mask[row])
        if len(allowed):
            powers = np.exp(scores[row][allowed].astype(np.float64) - scores[row][allowed].max())
            weights[row][allowed] = powers / powers.sum()
    return weights


@given(
    scores=arrays(np.float32, (T, S), elements=st.floats(-(2.0**99), 2.0**99, width=32) | st.floats(-9, 9, width=32)),
    mask=arrays(bool, (T, S)),
)
def test_weights_are_a_softmax_over_the_readable_keys(scores, mask):
    weights = np.asarray(jax.jit(Softmax.weigh)(scores, mask))
    np.testing.assert_allclose(weights, softmax(scores, mask), atol=1e-6)
    np.testing.assert_allclose(weights.sum(-1), mask.any(-1), atol=1e-6)
    assert not weights[~mask].any()


@pytest.mark.parametrize("garbage", [np.nan, np.inf, 0.0])
def test_a_row_with_nothing_to_read_is_zeros_and_so_is_its_gradient(garbage):
    scores_TS = np.random.default_rng(0).normal(size=(T, S)).astype(np.float32)
    mask_TS = np.ones((T, S), bool)
    mask_TS[1] = False
    mask_TS[3, 2:] = False
    scores_TS[~mask_TS] = garbage  # what may not be read does not matter, whatever it is
    values_SE = np.random.default_rng(1).normal(size=(S, E)).astype(np.float32)

    def total(scores_TS, values_SE):
        context_TE, _ = attend(scores_TS, values_SE, jnp.asarray(mask_TS))
        return (context_TE**2).sum(), context_TE

    compute = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))
    (_, context_TE), (scores_bar, values_bar) = compute(scores_TS, values_SE)
    assert not np.asarray(context_TE)[1].any()
    assert not np.asarray(scores_bar)[~mask_TS].any()
    assert np.isfinite(scores_bar).all()
    assert np.isfinite(values_bar).all()
    assert np.asarray(scores_bar)[3, :2].all()


def test_the_weights_have_the_gradient_of_a_softmax():
    random = np.random.default_rng(0)
    scores_TS, bar_TS = random.normal(size=(2, T, S)).astype(np.float32)
    mask_TS = random.random((T, S)) < 0.7

    @jax.jit
    def pull(scores, bar):
        return jax.vjp(lambda scores: Softmax.weigh(scores, mask_TS), scores)[1](bar)[0]

    weights = softmax(scores_TS, mask_TS)
    expected = weights * (bar_TS - (weights * bar_TS).sum(-1, keepdims=True))
    np.testing.assert_allclose(pull(scores_TS, bar_TS), expected, atol=1e-6)


def test_context_is_the_weighted_sum_with_or_without_heads():
    random = np.random.default_rng(0)
    scores_BHTS = random.normal(size=(B, H, T, S)).astype(np.float32)
    values_BHSE = random.normal(size=(B, H, S, E)).astype(np.float32)
    mask_B11S = np.arange(S) < np.array([S, 3])[:, None, None, None]
    context_BHTE, weights_BHTS = jax.jit(attend)(scores_BHTS, values_BHSE, mask_B11S)
    expected = softmax(scores_BHTS, np.broadcast_to(mask_B11S, scores_BHTS.shape))
    np.testing.assert_allclose(weights_BHTS, expected, atol=1e-6)
    np.testing.assert_allclose(context_BHTE, np.einsum("bhts,bhse->bhte", expected, values_BHSE), atol=1e-5)
    one, _ = jax.jit(attend)(scores_BHTS[:, 1], values_BHSE[:, 1], mask_B11S[:, 0])
    np.testing.assert_allclose(one, context_BHTE[:, 1], atol=1e-6)


def test_weights_are_float32_and_the_context_has_the_dtype_of_the_values():
    scores_TS = jnp.linspace(-3, 3, T * S, dtype=jnp.bfloat16).reshape(T, S)
    context_TE, weights_TS = attend(scores_TS, jnp.ones((S, E), jnp.bfloat16), jnp.ones((T, S), bool))
    assert weights_TS.dtype == jnp.float32
    assert context_TE.dtype == jnp.bfloat16


def test_dropout_changes_the_context_and_not_the_returned_weights():
    scores_TS, values_SE = jnp.zeros((T, S)), jnp.ones((S, E))
    context_TE, weights_TS = attend(scores_TS, values_SE, jnp.ones((T, S), bool), drop=lambda weights: 0.5 * weights)
    np.testing.assert_allclose(context_TE, 0.5, rtol=1e-6)
    np.testing.assert_allclose(weights_TS, 1 / S, rtol=1e-6)

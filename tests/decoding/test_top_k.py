"""The two-stage `top_k` against `lax.top_k` over all candidates, ties included, at any block size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from research.decoding.top_k import argmax, best_continuations, block_size, top_k


def plain(logits_BNV, offsets_BN, k, never=()):
    """Return the choice by sorting all candidates in NumPy: by score, then by index."""
    scores_BNV = np.array(logits_BNV + offsets_BN[:, :, None])
    scores_BNV[:, :, list(never)] = -np.inf
    flat_BX = scores_BNV.reshape(len(scores_BNV), -1)
    order_BK = np.argsort(-flat_BX, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(flat_BX, order_BK, axis=1), *np.divmod(order_BK, scores_BNV.shape[2])


@pytest.mark.parametrize("values", [2, 5, 10**6])  # few different values: most candidates tie; many: hardly any
@pytest.mark.parametrize(
    ("vocabulary", "hypotheses", "k", "block"),
    [(41, 3, 7, 5), (12, 2, 5, 3), (7, 1, 3, 2), (5, 3, 9, 5), (13, 1, 1, 4)],
)
def test_equals_sorting_with_ties(vocabulary, hypotheses, k, block, values):
    random = np.random.default_rng(vocabulary)
    logits_BNV = random.integers(0, values, (211, hypotheses, vocabulary)).astype(np.float32)
    offsets_BN = random.integers(0, 3, (211, hypotheses)).astype(np.float32)
    found = jax.jit(lambda x, y: top_k(x, y, k, never=(0, 1), block=block))(logits_BNV, offsets_BN)
    for ours, theirs in zip(found, plain(logits_BNV, offsets_BN, k, (0, 1)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("vocabulary", [1_000, 1_009])
def test_equals_lax_top_k(vocabulary):
    logits_BNV = jax.random.normal(jax.random.key(3), (5, 3, vocabulary))
    found = jax.jit(lambda x: top_k(x, jnp.zeros((5, 3)), 7))(logits_BNV)
    scores_BK, indices_BK = lax.top_k(logits_BNV.reshape(5, -1), 7)
    np.testing.assert_array_equal(found.scores_BK, scores_BK)
    np.testing.assert_array_equal(found.hypotheses_BK * vocabulary + found.tokens_BK, indices_BK)


@pytest.mark.parametrize("vocabulary", [7, 1_009])
def test_best_continuations_are_log_softmax(vocabulary):
    logits_BNV = 5 * jax.random.normal(jax.random.key(1), (3, 5, vocabulary))
    scores_BN = jnp.array(np.random.default_rng(0).normal(-9, 3, (3, 5)), jnp.float32).at[:, 4].set(-jnp.inf)
    k = 5
    found = jax.jit(lambda x, s: best_continuations(x, s, k, never=(0, 1)))(logits_BNV, scores_BN)
    all_BNV = np.array(jax.nn.log_softmax(logits_BNV.astype(jnp.float32)))
    scores, hypotheses, tokens = plain(all_BNV, np.array(scores_BN), k, (0, 1))
    np.testing.assert_allclose(found.scores_BK, scores, rtol=1e-5)
    np.testing.assert_array_equal(found.hypotheses_BK, hypotheses)
    np.testing.assert_array_equal(found.tokens_BK, tokens)
    assert not (found.hypotheses_BK == 4).any()  # excluded by -inf


@pytest.mark.parametrize("vocabulary", [5, 1_009])
def test_argmax_equals_numpy(vocabulary):
    logits_BV = np.random.default_rng(0).integers(0, 40, (13, vocabulary)).astype(np.float32)
    allowed_BV = logits_BV.copy()
    allowed_BV[:, [0, 3]] = -np.inf
    np.testing.assert_array_equal(jax.jit(argmax)(logits_BV), logits_BV.argmax(axis=1))
    np.testing.assert_array_equal(jax.jit(lambda x: argmax(x, never=(0, 3)))(logits_BV), allowed_BV.argmax(axis=1))


def test_block_size_divides_where_it_can():
    assert block_size(8_000) == 125
    assert block_size(10_000) == 125
    assert block_size(9_973) == 128  # prime
    assert block_size(7) == 7


def test_refuses_more_choices_than_candidates():
    with pytest.raises(ValueError, match="cannot choose 7 of 2 hypotheses x 3 tokens"):
        top_k(jnp.zeros((1, 2, 3)), jnp.zeros((1, 2)), 7)

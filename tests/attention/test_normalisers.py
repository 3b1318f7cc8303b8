"""Each normaliser against its definition, solved in another way, in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from research.attention.normalisers import NORMALISERS

T, S = 5, 7
# XLA reads subnormal numbers as 0: what is a largest score to NumPy would be a tie to it.
NORMAL = st.floats(-9, 9, width=32, allow_subnormal=False)
SCORES_TS = arrays(np.float32, (T, S), elements=NORMAL)
MASK_TS = arrays(bool, (T, S))
WEIGH = {name: jax.jit(normaliser.weigh) for name, normaliser in NORMALISERS.items()}


def bisected(scores, power):
    """Return max(x - τ, 0)^power with the τ that makes it sum to 1: sparsemax for power 1, entmax-1.5 for power 2."""
    x = scores.astype(np.float64) / power
    low, high = x.max() - 1, x.max()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (np.maximum(x - middle, 0) ** power).sum() > 1 else (low, middle)
    return np.maximum(x - low, 0) ** power


def softmax(scores):
    powers = np.exp(scores.astype(np.float64) - scores.max())
    return powers / powers.sum()


# Weights of the scores that may be read, one row at a time.
EQUATIONS = {
    "softmax": softmax,
    "sparsemax": lambda scores: bisected(scores, 1),
    "entmax15": lambda scores: bisected(scores, 2),
    "uniform": lambda scores: np.full(len(scores), 1 / len(scores)),
    "hard": lambda scores: np.eye(len(scores))[scores.argmax()],
    "last": lambda scores: np.eye(len(scores))[-1],
}


def shares(powers_TS):
    """Each key's unit, shared by the queries so far."""
    total_TS = powers_TS.cumsum(axis=0)
    return powers_TS / np.where(total_TS, total_TS, 1.0)


def rows_to_one(shares_TS, mask_TS):
    total_T1 = shares_TS.sum(axis=-1, keepdims=True)
    return shares_TS / np.where(total_T1, total_T1, 1.0)


def at_scale(shares_TS, mask_TS):
    query_T1, keys_T1 = np.arange(1, len(shares_TS) + 1)[:, None], mask_TS.sum(axis=-1, keepdims=True)
    return shares_TS * query_T1 / np.maximum(keys_T1, 1)


OVER_QUERIES = {
    "softmax_over_queries": lambda shares_TS, mask_TS: shares_TS,
    "softmax_over_queries_renormalised": rows_to_one,
    "softmax_over_queries_scaled": at_scale,
}


def test_every_normaliser_has_its_equation_or_a_test_of_its_own():
    assert EQUATIONS.keys() | OVER_QUERIES.keys() | {"permuted"} == NORMALISERS.keys()


@pytest.mark.parametrize("name", EQUATIONS)
@given(scores_TS=SCORES_TS, mask_TS=MASK_TS)
def test_rows_are_their_equation_over_the_readable_keys(name, scores_TS, mask_TS):
    weights_TS = np.asarray(WEIGH[name](scores_TS, mask_TS))
    assert weights_TS.dtype == np.float32
    expected_TS = np.zeros((T, S))
    for scores_S, mask_S, expected_S in zip(scores_TS, mask_TS, expected_TS, strict=True):
        if mask_S.any():
            expected_S[mask_S] = EQUATIONS[name](scores_S[mask_S])
    np.testing.assert_allclose(weights_TS, expected_TS, atol=3e-5)  # float32 roots of differences of squares
    np.testing.assert_allclose(weights_TS.sum(-1), mask_TS.any(-1), atol=1e-5)
    assert not weights_TS[~mask_TS].any()


@pytest.mark.parametrize("name", OVER_QUERIES)
@given(scores_TS=SCORES_TS, mask_TS=MASK_TS)
def test_over_queries_each_key_is_shared_by_the_queries_so_far(name, scores_TS, mask_TS):
    """All at once, and one query at a time with the state of the queries before."""
    weights_TS = np.asarray(WEIGH[name](scores_TS, mask_TS))
    powers_TS = np.where(mask_TS, np.exp(scores_TS.astype(np.float64)), 0.0)
    np.testing.assert_allclose(weights_TS, OVER_QUERIES[name](shares(powers_TS), mask_TS), atol=1e-4)
    kind = NORMALISERS[name]
    past = kind.start((1,), S)
    for t in range(T):
        next_1S, past = kind.weigh_next(scores_TS[t : t + 1], mask_TS[t : t + 1], past)
        np.testing.assert_allclose(next_1S[0], weights_TS[t], atol=1e-4)


def test_renormalised_over_queries_has_weights_and_gradients_where_a_query_scores_low_everywhere():
    """Its shares underflow, and their proportions do not."""
    scores_TS = jnp.stack([jnp.arange(S) / 3.0, jnp.arange(S)[::-1] / 3.0 - 100.0]).astype(jnp.float32)
    kind = NORMALISERS["softmax_over_queries_renormalised"]
    gradient = jax.grad(lambda scores_TS: kind.weigh(scores_TS, True)[:, 0].sum())(scores_TS)
    assert np.isfinite(gradient).all()
    log_q = scores_TS[1] - jnp.logaddexp(scores_TS[0], scores_TS[1])
    np.testing.assert_allclose(kind.weigh(scores_TS, True)[1], softmax(np.asarray(log_q)), rtol=1e-4)


def test_over_queries_renormalised_and_scaled_read_a_mean_where_all_scores_are_the_same():
    mask_TS = np.arange(S)[None] < np.array([3, 5, S, 1] + [2] * (T - 4))[:, None]
    for name in ("softmax_over_queries_renormalised", "softmax_over_queries_scaled"):
        np.testing.assert_allclose(WEIGH[name](np.ones((T, S), np.float32), np.ones((T, S), bool)), 1 / S, rtol=1e-5)
        assert not np.asarray(WEIGH[name](np.ones((T, S), np.float32), mask_TS))[~mask_TS].any()


@given(scores_TS=SCORES_TS, mask_TS=MASK_TS)
def test_permuted_weights_are_the_softmax_in_another_order(scores_TS, mask_TS):
    weights_TS, permuted_TS = (np.asarray(WEIGH[name](scores_TS, mask_TS)) for name in ("softmax", "permuted"))
    np.testing.assert_allclose(np.sort(permuted_TS), np.sort(weights_TS), atol=1e-6)
    assert not permuted_TS[~mask_TS].any()


def test_the_permutation_changes_the_order_and_does_not_depend_on_padding():
    scores_1S = np.random.default_rng(0).normal(size=(1, S)).astype(np.float32)
    alone = NORMALISERS["permuted"].weigh(scores_1S, np.ones((1, S), bool))
    longer_1Z = np.concatenate([scores_1S, np.full((1, 4), 5.0, np.float32)], axis=1)
    padded = NORMALISERS["permuted"].weigh(longer_1Z, np.arange(S + 4)[None] < S)
    np.testing.assert_allclose(padded[:, :S], alone, atol=1e-6)
    assert np.abs(np.asarray(alone) - softmax(scores_1S[0])).max() > 0.05


@pytest.mark.parametrize("name", ["softmax", *OVER_QUERIES, "sparsemax", "entmax15"])
def test_gradients_are_finite_and_equal_finite_differences(name):
    random = np.random.default_rng(1)
    scores_TS, bar_TS = random.normal(size=(2, T, S))
    mask_TS = random.random((T, S)) < 0.8
    mask_TS[2] = False

    with jax.enable_x64():

        def total(scores_TS):
            return (NORMALISERS[name].weigh(scores_TS, mask_TS) * bar_TS).sum()

        gradient = np.asarray(jax.grad(total)(jnp.asarray(scores_TS)))
        assert np.isfinite(gradient).all()
        assert not gradient[~mask_TS].any()
        for t, s in ((0, 1), (1, 3), (4, 6)):
            nudge = np.zeros((T, S))
            nudge[t, s] = 1e-2
            expected = (total(scores_TS + nudge) - total(scores_TS - nudge)) / 2e-2
            assert gradient[t, s] == pytest.approx(float(expected), abs=5e-3)

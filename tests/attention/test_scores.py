"""Each score against its equation in NumPy, and the identities between them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.attention.scores import SCORES

B, T, S, D, E, K, P = 2, 5, 7, 11, 13, 3, 4

# score of one query and one memory vector at position s, from the paper; a new score adds a line here.
EQUATIONS = {
    "dot": lambda weights, q, m, s: q @ m,
    "scaled_dot": lambda weights, q, m, s: q @ m / np.sqrt(len(q)),
    "learned_scale_dot": lambda weights, q, m, s: weights["scale"] * (q @ m),
    "general": lambda weights, q, m, s: q @ weights["key"].T @ m,
    "learned_scale_general": lambda weights, q, m, s: weights["scale"] * (q @ weights["key"].T @ m),
    "concat": lambda weights, q, m, s: weights["scale"] @ np.tanh(weights["query"].T @ q + weights["key"].T @ m),
    "location": lambda weights, q, m, s: (
        weights["query"][:, s] @ q if s < P else 0
    ),  # which nothing reads: see `known`,
}
SAME_WIDTH = ("dot", "scaled_dot", "learned_scale_dot")


def random_normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def evaluate(module, query, memory):
    return module(query, module.keys(memory))


def score(name, query_width, memory_width, width=K, heads=()):
    """Return a score as a function of query, memory and weights, and random weights."""
    module = SCORES[name](query_width, memory_width, width, P, heads)
    query, memory = (np.zeros((1, *heads, 1, states), np.float32) for states in (query_width, memory_width))
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), query, memory, method=evaluate)).get("params", {})
    weights = jax.tree.map(lambda shape: random_normal(*shape.shape, seed=2), shapes)
    compiled = jax.jit(lambda weights, *states: module.apply({"params": weights}, *states, method=evaluate))
    return lambda query, memory, weights=weights: compiled(weights, query, memory), weights


# Compiled once for all examples of a property.
DOT, GENERAL, CONCAT = score("dot", D, D), score("general", D, D), score("concat", D, E)


def test_every_score_has_its_equation():
    assert EQUATIONS.keys() == SCORES.keys()


@pytest.mark.parametrize("name", SCORES)
def test_score_is_its_equation(name):
    memory_width = D if name in SAME_WIDTH else E
    apply, weights = score(name, D, memory_width)
    query_BTD, memory_BSE = random_normal(B, T, D), random_normal(B, S, memory_width, seed=1)
    expected = [
        [[EQUATIONS[name](weights, q, m, s) for s, m in enumerate(memory)] for q in queries]
        for queries, memory in zip(query_BTD.astype(np.float64), memory_BSE.astype(np.float64), strict=True)
    ]
    scores_BTS = apply(query_BTD, memory_BSE)
    assert scores_BTS.dtype == jnp.float32
    np.testing.assert_allclose(scores_BTS, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SCORES)
def test_scores_take_more_batch_axes_and_stay_float32(name):
    """With an axis of heads, and with bfloat16 inputs."""
    apply, weights = score(name, D, D)
    query_BHTD, memory_BHSD = random_normal(B, 3, T, D), random_normal(B, 3, S, D, seed=1)
    together = apply(query_BHTD, memory_BHSD)
    np.testing.assert_allclose(together[:, 1], apply(query_BHTD[:, 1], memory_BHSD[:, 1]), rtol=1e-5, atol=1e-5)
    half = jax.tree.map(lambda x: jnp.asarray(x, jnp.bfloat16), (query_BHTD, memory_BHSD, weights))
    assert apply(*half).dtype == jnp.float32


@pytest.mark.parametrize("name", SCORES)
def test_heads_have_weights_of_their_own(name):
    """Head h equals the score with the weights of head h alone."""
    heads = 3
    together, weights = score(name, D, D, heads=(heads,))
    apart, _ = score(name, D, D)
    query_BHTD, memory_BHSD = random_normal(B, heads, T, D), random_normal(B, heads, S, D, seed=1)
    scores_BHTS = together(query_BHTD, memory_BHSD)
    for head in range(heads):
        own = {key: weight[head] for key, weight in weights.items()}
        expected = apart(query_BHTD[:, head], memory_BHSD[:, head], own)
        np.testing.assert_allclose(scores_BHTS[:, head], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SCORES)
def test_bilinear_scores_are_linear_in_the_key(name):
    """score(q, k + a) = score(q, k) + score(q, a): "relative" positions rely on it."""
    module = SCORES[name](D, D, D, P)
    weights = score(name, D, D, width=D)[1]
    query_BTD = random_normal(B, T, D)
    keys_BSD, others_BSD = random_normal(B, S, D, seed=1), random_normal(B, S, D, seed=3)
    sums = [module.apply({"params": weights}, query_BTD, x) for x in (keys_BSD + others_BSD, keys_BSD, others_BSD)]
    assert SCORES[name].bilinear == np.allclose(sums[0], sums[1] + sums[2], rtol=1e-4, atol=1e-4)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_general_with_the_identity_is_dot(seed):
    (general, _), (dot, _) = GENERAL, DOT
    query_BTD, memory_BSD = random_normal(B, T, D, seed=seed), random_normal(B, S, D, seed=seed + 1)
    same = general(query_BTD, memory_BSD, {"key": np.eye(D, dtype=np.float32)})
    np.testing.assert_allclose(same, dot(query_BTD, memory_BSD), rtol=1e-5, atol=1e-5)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_concat_is_luongs_with_its_matrix_split_in_two(seed):
    """vᵀ tanh(W [q; m]), Luong et al. 2015, section 3.1."""
    concat, _ = CONCAT
    random = np.random.default_rng(seed)
    matrix, v = random.normal(size=(K, D + E)).astype(np.float32), random.normal(size=K).astype(np.float32)
    query_BTD, memory_BSE = random_normal(B, T, D, seed=seed), random_normal(B, S, E, seed=seed + 1)
    split = {"query": matrix[:, :D].T, "key": matrix[:, D:].T, "scale": v}
    joined = np.array(
        [[[[*q, *m] for m in memory] for q in queries] for queries, memory in zip(query_BTD, memory_BSE, strict=True)]
    )
    np.testing.assert_allclose(
        concat(query_BTD, memory_BSE, split), np.tanh(joined @ matrix.T) @ v, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", SAME_WIDTH)
def test_scores_without_weights_refuse_different_widths(name):
    with pytest.raises(
        ValueError, match="query of width 11 with a memory of width 13; make them equal or use score 'general'"
    ):
        score(name, D, E)

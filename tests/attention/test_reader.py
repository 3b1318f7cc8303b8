"""A recurrent decoder's reading, one query after another, against NumPy: scores, windows, coverage."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.local import around
from research.attention.reader import Reader

B, T, S, D, E, K, C = 2, 5, 7, 11, 13, 3, 2
LENGTHS = np.array([7, 4])
WORDS_BS = np.arange(S) < LENGTHS[:, None]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def reader(**fields):
    usual = {"score": "concat", "normaliser": "softmax", "window": "global", "radius": 2, "coverage": "none"}
    return Reader(
        **{"query_width": D, "memory_width": E, "width": K, "channels": 1, "learned_positions": S, **usual, **fields}
    )


def read_in_turn(module, memory_BSE, query_BTD, words_BS):
    """Return contexts and weights, read one query after another, as a decoder with input feeding does."""
    matrices = module.matrices()
    keys_BSK = module.keys(memory_BSE)
    constants, past, found = module.constants(keys_BSK, memory_BSE, words_BS), module.start(keys_BSK, 1), []
    for t in range(query_BTD.shape[1]):
        context_BE, weights_B1S, past = module.read_next(
            lambda name, x: x @ matrices[name], constants, query_BTD[:, t], past
        )
        found.append((context_BE, weights_B1S[:, 0]))
    return tuple(jnp.stack(each, axis=1) for each in zip(*found, strict=True))


def read_at_once(module, memory_BSE, query_BTD, words_BS):
    return module(query_BTD, module.keys(memory_BSE), memory_BSE, words_BS)


@pytest.fixture(scope="module")
def inputs():
    return draw(B, S, E, seed=1), draw(B, T, D, seed=2), WORDS_BS


def weights_of(module, inputs):
    shapes = jax.eval_shape(partial(module.init, method=read_in_turn), jax.random.key(0), *inputs)["params"]
    return jax.tree.map(lambda leaf: 0.5 * draw(*leaf.shape, seed=leaf.size), shapes)


def run(module, params, inputs, method):
    found = jax.jit(partial(module.apply, method=method))({"params": params}, *inputs)
    return tuple(np.asarray(each, np.float64) for each in found)


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(params, inputs, score, window=None, coverage=None, radius=2):
    """Compute the equations for one sentence, query and key at a time."""
    memory_BSE, query_BTD, _ = (np.asarray(each, np.float64) for each in inputs)
    contexts, weights = np.zeros((B, T, E)), np.zeros((B, T, S))
    for b, length in enumerate(LENGTHS):
        h = memory_BSE[b, :length]
        covered = np.zeros((length, C if coverage == "neural" else 1))
        for t, q in enumerate(query_BTD[b]):
            extra = covered @ params["cover"]["key"] if coverage else np.zeros((length, 1))
            scores = np.array([score(params["scorer"], q, h[s], extra[s]) for s in range(length)])
            near, factor = np.ones(length, bool), np.ones(length)
            if window:
                centre = t
                if window == "local_p":
                    own = params["centre"]
                    centre = length * sigmoid(own["scale"] @ np.tanh(q @ own["query"]))
                    factor = np.exp(-((np.arange(length) - centre) ** 2) / (2 * (radius / 2) ** 2))
                near = np.abs(np.arange(length) - centre) <= radius
            if near.any():
                weights[b, t, :length][near] = softmax(scores[near])
            weights[b, t, :length] *= factor
            contexts[b, t] = weights[b, t, :length] @ h
            covered = advance(coverage, params, covered, weights[b, t, :length], h, q)
    return contexts, weights


def advance(coverage, params, covered, weights, h, q):
    own = params.get("cover")
    if coverage == "linguistic":
        return covered + weights[:, None] / (2 * sigmoid(h @ own["fertility"]))
    if coverage == "neural":
        given = weights[:, None] @ own["weight"] + h @ own["memory"] + q @ own["query"] + own["bias"]
        (r, z, n), (r_c, z_c, n_c) = np.split(given, 3, axis=1), np.split(covered @ own["recurrent"], 3, axis=1)
        reset, update = sigmoid(r + r_c), sigmoid(z + z_c)
        return (1 - update) * np.tanh(n + reset * n_c) + update * covered
    return covered


def concat(weights, q, h, extra):
    return weights["scale"] @ np.tanh(q @ weights["query"] + h @ weights["key"] + extra)


def general(weights, q, h, extra):
    return q @ (h @ weights["key"] + extra)


@pytest.mark.parametrize("coverage", ["linguistic", "neural"])
@pytest.mark.parametrize(("name", "score"), [("concat", concat), ("general", general)])
def test_coverage_is_the_equation(inputs, coverage, name, score):
    module = reader(score=name, coverage=coverage, channels=C if coverage == "neural" else 1)
    params = weights_of(module, inputs)
    params64 = jax.tree.map(lambda leaf: leaf.astype(np.float64), params)
    expected = by_hand(params64, inputs, score, coverage=coverage)
    contexts, weights = run(module, params, inputs, read_in_turn)
    np.testing.assert_allclose(weights, expected[1], atol=1e-5)
    np.testing.assert_allclose(contexts, expected[0], atol=1e-4)


@pytest.mark.parametrize("window", ["local_m", "local_p"])
def test_a_local_window_is_the_equation(inputs, window):
    """Luong et al. 2015, section 3.2; all queries at once, and one by one."""
    module = reader(window=window)
    params = weights_of(module, inputs)
    expected = by_hand(jax.tree.map(lambda leaf: leaf.astype(np.float64), params), inputs, concat, window=window)
    for method in (read_at_once, read_in_turn):
        contexts, weights = run(module, params, inputs, method)
        np.testing.assert_allclose(weights, expected[1], atol=1e-5)
        np.testing.assert_allclose(contexts, expected[0], atol=1e-4)
    assert (expected[1][0] > 0).sum(axis=1).max() < S  # something was out of reach


def test_a_window_past_the_end_reads_nothing(inputs):
    module = reader(window="local_m", radius=1)
    contexts, weights = run(module, weights_of(module, inputs), inputs, read_at_once)
    assert not weights[1, 5:].any()  # four words, and the query at position 5 reaches back to 4
    assert not contexts[1, 5:].any()


@pytest.mark.parametrize("normaliser", ["softmax", "softmax_over_queries", "sparsemax", "hard", "last", "uniform"])
@pytest.mark.parametrize("window", ["global", "local_m"])
def test_location_never_reads_positions_without_weights(inputs, normaliser, window):
    module = reader(score="location", learned_positions=3, normaliser=normaliser, window=window, radius=1)
    _, weights = run(module, weights_of(module, inputs), inputs, read_at_once)
    assert not weights[:, :, 3:].any()
    assert weights[:, :3, :3].any()


def test_the_centre_gets_its_gradient_through_the_gaussian(inputs):
    module = reader(window="local_p")
    params = weights_of(module, inputs)

    def loss(params):
        return (module.apply({"params": params}, *inputs, method=read_at_once)[0] ** 2).sum()

    gradient = jax.grad(loss)(params)["centre"]
    assert all(np.abs(leaf).max() > 1e-4 for leaf in jax.tree.leaves(gradient))


def test_around_is_inclusive_and_peaks_at_the_centre():
    mask_BTS, gaussian_BTS = around(jnp.array([[2.0, 3.5]]), 2, 7)
    assert mask_BTS[0].tolist() == [[True] * 5 + [False] * 2, [False] * 2 + [True] * 4 + [False]]
    np.testing.assert_allclose(gaussian_BTS[0, 0], np.exp(-((np.arange(7) - 2) ** 2) / 2.0), rtol=1e-6)  # σ = 1


@pytest.mark.parametrize("rows", ["", "_renormalised", "_scaled"])
def test_over_queries_one_by_one_equals_at_once(inputs, rows):
    module = reader(normaliser=f"softmax_over_queries{rows}")
    params = weights_of(module, inputs)
    for at_once, in_turn in zip(
        *(run(module, params, inputs, each) for each in (read_at_once, read_in_turn)), strict=True
    ):
        np.testing.assert_allclose(at_once, in_turn, atol=1e-5)

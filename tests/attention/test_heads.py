"""Self- and cross-attention of several heads against NumPy, one head at a time."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.cross_attention import CrossAttention
from research.attention.heads import check_heads, spread_heads
from research.attention.self_attention import SelfAttention
from research.attention.windows import Window

B, T, S, H, K = 2, 5, 7, 3, 5
D = H * K
SHARED = {"head_width": 0, "head_spread": 1.0, "score": "scaled_dot", "learned_positions": 1, "normaliser": "softmax"}
SHARED |= {"kernel": "reference", "dropout": 0.0, "deterministic": True, "dtype": jnp.float32}


def cross_attention(**fields):
    fields = {"width": D, "heads": H, "kv_heads": H, "window": "global", "radius": 1, **SHARED, **fields}
    return CrossAttention(**fields)


def self_attention(**fields):
    fields = {"width": D, "heads": H, "kv_heads": H, "positions": "none", "reach": 2} | fields
    return SelfAttention(**{**SHARED, **fields})


def cross(module, query, memory, words):
    return module(query, module.keys_values(memory), words)


def apply(weights, query, memory, words, **fields):
    module = cross_attention(**fields)
    compiled = jax.jit(partial(module.apply, method=cross, mutable=["attention", "heads"]))
    out, sown = compiled({"params": weights}, query, memory, words)
    return np.asarray(out), np.asarray(sown["attention"]["weights"][0]), np.asarray(sown["heads"]["context"][0])


def random_weights(width, seed=0, inner=None, kv=None):
    random = np.random.default_rng(seed)
    inner, kv = inner or width, kv or inner or width

    def dense(rows, columns):
        return {"kernel": random.normal(size=(rows, columns)) / rows**0.5, "bias": random.normal(size=columns)}

    shapes = {"query": (width, inner), "key": (width, kv), "value": (width, kv), "output": (inner, width)}
    return jax.tree.map(lambda x: x.astype(np.float32), {name: dense(*shape) for name, shape in shapes.items()})


def random_inputs(width, seed=1):
    random = np.random.default_rng(seed)
    return (random.normal(size=(B, n, width)).astype(np.float32) for n in (T, S))


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


ALL = np.ones((B, S), bool)


@pytest.mark.parametrize(("kv_heads", "head_width"), [(H, 0), (1, 0), (H, 2)])
def test_heads_are_side_by_side(kv_heads, head_width):
    """Concat(head_1 … head_H) W_O, Vaswani et al. 2017, section 3.2.2: head i has columns i·K to (i + 1)·K.

    One head of keys and values serves all (Shazeer 2019); a head's width may be other than D / H.
    """
    size = head_width or K
    weights = random_weights(D, inner=H * size, kv=kv_heads * size)
    query_BTD, memory_BSD = random_inputs(D)
    words_BS = np.arange(S) < np.array([S, 3])[:, None]
    out_BTD, weights_BHTS, context_BHTK = apply(
        weights, query_BTD, memory_BSD, words_BS, kv_heads=kv_heads, head_width=head_width
    )

    def project(name, x):
        return x @ weights[name]["kernel"] + weights[name]["bias"]

    for b in range(B):
        n, heads = words_BS[b].sum(), []
        for h in range(H):
            columns, group = slice(h * size, (h + 1) * size), h * kv_heads // H
            shared = slice(group * size, (group + 1) * size)
            q = project("query", query_BTD[b])[:, columns].astype(np.float64)
            k, v = (project(name, memory_BSD[b, :n])[:, shared].astype(np.float64) for name in ("key", "value"))
            expected_TS = softmax(q @ k.T / np.sqrt(size))
            np.testing.assert_allclose(weights_BHTS[b, h, :, :n], expected_TS, atol=1e-5)
            heads.append(expected_TS @ v)
        np.testing.assert_allclose(context_BHTK[b], heads, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(out_BTD[b], project("output", np.concatenate(heads, -1)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(weights_BHTS.sum(-1), 1.0, atol=1e-6)
    assert not weights_BHTS[1, ..., 3:].any()


def normal(key, shape, dtype):
    return jax.random.normal(key, shape, dtype)


@pytest.mark.parametrize("axis", [0, 1])
def test_heads_start_as_different_as_head_spread_says(axis):
    """√(1 - ε²) W_0 + ε W_i has the variance of W_0 and a correlation of √(1 - ε²) with head 0."""
    shape = (H * 1009, 7) if axis == 0 else (7, H * 1009)
    drawn = normal(jax.random.key(0), shape, jnp.float32)
    for spread in (0.0, 0.5, 1.0):
        kernel = spread_heads(normal, H, spread, axis)(jax.random.key(0), shape)
        parts, own = np.split(np.asarray(kernel), H, axis), np.split(np.asarray(drawn), H, axis)
        np.testing.assert_array_equal(parts[0], own[0])
        expected = (1 - spread**2) ** 0.5 * own[0] + spread * own[2]
        np.testing.assert_allclose(parts[2], expected, atol=1e-6)
        assert np.std(parts[2]) == pytest.approx(1.0, abs=0.02)
        assert np.corrcoef(parts[0].ravel(), parts[2].ravel())[0, 1] == pytest.approx((1 - spread**2) ** 0.5, abs=0.03)
    with pytest.raises(
        ValueError, match=r"model\.head_spread=2 must be from 0 \(all heads the same\) to 1 \(independent\)"
    ):
        spread_heads(normal, H, 2, axis)


def test_heads_that_start_the_same_stay_the_same():
    """Without dropout their gradients are the same too. Heads that start different diverge at once."""
    query_BTD, memory_BSD = random_inputs(D)
    for spread, alike in ((0.0, True), (1.0, False)):
        module = cross_attention(head_spread=spread)
        params = module.init(jax.random.key(3), query_BTD, memory_BSD, ALL, method=cross)["params"]

        def loss(params, module=module):
            return (module.apply({"params": params}, query_BTD, memory_BSD, ALL, method=cross) ** 2).sum()

        gradient = jax.grad(loss)(params)
        for tree in (params, gradient):
            for name in ("query", "key", "value"):
                first, *others = np.split(np.asarray(tree[name]["kernel"]), H, axis=1)
                assert all(np.allclose(first, other, rtol=1e-4, atol=1e-5) for other in others) == alike


def test_under_a_causal_window_later_positions_do_not_matter():
    weights = random_weights(D)
    _, x_BSD = random_inputs(D)
    changed_BSD = x_BSD.copy()
    changed_BSD[:, 4:] = 99.0
    run = jax.jit(partial(self_attention().apply, {"params": weights}, mutable=["attention"]))
    (before, sown), (after, _) = run(x_BSD, Window(after=0)), run(changed_BSD, Window(after=0))
    np.testing.assert_allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not np.allclose(before[:, 4:], after[:, 4:], atol=1e-2)
    assert not np.triu(sown["attention"]["weights"][0], 1).any()


@pytest.mark.parametrize("positions", ["none", "rotary", "alibi", "relative"])
@pytest.mark.parametrize("hypotheses", [1, 3])
def test_steps_through_a_cache_equal_all_positions_at_once(hypotheses, positions):
    """N hypotheses of a sentence never read each other; more positions than the first sizes of the cache hold."""
    time, width, grouped = 19, 6, {"width": 6, "head_width": 2, "kv_heads": 1, "positions": positions}
    weights = random_weights(width, kv=2)
    if positions == "relative":
        edges = np.random.default_rng(5).normal(size=(2, 5, 2)).astype(np.float32)
        weights["relation"] = {"key": edges[0], "value": edges[1]}
    x_BNTD = np.random.default_rng(2).normal(size=(B, hypotheses, time, width)).astype(np.float32)
    module = self_attention(**grouped)
    run = jax.jit(partial(module.apply, {"params": weights}, mutable=["attention"]))
    expected, sown = run(x_BNTD.reshape(-1, time, width), Window(after=0))
    expected_weights = np.asarray(sown["attention"]["weights"][0])
    step = jax.jit(partial(module.apply, {"params": weights}, method="step", mutable=["attention"]))
    cache = module.apply({"params": weights}, B, time * hypotheses, jnp.float32, method="reserve")
    own_NS = np.tile(np.eye(hypotheses, dtype=bool), time)
    for t in range(time):
        mask_BNS = np.broadcast_to(own_NS & (np.arange(time * hypotheses) < (t + 1) * hypotheses), (B, *own_NS.shape))
        (read_BND, cache), sown = step(x_BNTD[:, :, t], cache, mask_BNS, t)
        np.testing.assert_allclose(read_BND.reshape(-1, width), expected[:, t], rtol=1e-4, atol=1e-5)
        weights_BHNS = np.asarray(sown["attention"]["weights"][0])
        for n in range(hypotheses):
            own_BHT = weights_BHNS[:, :, n, n::hypotheses]
            np.testing.assert_allclose(own_BHT, expected_weights[n::hypotheses, :, t], atol=1e-6)
        np.testing.assert_allclose(weights_BHNS.sum(-1), 1.0, atol=1e-6)


@pytest.mark.parametrize("make", [self_attention, cross_attention])
def test_a_step_with_dropout_is_refused(make):
    module = make(dropout=0.5, deterministic=False)
    keys_values = np.zeros((B, H, K, 9)), np.zeros((B, H, 9, K))
    query_BND, mask_BNS = np.zeros((B, 1, D)), np.ones((B, 1, 9), bool)
    inputs = (query_BND, keys_values, mask_BNS, 0) if make is self_attention else (query_BND, keys_values, ALL, 0, ())
    with pytest.raises(ValueError, match="deterministic=True"):
        module.apply({"params": random_weights(D)}, *inputs, method="step")


@pytest.mark.parametrize(
    ("heads", "width", "tries"), [(6, 512, "2, 4, 8"), (3, 8, "1, 2, 4"), (0, 7, "1, 7"), (9, 1, "1")]
)
def test_heads_that_do_not_divide_the_width_are_refused_with_numbers_that_do(heads, width, tries):
    with pytest.raises(
        ValueError, match=f"^model.heads={heads} does not divide model.width={width}; try one of {tries}$"
    ):
        check_heads(heads, width, heads, 0)


@pytest.mark.parametrize("heads", [1, 3, 5, 15])
def test_heads_that_divide_the_width_are_accepted(heads):
    check_heads(heads, 15, heads, 0)
    check_heads(7, 15, 1, heads)  # of a width of their own


def test_shared_keys_need_a_divisor_of_heads_and_a_score_without_matrices():
    with pytest.raises(ValueError, match=r"model\.kv_heads=4 does not divide model\.heads=6; try one of 2, 3, 6"):
        check_heads(6, 12, 4, 0)
    for fields in ({"kv_heads": 1}, {"head_spread": 0.5}):
        with pytest.raises(ValueError, match="score 'general' has separate matrices for each of 3 heads"):
            apply({}, *random_inputs(D), ALL, score="general", **fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"positions": "rotary"}, "rotates pairs of numbers, and a head has 5: make model.head_width even"),
        (
            {"positions": "rotary", "score": "general", "head_width": 4},
            "rotate queries and keys, which score 'general' multiplies",
        ),
        ({"positions": "relative", "score": "concat"}, "need a score that is linear in the key, not 'concat'"),
        ({"score": "location"}, "'location' and a softmax over queries are for reading the source, not for self-att"),
        ({"normaliser": "softmax_over_queries"}, "'softmax_over_queries': 'location' and a softmax over queries"),
        ({"normaliser": "softmax_over_queries_scaled"}, "a softmax over queries are for reading the source"),
        ({"kernel": "blockwise", "normaliser": "sparsemax"}, "choose these, or set model.kernel='reference'"),
        ({"kernel": "fused", "positions": "relative"}, "choose these, or set model.kernel='reference'"),
        (
            {"kernel": "fused", "dropout": 0.1, "deterministic": False},
            "has no dropout of attention weights: set model.attention_dropout=0",
        ),
    ],
)
def test_an_impossible_combination_is_refused_with_one_sentence(fields, sentence):
    module = self_attention(**fields)
    with pytest.raises(ValueError) as error:
        jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.ones((B, T, D)), Window()))
    assert sentence in str(error.value)


def test_dropout_of_weights_needs_a_key_and_does_not_change_the_sown_weights():
    weights = random_weights(D)
    inputs = *random_inputs(D), ALL
    module = cross_attention(dropout=0.5, deterministic=False)
    key = {"dropout": jax.random.key(0)}
    out, sown = module.apply({"params": weights}, *inputs, method=cross, mutable=["attention"], rngs=key)
    plain, plain_weights, _ = apply(weights, *inputs)
    np.testing.assert_allclose(sown["attention"]["weights"][0], plain_weights, atol=1e-6)
    assert not np.allclose(out, plain, atol=1e-2)

"""Multi-head attention against NumPy, one head at a time."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.heads import MultiHeadAttention, check_heads
from research.attention.windows import causal, padding

B, T, S, H, K = 2, 5, 7, 3, 5
D = H * K


def read(module, query, memory, mask):
    return module(query, module.keys_values(memory), mask)


def apply(weights, query, memory, mask, *, heads=H, width=D):
    module = MultiHeadAttention(heads, width, dropout=0.0, deterministic=True)
    compiled = jax.jit(partial(module.apply, method=read, mutable=["attention"]))
    out, sown = compiled({"params": weights}, query, memory, mask)
    return np.asarray(out), np.asarray(sown["attention"]["weights"][0])


def random_weights(width, seed=0):
    random = np.random.default_rng(seed)

    def dense():
        return {"kernel": random.normal(size=(width, width)) / width**0.5, "bias": random.normal(size=width)}

    return jax.tree.map(lambda x: x.astype(np.float32), {name: dense() for name in ("query", "key", "value", "output")})


def random_inputs(width, seed=1):
    random = np.random.default_rng(seed)
    return (random.normal(size=(B, n, width)).astype(np.float32) for n in (T, S))


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_heads_are_side_by_side():
    """Concat(head_1 … head_H) W_O, Vaswani et al. 2017, section 3.2.2: head i has columns i·K to (i + 1)·K."""
    weights = random_weights(D)
    query_BTD, memory_BSD = random_inputs(D)
    mask_BS = np.arange(S) < np.array([S, 3])[:, None]
    out_BTD, weights_BHTS = apply(weights, query_BTD, memory_BSD, padding(jnp.asarray(mask_BS)))

    def project(name, x):
        return x @ weights[name]["kernel"] + weights[name]["bias"]

    for b in range(B):
        n, heads = mask_BS[b].sum(), []
        for h in range(H):
            columns = slice(h * K, (h + 1) * K)
            q, k, v = (
                project(name, x)[:, columns].astype(np.float64)
                for name, x in (("query", query_BTD[b]), ("key", memory_BSD[b, :n]), ("value", memory_BSD[b, :n]))
            )
            expected_TS = softmax(q @ k.T / np.sqrt(K))
            np.testing.assert_allclose(weights_BHTS[b, h, :, :n], expected_TS, atol=1e-5)
            heads.append(expected_TS @ v)
        np.testing.assert_allclose(out_BTD[b], project("output", np.concatenate(heads, -1)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(weights_BHTS.sum(-1), 1.0, atol=1e-6)
    assert not weights_BHTS[1, ..., 3:].any()


def test_one_head_of_identities_is_scaled_dot():
    identity = {
        name: {"kernel": np.eye(D, dtype=np.float32), "bias": np.zeros(D, np.float32)} for name in random_weights(D)
    }
    query_BTD, memory_BSD = random_inputs(D)
    out_BTD, weights_B1TS = apply(identity, query_BTD, memory_BSD, np.ones((B, 1, S), bool), heads=1)
    expected_BTS = softmax(np.einsum("btd,bsd->bts", query_BTD, memory_BSD) / np.sqrt(D))
    np.testing.assert_allclose(weights_B1TS[:, 0], expected_BTS, atol=1e-5)
    np.testing.assert_allclose(out_BTD, expected_BTS @ memory_BSD, rtol=1e-4, atol=1e-5)


def test_under_a_causal_mask_later_positions_do_not_matter():
    weights = random_weights(D)
    _, x_BSD = random_inputs(D)
    changed_BSD = x_BSD.copy()
    changed_BSD[:, 4:] = 99.0
    before, weights_BHSS = apply(weights, x_BSD, x_BSD, causal(S))
    after, _ = apply(weights, changed_BSD, changed_BSD, causal(S))
    np.testing.assert_allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not np.allclose(before[:, 4:], after[:, 4:], atol=1e-2)
    assert not np.triu(weights_BHSS, 1).any()


@pytest.mark.parametrize("hypotheses", [1, 3])
def test_steps_that_fill_a_cache_are_all_positions_at_once(hypotheses):
    """N lines of one sentence that never read each other: outputs and weights, past the first sizes that are read."""
    weights, time, dtype = random_weights(D), 19, jnp.float32
    x_BNTD = np.random.default_rng(2).normal(size=(B, hypotheses, time, D)).astype(np.float32)
    expected, expected_weights = apply(weights, x_BNTD.reshape(-1, time, D), x_BNTD.reshape(-1, time, D), causal(time))
    module = MultiHeadAttention(H, D, dropout=0.0, deterministic=True)
    step = jax.jit(partial(module.apply, {"params": weights}, method="step", mutable=["attention"]))
    cache = module.apply({"params": weights}, B, time * hypotheses, dtype, method="reserve")
    own_NS = np.tile(np.eye(hypotheses, dtype=bool), time)
    for t in range(time):
        mask_BNS = np.broadcast_to(own_NS & (np.arange(time * hypotheses) < (t + 1) * hypotheses), (B, *own_NS.shape))
        (read_BND, cache), sown = step(x_BNTD[:, :, t], cache, mask_BNS, t * hypotheses)
        np.testing.assert_allclose(read_BND.reshape(-1, D), expected[:, t], rtol=1e-4, atol=1e-5)
        weights_BHNS = np.asarray(sown["attention"]["weights"][0])
        for n in range(hypotheses):
            own_BHT = weights_BHNS[:, :, n, n::hypotheses]
            np.testing.assert_allclose(own_BHT, expected_weights[n::hypotheses, :, t], atol=1e-6)
        np.testing.assert_allclose(weights_BHNS.sum(-1), 1.0, atol=1e-6)


def test_a_step_that_would_drop_weights_is_refused():
    module = MultiHeadAttention(H, D, dropout=0.5, deterministic=False)
    cache = (np.zeros((B, H, K, 9)), np.zeros((B, H, 9, K)))
    with pytest.raises(ValueError, match="deterministic=True"):
        module.apply(
            {"params": random_weights(D)}, np.zeros((B, 1, D)), cache, np.ones((B, 1, 9), bool), 0, method="step"
        )


@pytest.mark.parametrize(
    ("heads", "width", "tries"), [(6, 512, "2, 4, 8"), (3, 8, "1, 2, 4"), (0, 7, "1, 7"), (9, 1, "1")]
)
def test_heads_that_do_not_divide_the_width_are_answered_with_those_that_do(heads, width, tries):
    with pytest.raises(
        ValueError, match=f"^model.heads={heads} does not divide model.width={width}; try one of {tries}$"
    ):
        check_heads(heads, width)


@pytest.mark.parametrize("heads", [1, 3, 5, 15])
def test_heads_that_divide_are_fine(heads):
    check_heads(heads, 15)


def test_dropout_of_weights_needs_a_key_and_does_not_touch_what_is_sown():
    weights = random_weights(D)
    query_BTD, memory_BSD = random_inputs(D)
    mask = jnp.ones((B, 1, S), bool)
    module = MultiHeadAttention(H, D, dropout=0.5, deterministic=False)
    out, sown = module.apply(
        {"params": weights},
        query_BTD,
        memory_BSD,
        mask,
        method=read,
        mutable=["attention"],
        rngs={"dropout": jax.random.key(0)},
    )
    plain, plain_weights = apply(weights, query_BTD, memory_BSD, mask)
    np.testing.assert_allclose(sown["attention"]["weights"][0], plain_weights, atol=1e-6)
    assert not np.allclose(out, plain, atol=1e-2)

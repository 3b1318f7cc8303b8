"""Every kernel against the equation in NumPy, against the reference in value and gradient, and in low precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.attention import kernels
from research.attention.kernels import KERNELS
from research.attention.windows import Window

B, H, T, S, K = 2, 3, 5, 7, 11
CLOSE = {"rtol": 2e-5, "atol": 2e-6}
WINDOWS = {"none": (None, None), "causal": (None, 0), "causal sliding": (2, 0), "sliding": (1, 1), "ahead": (0, None)}


def alibi(query_positions_T, key_positions_S):
    """Return -slope_h · |t - s|. Reference: Press et al. 2022."""
    distance_TS = jnp.abs(query_positions_T[:, None] - key_positions_S[None]).astype(jnp.float32)
    return -(2.0 ** -jnp.arange(1.0, H + 1))[:, None, None] * distance_TS[None]


def draw(seed, *lengths, dtype=np.float32):
    random = np.random.default_rng(seed)
    return [random.normal(size=(B, H, length, K)).astype(dtype) for length in lengths]


def equation(query, keys, values, words, before, after, biased):
    """Compute the equation for one query and one key at a time, float64."""
    context = np.zeros(query.shape)
    for b, h, t in np.ndindex(query.shape[:3]):
        first = 0 if before is None else max(t - before, 0)
        last = keys.shape[2] - 1 if after is None else t + after
        read = [s for s in range(keys.shape[2]) if words[b, s] and first <= s <= last]
        scores = np.array([query[b, h, t].astype(np.float64) @ keys[b, h, s] / K**0.5 for s in read])
        if biased:
            scores -= [2.0 ** -(h + 1) * abs(t - s) for s in read]
        if read:
            powers = np.exp(scores - scores.max())
            context[b, h, t] = powers @ values[b, h, read] / powers.sum()
    return context


@pytest.mark.parametrize("more", [False, True], ids=["alone", "padding and bias"])
@pytest.mark.parametrize("window", WINDOWS)
def test_every_kernel_is_the_equation(window, more):
    before, after = WINDOWS[window]
    words_BS = np.arange(S) < np.array([[S], [3 if more else S]])
    rule, bias = Window(words_BS if more else None, before, after), alibi if more else None
    inputs = draw(0, T, S, S)
    contexts = jax.jit(lambda *inputs: [kernel(*inputs, rule, bias) for kernel in KERNELS.values()])(*inputs)
    expected = equation(*inputs, words_BS, before, after, more)
    for name, context_BHTK in zip(KERNELS, contexts, strict=True):
        np.testing.assert_allclose(context_BHTK, expected, **CLOSE, err_msg=name)


@pytest.mark.parametrize(
    ("window", "queries", "bias"),
    [
        ("none", T, None),
        ("causal", S, alibi),  # as many queries as keys: what kernels are told is another thing
        ("causal", T, None),
        ("causal sliding", S, None),
        ("causal sliding", T, alibi),
        ("sliding", S, alibi),
    ],
)
def test_every_kernel_has_the_value_and_gradient_of_the_reference(window, queries, bias):
    """For random inputs and lengths, length 0 included."""

    @jax.jit
    def compute(words_BS, inputs, bar_BHTK):
        rule, found = Window(words_BS, *WINDOWS[window]), []
        for kernel in KERNELS.values():
            context_BHTK, pull = jax.vjp(lambda *inputs, kernel=kernel: kernel(*inputs, rule, bias), *inputs)
            found.append((context_BHTK, *pull(bar_BHTK)))
        return found

    @given(seed=st.integers(0, 2**32 - 1), lengths=st.tuples(*[st.integers(0, S)] * B))
    @settings(max_examples=20)
    def check(seed, lengths):
        *inputs, bar_BHTK = draw(seed, queries, S, S, queries)
        found = compute(np.arange(S) < np.array(lengths)[:, None], inputs, bar_BHTK)
        for name, ours in zip(KERNELS, found, strict=True):
            for what, x, expected in zip(("context", "query", "keys", "values"), ours, found[0], strict=True):
                np.testing.assert_allclose(x, expected, rtol=1e-4, atol=1e-5, err_msg=f"{name}: {what}")

    assert next(iter(KERNELS)) == "reference"
    check()


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_row_with_nothing_to_read_is_zeros_and_gives_no_gradient(kernel):
    words_BS = np.arange(S) < np.array([[S], [0]])

    @jax.jit
    def compute(*inputs):
        context, pull = jax.vjp(lambda *x: KERNELS[kernel](*x, Window(words_BS), None), *inputs)
        return context, *pull(jnp.ones_like(context))

    for x in compute(*draw(1, T, S, S)):
        assert np.isfinite(x).all()
        assert np.asarray(x)[0].any()
        assert not np.asarray(x)[1].any()


@pytest.mark.parametrize("kernel", KERNELS)
def test_in_bfloat16_the_result_is_near_and_in_bfloat16(kernel):
    """bfloat16 keeps 8 bits: inputs, weights and results are each rounded by up to 2⁻⁹ of the largest, and add up."""
    exact = draw(2, S, S, S)
    bar = draw(3, S)[0]
    inputs = [jnp.asarray(x, jnp.bfloat16) for x in exact]
    window = Window(None, 4, 0)

    @jax.jit
    def gradients(inputs, bar):
        context, pull = jax.vjp(lambda *x: KERNELS[kernel](*x, window, alibi), *inputs)
        return context, *pull(bar)

    found = gradients(inputs, jnp.asarray(bar, jnp.bfloat16))
    # The same numbers, each rounded to bfloat16 once, in float32.
    rounded = [np.asarray(x, np.float32) for x in (*inputs, jnp.asarray(bar, jnp.bfloat16))]
    _, pull = jax.vjp(lambda *x: KERNELS["reference"](*x, window, alibi), *rounded[:3])
    context = equation(*rounded[:3], np.ones((B, S), bool), 4, 0, True)
    for x, expected in zip(found, (context, *pull(rounded[3])), strict=True):
        assert x.dtype == jnp.bfloat16
        largest = np.abs(expected).max()
        np.testing.assert_allclose(np.asarray(x, np.float32), expected, rtol=0, atol=2**-7 * largest)


@pytest.mark.parametrize("kernel", KERNELS)
def test_vmap_and_recomputation_change_nothing(kernel):
    inputs = [np.stack(pair) for pair in zip(draw(4, T, S, S), draw(5, T, S, S), strict=True)]
    words_RBS = np.arange(S) < np.array([[S, 4], [2, 6]])[..., None]

    def loss(words_BS, *inputs):
        return (KERNELS[kernel](*inputs, Window(words_BS, 3, 1), alibi) ** 2).sum()

    alone = jax.jit(jax.grad(loss, argnums=(1, 2, 3)))
    together = jax.jit(jax.vmap(jax.grad(jax.checkpoint(loss), argnums=(1, 2, 3))))(words_RBS, *inputs)
    for r in range(2):
        for x, y in zip(together, alone(words_RBS[r], *(x[r] for x in inputs)), strict=True):
            np.testing.assert_allclose(x[r], y, **CLOSE)


@pytest.mark.parametrize(
    ("before", "after", "queries", "width", "dtype", "biased", "said"),
    [
        (None, None, 8, 16, jnp.bfloat16, False, {"implementation": "cudnn"}),
        (None, 0, 8, 16, jnp.bfloat16, True, {"implementation": "cudnn", "is_causal": True}),
        (3, 0, 8, 16, jnp.float16, False, {"implementation": "cudnn", "is_causal": True, "local_window_size": (3, 0)}),
        (3, 3, 8, 16, jnp.bfloat16, False, {"implementation": "cudnn"}),  # with a map
        (None, 0, 6, 16, jnp.bfloat16, False, {"implementation": "cudnn"}),  # with a map: fewer queries than keys
        (None, 0, 8, 16, jnp.float32, False, {"implementation": "xla", "is_causal": True}),
        (None, 0, 8, 12, jnp.bfloat16, False, {"implementation": "xla", "is_causal": True}),
        (3, 3, 7, 16, jnp.bfloat16, False, {"implementation": "xla"}),
        (None, None, 7, 16, jnp.bfloat16, True, {"implementation": "xla"}),
    ],
)
def test_on_a_gpu_the_window_is_passed_in_cudnn_s_arguments(
    monkeypatch, before, after, queries, width, dtype, biased, said
):
    """Only the arguments: no GPU runs here."""
    heard = {}

    def kernel(query, keys, values, **arguments):
        heard.update(arguments)
        return query

    monkeypatch.setattr(kernels, "_has_cudnn", lambda: True)
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *inputs, cuda, default: cuda(*inputs))
    monkeypatch.setattr(jax.nn, "dot_product_attention", kernel)
    query, keys = jnp.ones((B, H, queries, width), dtype), jnp.ones((B, H, 8, width), dtype)
    words_BS = np.arange(8) < np.array([[5], [0]])
    KERNELS["fused"](query, keys, keys, Window(words_BS, before, after), alibi if biased else None)
    assert heard.pop("key_value_seq_lengths").tolist() == [5, 1]
    mask, bias = heard.pop("mask", None), heard.pop("bias", None)
    assert heard == said
    assert (bias is not None) == biased
    if biased and said["implementation"] == "cudnn":
        assert bias.dtype == dtype
    if (before is not None or after is not None) and "is_causal" not in said:
        assert mask.shape == (1, 1, queries, 8)  # cuDNN does not broadcast

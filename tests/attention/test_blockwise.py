"""Blockwise attention with odd block sizes against the reference, the blocks it leaves out, and its memory."""

import re
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.attention.blockwise import blockwise
from research.attention.kernels import KERNELS, reference
from research.attention.windows import Window

B, H, T, S, K, E = 2, 3, 13, 17, 5, 7


def slope(query_positions_T, key_positions_S):
    """Return a bias that differs by head and is not symmetric."""
    distance_TS = key_positions_S[None] - query_positions_T[:, None]
    return 0.3 * jnp.arange(H, dtype=jnp.float32)[:, None, None] * distance_TS[None]


def pulled(kernel, window, bias, inputs, bar):
    context, pull = jax.vjp(lambda *inputs: kernel(*inputs, window, bias), *inputs)
    return context, *pull(bar)


@pytest.mark.parametrize(
    ("before", "after", "bias", "block"),
    [
        (None, None, None, 4),
        (None, 0, slope, 5),
        (3, 0, None, 4),
        (2, 4, slope, 3),
        (0, None, None, 6),
        (6, -2, None, 16),
    ],
)
def test_blocks_have_the_value_and_gradient_of_the_reference(before, after, bias, block):
    """For words at any position, for sentences without words, and for scores that are far apart."""

    @jax.jit
    def compute(words_BS, inputs, bar):
        window = Window(words_BS, before, after)
        return [pulled(kernel, window, bias, inputs, bar) for kernel in (reference, partial(blockwise, block=block))]

    @given(
        seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.0, 0.3, 1.0]), scale=st.sampled_from([0.1, 1.0, 9.0])
    )
    @settings(max_examples=20)
    def check(seed, share, scale):
        random = np.random.default_rng(seed)
        shapes = (T, K), (S, K), (S, E), (T, E)
        query, *others = (random.normal(size=(B, H, *shape)).astype(np.float32) for shape in shapes)
        expected, found = compute(random.random((B, S)) < share, (scale * query, *others[:2]), others[2])
        for what, x, y in zip(("context", "query", "keys", "values"), found, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5 * max(scale, 1), err_msg=what)

    check()


@pytest.mark.parametrize(("before", "after"), [(None, None), (None, 0), (0, 0), (8, 0), (9, 9), (3, None), (20, -12)])
def test_blocks_that_the_window_forbids_are_left_out(before, after):
    """Forward and backward. Every pair of blocks with something to read is kept."""
    length, block = 64, 8
    x = jnp.zeros((1, 1, length, 2))
    window = Window(None, before, after)
    both_ways = jax.make_jaxpr(jax.grad(lambda x: blockwise(x, x, x, window, None, block).sum()))(x)
    mask_TS = np.broadcast_to(window.mask(jnp.arange(length), jnp.arange(length))[0], (length, length))
    blocks_NM = mask_TS.reshape(length // block, block, length // block, block).any(axis=(1, 3))
    assert re.findall(r"length=(\d+)", str(both_ways)) == [str(blocks_NM.sum())] * 2


def test_memory_grows_with_the_length_and_for_the_reference_with_its_square():
    """The memory that XLA plans for value and gradient, beyond arguments and results; compiled, not run."""

    def temporary(kernel, length):
        x_BHTK = jax.ShapeDtypeStruct((1, 2, length, 32), jnp.float32)
        words_BS = jax.ShapeDtypeStruct((1, length), bool)

        def total(words_BS, *inputs):
            return KERNELS[kernel](*inputs, Window(words_BS), None).sum()

        compute = jax.jit(jax.value_and_grad(total, argnums=(1, 2, 3)))
        return compute.lower(words_BS, x_BHTK, x_BHTK, x_BHTK).compile().memory_analysis().temp_size_in_bytes

    lengths = [512, 1_024, 2_048, 4_096, 8_192]
    by_kernel = {kernel: [temporary(kernel, length) for length in lengths] for kernel in ("reference", "blockwise")}
    growth = {kernel: [longer / shorter for shorter, longer in pairwise(sizes)] for kernel, sizes in by_kernel.items()}
    assert all(3.9 < ratio < 4.1 for ratio in growth["reference"]), by_kernel
    assert all(ratio < 2.1 for ratio in growth["blockwise"]), by_kernel
    assert by_kernel["blockwise"][-1] < by_kernel["reference"][-1] / 50, by_kernel

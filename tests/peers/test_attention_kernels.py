"""PyTorch's scaled_dot_product_attention and every kernel, small blocks among them: contexts and gradients."""

from functools import partial

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from research.attention.blockwise import blockwise
from research.attention.kernels import KERNELS
from research.attention.windows import Window

torch = pytest.importorskip("torch", reason="no PyTorch: install the [bench] extra")
pytestmark = pytest.mark.peers

B, H, S, K = 2, 3, 13, 11


@pytest.mark.parametrize(("before", "after", "queries"), [(None, None, 5), (None, 0, S), (4, 0, S), (2, 2, 7)])
def test_scaled_dot_product_attention(before, after, queries):
    random = np.random.default_rng(6)
    lengths = queries, S, S, queries
    *inputs, bar_BHTK = (random.normal(size=(B, H, length, K)).astype(np.float32) for length in lengths)
    words_BS = np.arange(S) < np.array([[S], [8]])
    window = Window(words_BS, before, after)

    mask_BTS = np.broadcast_to(window.mask(np.arange(queries), np.arange(S)), (B, queries, S))
    reads_BT1 = mask_BTS.any(axis=-1, keepdims=True)  # without any, PyTorch's kernels differ: such rows read all here
    bar_BHTK *= reads_BT1[:, None]
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    mask_B1TS = torch.tensor(mask_BTS | ~reads_BT1)[:, None]
    context = torch.nn.functional.scaled_dot_product_attention(*tensors, attn_mask=mask_B1TS)
    context.backward(torch.tensor(bar_BHTK))
    theirs = context.detach().numpy() * reads_BT1[:, None], *(x.grad.numpy() for x in tensors)

    kernels = {**KERNELS, "small blocks": partial(blockwise, block=3)}

    @jax.jit
    def compute(inputs, bar_BHTK):
        pulled = {}
        for name, kernel in kernels.items():
            context_BHTK, pull = jax.vjp(lambda *inputs, kernel=kernel: kernel(*inputs, window, None), *inputs)
            pulled[name] = context_BHTK, *pull(bar_BHTK)
        return pulled

    for name, ours in compute(inputs, bar_BHTK).items():
        for x, expected in zip(ours, theirs, strict=True):
            assert_allclose(x, expected, rtol=1e-4, atol=5e-6, err_msg=name)

"""torch.nn.MultiheadAttention and the fused attention with our weights give our contexts, weights and gradients."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from research.attention.attend import attend
from research.attention.scores import ScaledDot
from research.attention.windows import Window
from tests.attention.test_heads import cross, cross_attention, self_attention

torch = pytest.importorskip("torch", reason="no PyTorch: install the [bench] extra")
pytestmark = pytest.mark.peers

B, H, T, S, D = 2, 3, 5, 7, 33
CLOSE = {"rtol": 1e-5, "atol": 2e-6}


def draw(random, *shape, scale=1.0):
    return random.normal(0, scale, shape).astype(np.float32)


def ours_and_theirs(random, kind):
    ours = (cross_attention if kind == "cross" else self_attention)(width=D, heads=H, kv_heads=H)
    names = ("query", "key", "value", "output")
    params = {name: {"kernel": draw(random, D, D, scale=0.3), "bias": draw(random, D)} for name in names}
    theirs = torch.nn.MultiheadAttention(D, H, batch_first=True)
    with torch.no_grad():
        entering = names[:3]
        theirs.in_proj_weight.copy_(torch.tensor(np.concatenate([params[name]["kernel"].T for name in entering])))
        theirs.in_proj_bias.copy_(torch.tensor(np.concatenate([params[name]["bias"] for name in entering])))
        theirs.out_proj.weight.copy_(torch.tensor(params["output"]["kernel"].T))
        theirs.out_proj.bias.copy_(torch.tensor(params["output"]["bias"]))
    return ours, params, theirs


def read_itself(module, query, memory, words):
    return module(query, Window(after=0))


@pytest.mark.parametrize("kind", ["cross", "self"])
def test_multi_head_attention(kind):
    random = np.random.default_rng(4)
    ours, params, theirs = ours_and_theirs(random, kind)
    query_BTD = draw(random, B, T, D)
    memory_BSD = draw(random, B, S, D) if kind == "cross" else query_BTD
    words_BS = np.arange(S) < np.array([[7], [3]])
    method = cross if kind == "cross" else read_itself
    weigh_BTD = draw(random, B, T, D)

    @jax.jit
    def loss(params, query_BTD, memory_BSD):
        read_BTD, sown = ours.apply(
            {"params": params}, query_BTD, memory_BSD, words_BS, method=method, mutable=["attention"]
        )
        return (read_BTD * weigh_BTD).sum(), (read_BTD, sown["attention"]["weights"][0])

    (_, (read_BTD, weights_BHTS)), by_weights = jax.value_and_grad(loss, has_aux=True)(params, query_BTD, memory_BSD)

    later = ~torch.ones(T, T).tril().bool()
    masks = {"key_padding_mask": torch.tensor(~words_BS)} if kind == "cross" else {"attn_mask": later}
    query, memory = torch.tensor(query_BTD), torch.tensor(memory_BSD)
    out, weights = theirs(query, memory, memory, average_attn_weights=False, **masks)
    (out * torch.tensor(weigh_BTD)).sum().backward()

    assert_allclose(read_BTD, out.detach().numpy(), **CLOSE)
    assert_allclose(weights_BHTS, weights.detach().numpy(), **CLOSE)
    gradients = [gradient.numpy() for gradient in (*theirs.in_proj_weight.grad.split(D), theirs.out_proj.weight.grad)]
    for name, gradient in zip(("query", "key", "value", "output"), gradients, strict=True):
        assert_allclose(by_weights[name]["kernel"], gradient.T, rtol=1e-4, atol=2e-5, err_msg=name)


def test_scaled_dot_attend_is_the_fused_attention():
    random = np.random.default_rng(5)
    query_BHTK, keys_BHSK, values_BHSK = draw(random, B, H, T, 11), draw(random, B, H, S, 11), draw(random, B, H, S, 11)
    mask_B1TS = random.random((B, 1, T, S)) < 0.6
    mask_B1TS[..., 0] = True
    ours, _ = attend(ScaledDot.compare((), query_BHTK, keys_BHSK), values_BHSK, mask_B1TS)
    tensors = map(torch.tensor, (query_BHTK, keys_BHSK, values_BHSK, mask_B1TS))
    theirs = torch.nn.functional.scaled_dot_product_attention(*tensors)
    assert_allclose(ours, theirs.numpy(), **CLOSE)

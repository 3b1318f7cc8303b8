"""PyTorch's label-smoothed loss, LayerNorm, and clipped Adam give ours."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose

from research.training.loss import CPU_CHUNK, cross_entropy
from research.training.optimiser import make_optimiser

torch = pytest.importorskip("torch", reason="no PyTorch: install the [bench] extra")
pytestmark = pytest.mark.peers


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rows", [3, CPU_CHUNK // 7 + 3])  # one chunk, and more than one
def test_loss(smoothing, rows):
    random = np.random.default_rng(6)
    states_BTD = random.normal(size=(rows, 7, 5)).astype(np.float32)
    table_VD = random.normal(size=(13, 5)).astype(np.float32)
    targets_BT = random.integers(0, 13, (rows, 7))

    def ours(states, table):
        sums = cross_entropy(states, table, jnp.asarray(targets_BT), smoothing=smoothing, pad=0)
        return sums.loss, sums.tokens

    (loss, tokens), by_both = jax.jit(jax.value_and_grad(ours, (0, 1), has_aux=True))(states_BTD, table_VD)

    states, table = torch.tensor(states_BTD, requires_grad=True), torch.tensor(table_VD, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(
        (states @ table.T).flatten(0, 1),
        torch.tensor(targets_BT).flatten(),
        ignore_index=0,
        label_smoothing=smoothing,
        reduction="sum",
    )
    theirs.backward()
    assert tokens == (targets_BT != 0).sum()
    assert_allclose(loss, theirs.item(), rtol=1e-5)
    assert_allclose(by_both[0], states.grad.numpy(), rtol=1e-4, atol=1e-5)
    assert_allclose(by_both[1], table.grad.numpy(), rtol=1e-4, atol=1e-4)  # sums over up to 532 positions


def test_layer_norm():
    x = np.random.default_rng(7).normal(3, 2, (2, 5, 11)).astype(np.float32)
    params = {"scale": np.linspace(0.5, 2, 11, dtype=np.float32), "bias": np.linspace(-1, 1, 11, dtype=np.float32)}
    theirs = torch.nn.LayerNorm(11)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(params["scale"]))
        theirs.bias.copy_(torch.tensor(params["bias"]))
        expected = theirs(torch.tensor(x)).numpy()
    assert_allclose(nn.LayerNorm(epsilon=1e-5).apply({"params": params}, x), expected, rtol=1e-5, atol=1e-6)


def test_clipped_adam():
    random = np.random.default_rng(8)
    weights = {"a": random.normal(size=(3, 5)).astype(np.float32), "b": random.normal(size=7).astype(np.float32)}
    steps = [
        {"a": random.normal(0, size, (3, 5)).astype(np.float32), "b": random.normal(0, size, 7).astype(np.float32)}
        for size in (0.01, 3.0, 0.1, 1.0)  # the clipped and the unclipped
    ]
    fields = {"beta1": 0.9, "beta2": 0.98, "epsilon": 1e-9, "weight_decay": 0.0, "clip_norm": 1.0}
    ours = make_optimiser("adam", optax.constant_schedule(0.05), **fields)
    params, state = weights, ours.init(weights)
    theirs = {name: torch.nn.Parameter(torch.tensor(weight)) for name, weight in weights.items()}
    adam = torch.optim.Adam(theirs.values(), lr=0.05, betas=(0.9, 0.98), eps=1e-9, fused=True)
    for gradients in steps:
        updates, state = ours.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        for name, gradient in gradients.items():
            theirs[name].grad = torch.tensor(gradient)
        torch.nn.utils.clip_grad_norm_(theirs.values(), 1.0)
        adam.step()
    for name, weight in theirs.items():
        assert_allclose(params[name], weight.detach().numpy(), rtol=1e-4, atol=1e-5, err_msg=name)  # clip adds 1e-6

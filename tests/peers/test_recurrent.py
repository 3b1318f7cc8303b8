"""torch.nn.LSTM, GRU and RNN with our weights give our states and our gradients, padding included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from research.models.recurrent_layers import RecurrentEncoder, RecurrentLayer

torch = pytest.importorskip("torch", reason="no PyTorch: install the [bench] extra")
pytestmark = pytest.mark.peers

B, S, E, D = 3, 7, 5, 11
LENGTHS = np.array([7, 2, 5])
THEIRS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "tanh": torch.nn.RNN}
CLOSE = {"rtol": 1e-5, "atol": 2e-6}  # float32 sums of a dozen terms, over seven steps


def random_params(module, *arguments):
    """Parameters of `module` with nothing left at zero, biases included."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), *arguments)["params"]
    random = np.random.default_rng(1)
    return jax.tree.map(lambda x: jnp.asarray(random.normal(0, 0.4, x.shape), jnp.float32), shapes)


def put(theirs, layer, suffix):
    """Our layer's weights into `theirs`. Ours have one bias where PyTorch has two that are added."""
    with torch.no_grad():
        getattr(theirs, f"weight_ih_{suffix}").copy_(torch.tensor(np.asarray(layer["input"]).T))
        getattr(theirs, f"weight_hh_{suffix}").copy_(torch.tensor(np.asarray(layer["recurrent"]).T))
        getattr(theirs, f"bias_ih_{suffix}").copy_(torch.tensor(np.asarray(layer["bias"])))
        recurrent = layer.get("recurrent_bias", np.zeros_like(layer["bias"]))
        getattr(theirs, f"bias_hh_{suffix}").copy_(torch.tensor(np.asarray(recurrent)))


def gradients(theirs, suffix, names):
    """Their gradients, in the layout of ours."""
    found = {
        "input": getattr(theirs, f"weight_ih_{suffix}").grad.T,
        "recurrent": getattr(theirs, f"weight_hh_{suffix}").grad.T,
        "bias": getattr(theirs, f"bias_ih_{suffix}").grad,
        "recurrent_bias": getattr(theirs, f"bias_hh_{suffix}").grad,
    }
    return {name: found[name].numpy() for name in names}


def run_packed(theirs, inputs_BSE):
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        inputs_BSE, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    states, last = theirs(packed)
    return torch.nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=S)[0], last


def inputs_and_mask():
    inputs_BSE = np.random.default_rng(2).normal(size=(B, S, E)).astype(np.float32)
    return inputs_BSE, np.arange(S) < LENGTHS[:, None]


@pytest.mark.parametrize("cell", THEIRS)
def test_layer(cell):
    ours = RecurrentLayer(cell, E, D)
    inputs_BSE, mask_BS = inputs_and_mask()
    parts = ours.kind.parts
    initial = tuple(np.full((B, D), 0.1 * (part + 1), np.float32) for part in range(parts))
    params = random_params(ours, inputs_BSE, initial)
    weigh_BSD = np.random.default_rng(3).normal(size=(B, S, D)).astype(np.float32)

    @jax.jit
    def loss(params, inputs):
        states, last = ours.apply({"params": params}, inputs, initial, mask_BS)
        return (states * weigh_BSD * mask_BS[:, :, None]).sum() + sum(part.sum() for part in last), (states, last)

    (_, (states, last)), (by_weights, by_inputs) = jax.value_and_grad(loss, (0, 1), has_aux=True)(params, inputs_BSE)

    theirs = THEIRS[cell](E, D, batch_first=True)
    put(theirs, params, "l0")
    x = torch.tensor(inputs_BSE, requires_grad=True)
    begin = tuple(torch.tensor(part)[None] for part in initial)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    out, their_last = theirs(packed, begin if parts > 1 else begin[0])
    their_last = their_last if parts > 1 else (their_last,)
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=S)
    ((out * torch.tensor(weigh_BSD)).sum() + sum(part.sum() for part in their_last)).backward()

    assert_allclose(np.where(mask_BS[:, :, None], states, 0), out.detach().numpy(), **CLOSE)
    for part, their_part in zip(last, their_last, strict=True):
        assert_allclose(part, their_part[0].detach().numpy(), **CLOSE)
    assert_allclose(by_inputs, x.grad.numpy(), rtol=1e-4, atol=1e-5)
    for name, gradient in gradients(theirs, "l0", params).items():
        assert_allclose(by_weights[name], gradient, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("cell", THEIRS)
def test_bidirectional_encoder_of_two_layers(cell):
    half = 5
    ours = RecurrentEncoder(
        cell=cell, direction="bi", layers=2, input_width=E, width=2 * half, dropout=0.0, deterministic=True
    )
    inputs_BSE, mask_BS = inputs_and_mask()
    params = random_params(ours, inputs_BSE, mask_BS)
    encoded = jax.jit(ours.apply)({"params": params}, inputs_BSE, mask_BS)

    theirs = THEIRS[cell](E, half, 2, batch_first=True, bidirectional=True)
    for layer in range(2):
        put(theirs, params[f"stack_{layer}_0"], f"l{layer}")
        put(theirs, params[f"stack_{layer}_1"], f"l{layer}_reverse")
    out, last = run_packed(theirs, torch.tensor(inputs_BSE))
    last = last if isinstance(last, tuple) else (last,)

    assert_allclose(np.where(mask_BS[:, :, None], encoded.states_BSE, 0), out.detach().numpy(), **CLOSE)
    for layer in range(2):
        for part, their_part in zip(encoded.finals[layer], last, strict=True):
            both = torch.cat([their_part[2 * layer], their_part[2 * layer + 1]], dim=-1)
            assert_allclose(part, both.detach().numpy(), **CLOSE)

"""Cells against their equations in NumPy, and layers and encoders with padding."""

import jax
import numpy as np
import pytest

from research.models.cells import CELLS
from research.models.recurrent_layers import DIRECTIONS, RecurrentEncoder, RecurrentLayer

B, S, D, E = 3, 7, 4, 5
LENGTHS = np.array([7, 4, 1])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tanh(w, x, h):
    return (np.tanh(x @ w["input"] + h[0] @ w["recurrent"] + w["bias"]),)


def gru(w, x, h):
    (wr, wz, wn), (ur, uz, un) = np.split(w["input"], 3, 1), np.split(w["recurrent"], 3, 1)
    (br, bz, bn), (cr, cz, cn) = np.split(w["bias"], 3), np.split(w["recurrent_bias"], 3)
    r, z = sigmoid(x @ wr + br + h[0] @ ur + cr), sigmoid(x @ wz + bz + h[0] @ uz + cz)
    n = np.tanh(x @ wn + bn + r * (h[0] @ un + cn))
    return ((1 - z) * n + z * h[0],)


def lstm(w, x, h):
    (wi, wf, wg, wo), (ui, uf, ug, uo) = np.split(w["input"], 4, 1), np.split(w["recurrent"], 4, 1)
    bi, bf, bg, bo = np.split(w["bias"], 4)
    i, f, o = sigmoid(x @ wi + h[0] @ ui + bi), sigmoid(x @ wf + h[0] @ uf + bf), sigmoid(x @ wo + h[0] @ uo + bo)
    c = f * h[1] + i * np.tanh(x @ wg + h[0] @ ug + bg)
    return o * np.tanh(c), c


EQUATIONS = {"tanh": tanh, "gru": gru, "lstm": lstm}  # (weights, x_E, state) -> state; a new cell adds a line


def test_every_cell_has_its_equation():
    assert EQUATIONS.keys() == CELLS.keys()


def random_params(module, *arguments):
    """Return random weights of the right shapes, none of them zero, without compiling an initialisation."""
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), *arguments))["params"]
    random = np.random.default_rng(0)
    return jax.tree.map(lambda shape: random.normal(size=shape.shape).astype(np.float32) * 0.5, shapes)


def loop(cell, weights, inputs, state, reverse):
    """Return the states of one sentence without padding, in the order of its inputs, and the last state; float64."""
    weights = jax.tree.map(lambda w: w.astype(np.float64), weights)
    states = []
    for x in inputs[::-1] if reverse else inputs:
        state = EQUATIONS[cell](weights, x, state)
        states.append(state[0])
    return np.array(states[::-1] if reverse else states), state


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_is_its_cell_over_each_sentence(cell, reverse):
    """From a given state, with padding that is not read, in both directions."""
    random = np.random.default_rng(1)
    inputs_BSE = random.normal(size=(B, S, E)).astype(np.float32)
    initial = tuple(random.normal(size=(B, D)).astype(np.float32) for _ in range(CELLS[cell].parts))
    mask_BS = np.arange(S) < LENGTHS[:, None]
    inputs_BSE[~mask_BS] = 1e3
    layer = RecurrentLayer(cell, E, D, reverse=reverse)
    params = random_params(layer, inputs_BSE, initial)
    run = jax.jit(layer.apply)
    states_BSD, last = run({"params": params}, inputs_BSE, initial, mask_BS)
    for b, length in enumerate(LENGTHS):
        states, end = loop(cell, params, inputs_BSE[b, :length], tuple(part[b] for part in initial), reverse)
        np.testing.assert_allclose(states_BSD[b, :length], states, rtol=1e-4, atol=1e-5)
        for ours, theirs in zip(last, end, strict=True):
            np.testing.assert_allclose(ours[b], theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_encoder_does_not_see_padding(direction):
    """A sentence in a padded batch, with garbage after its end, has the states that it has alone; two layers."""
    random = np.random.default_rng(1)
    inputs_BSE = random.normal(size=(B, S, E)).astype(np.float32)
    mask_BS = np.arange(S) < LENGTHS[:, None]
    inputs_BSE[~mask_BS] = 1e3
    encoder = RecurrentEncoder("lstm", direction, 2, E, D, dropout=0.0, deterministic=True)
    params = random_params(encoder, inputs_BSE, mask_BS)
    run = jax.jit(encoder.apply)
    encoded = run({"params": params}, inputs_BSE, mask_BS)
    states_BSD, finals = encoded.states_BSE, encoded.finals
    assert states_BSD.shape == (B, S, D)
    alone = run({"params": params}, inputs_BSE[1:2, :4], mask_BS[1:2, :4])
    np.testing.assert_allclose(states_BSD[1:2, :4], alone.states_BSE, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(jax.tree.leaves(finals), jax.tree.leaves(alone.finals), strict=True):
        np.testing.assert_allclose(ours[1:2], theirs, rtol=1e-5, atol=1e-5)
    # The last state is that of the last word read: of the end, of the beginning, or half of either.
    ends = {"uni": [(3, slice(0, 4))], "reversed": [(0, slice(0, 4))], "bi": [(3, slice(0, 2)), (0, slice(2, 4))]}
    for position, half in ends[direction]:
        np.testing.assert_allclose(finals[-1][0][1, half], states_BSD[1, position, half], rtol=1e-5, atol=1e-5)


def test_residual_layers_add_what_they_read():
    """Wu et al. 2016, section 3.1: x_i = LSTM_i(x_{i-1}) + x_{i-1}, here from the second layer on; layer by layer."""
    random = np.random.default_rng(2)
    inputs_BSE = random.normal(size=(B, S, E)).astype(np.float32)
    mask_BS = np.arange(S) < LENGTHS[:, None]
    encoder = RecurrentEncoder("lstm", "uni", 3, E, D, dropout=0.0, deterministic=True, residual=True)
    params = random_params(encoder, inputs_BSE, mask_BS)
    encoded = jax.jit(encoder.apply)({"params": params}, inputs_BSE, mask_BS)
    outputs_BSE = inputs_BSE
    for index in range(3):
        layer = RecurrentLayer("lstm", outputs_BSE.shape[-1], D)
        start = (np.zeros((B, D), np.float32),) * 2
        states_BSD, last = layer.apply({"params": params[f"stack_{index}_0"]}, outputs_BSE, start, mask_BS)
        outputs_BSE = states_BSD + outputs_BSE if index else states_BSD
        for ours, theirs in zip(encoded.finals[index], last, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(encoded.states_BSE, outputs_BSE, rtol=1e-5, atol=1e-6)

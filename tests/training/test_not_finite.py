"""The name of the first thing that is not finite, in steps that are made so that its place is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.embedded import get_config
from research import models
from research.results.checkpoints import by_path
from research.training.loss import Sums
from research.training.not_finite import first_not_finite
from research.training.translator_training import make_objective

V = 31
KEY = jax.random.key(3)


def made(architecture, **fields):
    """Return objective, parameters and batch of a small model of the demo."""
    config = get_config(architecture).model
    config.update({"width": 16, "dropout": 0.3, **fields})
    translator = models.build(config, source_vocabulary=V, target_vocabulary=V)
    random = np.random.default_rng(7)
    batch = {name: random.integers(4, V, (3, 5)).astype(np.int32) for name in ("source_BS", "target_in_BT")}
    batch["source_BS"][1, 3:] = 0  # padding
    batch["target_out_BT"] = batch["target_in_BT"]
    params = jax.jit(translator.init)(KEY, batch["source_BS"], batch["target_in_BT"])["params"]
    return make_objective(translator, smoothing=0.1, precision="float32"), params, batch


def filled(params, path, value):
    """Return the parameters with every number of the array at `path` replaced."""
    assert path in by_path(params)

    def one(keys, x):
        return jnp.full_like(x, value) if "/".join(key.key for key in keys) == path else x

    return jax.tree_util.tree_map_with_path(one, params)


@pytest.mark.parametrize("architecture", ["none", "luong", "bahdanau", "transformer"])
def test_nothing_is_said_of_a_step_that_is_finite(architecture):
    objective, params, batch = made(architecture)
    assert first_not_finite(objective, params, batch, KEY) == ""


@pytest.mark.parametrize(
    ("architecture", "overflows", "said"),
    [
        ("transformer", "encoder/layer_1/self_attention/value/kernel", "encoder/layer_1/self_attention/value"),
        ("transformer", "decoder/layer_0/cross/key/bias", "decoder/layer_0/cross/scorer"),
        ("transformer", "encoder/norm/bias", "decoder/layer_0/cross/value"),
        ("luong", "encoder/stack_0_1/input", "encoder/stack_0_1.project"),
        ("bahdanau", "embeddings/target", "decoder/drop"),
    ],
)
def test_the_module_whose_output_overflows_is_named(architecture, overflows, said):
    """A matrix overflows where it is used; a bias, and a table of vectors, in the module that reads it."""
    objective, params, batch = made(architecture)
    assert first_not_finite(objective, filled(params, overflows, 3e38), batch, KEY) == f"the output of {said}"


def test_a_parameter_that_is_not_finite_is_named():
    objective, params, batch = made("luong")
    bad = filled(params, "embeddings/source", jnp.nan)
    assert first_not_finite(objective, bad, batch, KEY) == "the parameter embeddings/source"


def test_the_layer_of_a_stacked_parameter_is_named():
    params = {"encoder": {"layer": {"norm": np.ones((3, 5), np.float32)}}}
    params["encoder"]["layer"]["norm"][1, 2] = np.inf
    assert first_not_finite(lambda *given: None, params, {}, KEY) == "the parameter encoder/layer_1/norm"


def test_a_gradient_that_is_not_finite_is_named():
    """The root of 0 is 0, and its slope is infinite."""

    def roots(params, batch, key):
        return Sums(jnp.sqrt(params["w"]).sum(), jnp.float32(0), jnp.float32(1))

    assert first_not_finite(roots, {"v": jnp.ones(2), "w": jnp.zeros(3)}, {}, KEY) == "the gradient of w"
    assert first_not_finite(roots, {"w": -jnp.ones(3)}, {}, KEY) == "the loss"

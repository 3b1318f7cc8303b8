"""`training.precision`: float32 products are float32 on every backend, and bfloat16 keeps float32 states and sums."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import Precision

from research.decoding.search import Beam, Greedy, program
from research.models.recurrent_decoder import RecurrentCache
from research.parallel.devices import float32_products
from research.training.optimiser import make_optimiser
from research.training.step import initial_state, make_step
from research.training.translator_training import make_objective
from tests.models.programs import products
from tests.models.variants import build, config, covering, shapes, translator_and_params

SOURCE_BS = np.array([[4, 9, 5, 16, 3, 8, 2], [11, 6, 2, 0, 0, 0, 0]], np.int32)
TARGET_BT = np.array([[1, 7, 18, 4, 9], [1, 12, 5, 0, 0]], np.int32)
BATCH = {"source_BS": SOURCE_BS, "target_in_BT": TARGET_BT, "target_out_BT": TARGET_BT}


def has_more_digits_than_bfloat16(x):
    """Return whether x is float32 and most of its numbers are not representable in bfloat16."""
    return x.dtype == jnp.float32 and (x != x.astype(jnp.bfloat16).astype(jnp.float32)).mean() > 0.5


@pytest.mark.parametrize("name", covering())
def test_in_bfloat16_every_product_is_of_bfloat16_numbers(name):
    translator = build(config(name)).clone(dtype=jnp.bfloat16)
    outputs = partial(translator.apply, method="outputs")
    traced = jax.make_jaxpr(outputs)({"params": shapes(translator)}, SOURCE_BS, TARGET_BT)
    found = products(traced.jaxpr)
    assert found
    assert {operand.aval.dtype for product in found for operand in product.invars} == {jnp.dtype(jnp.bfloat16)}
    states_BTD, table_VD = traced.out_avals
    assert (states_BTD.dtype, table_VD.dtype) == (jnp.bfloat16, jnp.float32)


@pytest.mark.parametrize(
    "name", ["none-lstm-bi", "luong-feeding-neural-dot", "bahdanau-neural-concat", "mixed-transformer-luong"]
)
def test_in_bfloat16_what_a_recurrence_keeps_stays_float32(name):
    """The states of cells and of the reader; s̃ is an activation and bfloat16."""
    translator, params = translator_and_params(name)

    @jax.jit
    def three_steps(params):
        apply = partial(translator.clone(dtype=jnp.bfloat16).apply, {"params": params})
        memory = apply(SOURCE_BS, method="encode")
        cache = apply(memory, 1, 5, method="start")
        for token in TARGET_BT.T[:3]:
            _, cache = apply(memory, token, cache, method="step")
        return memory.initial, cache

    initial, cache = three_steps(params)
    assert isinstance(cache, RecurrentCache)
    assert cache.attentional_XD.dtype == jnp.bfloat16
    for state_XD in jax.tree.leaves((initial, cache.states)):
        assert has_more_digits_than_bfloat16(state_XD) or not state_XD.any()  # after a Transformer, c_0 is zero
    assert {leaf.dtype for leaf in jax.tree.leaves(cache.reader)} <= {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize(
    "name",
    ["luong-linguistic-general", "bahdanau-neural-concat", "luong-feeding-local_p", "transformer-relative-local_p"],
)
def test_in_bfloat16_gradients_are_float32(name):
    """The gradients of embeddings and of weights inside a recurrence are sums, not rounded to bfloat16."""
    translator, params = translator_and_params(name)
    objective = make_objective(translator, smoothing=0.1, precision="bfloat16")
    gradient = jax.jit(jax.grad(lambda params: objective(params, BATCH, jax.random.key(0)).loss))(params)
    for path, leaf in jax.tree_util.tree_flatten_with_path(gradient)[0]:
        where = jax.tree_util.keystr(path)
        assert leaf.dtype == jnp.float32, where
        assert np.isfinite(leaf).all(), where
        if "embeddings" in where or "'recurrent'" in where:
            used = np.asarray(leaf)[np.asarray(leaf).any(axis=1)]
            assert has_more_digits_than_bfloat16(used), where


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["luong-feeding-neural-dot", "transformer-relative-local_p"])
def test_a_training_step_has_no_product_in_the_backend_s_default_precision(name, precision):
    translator = build(config(name))
    optimiser = make_optimiser(
        "adam", lambda _: 1e-3, beta1=0.9, beta2=0.98, epsilon=1e-9, weight_decay=0.0, clip_norm=1.0
    )
    objective = make_objective(translator, smoothing=0.1, precision=precision)
    step = float32_products(partial(make_step(objective, optimiser, parts=1, ema_decay=0.0), axis=()))
    state = jax.eval_shape(partial(initial_state, optimiser=optimiser, averaging=False), shapes(translator))
    found = products(jax.make_jaxpr(step)(state, BATCH, np.int32(0)).jaxpr)
    assert found
    assert {product.params["precision"] for product in found} == {(Precision.HIGHEST, Precision.HIGHEST)}


class Uncompiled:
    """A runner that returns what `Devices` would compile."""

    def run(self, function):
        return float32_products(function)


@pytest.mark.parametrize("search", [Greedy(), Beam(3, 1, 1.0, "mean", 0.2)], ids=["greedy", "beam"])
@pytest.mark.parametrize("name", ["bahdanau-concat-gru-bi", "transformer-pre-all"])
def test_a_search_has_no_product_in_the_backend_s_default_precision(name, search):
    translator = build(config(name))
    batch = {"source_BS": SOURCE_BS, "limits_B": np.array([5, 5], np.int32)}
    traced = jax.make_jaxpr(program(translator, Uncompiled(), search, 20))(shapes(translator), batch)
    found = products(traced.jaxpr)
    assert found
    assert {product.params["precision"] for product in found} == {(Precision.HIGHEST, Precision.HIGHEST)}

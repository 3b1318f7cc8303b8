"""Scanned layers: the function, in every form, of layers that are written out, and parameters that can be converted."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.attention.dropout import Dropout
from research.models.interventions import AttentionHead, reading_by, without_head
from research.models.layers import stacked, through, unstacked
from research.models.translator import cross_attention
from research.training.step import initial_state
from research.training.translator_training import make_objective
from tests.models import variants

LAYERS = {"encoder_layers": 3, "decoder_layers": 2}
SOURCE_BS = np.array([[4, 9, 5, 16, 3, 8, 2], [11, 6, 2, 0, 0, 0, 0]], np.int32)
TARGET_BT = np.array([[1, 7, 18, 4, 9], [1, 12, 5, 3, 13]], np.int32)
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}  # float32, sums in another order
FAMILIES = [
    "transformer-pre-all",
    pytest.param("mixed-transformer-luong", marks=pytest.mark.slow),
    pytest.param("mixed-bi-transformer", marks=pytest.mark.slow),
    pytest.param("transformer-post-decoder", marks=pytest.mark.slow),
    pytest.param("transformer-grouped-rotary", marks=pytest.mark.slow),
    pytest.param("transformer-relative-local_p", marks=pytest.mark.slow),
    pytest.param("transformer-learned-alibi", marks=pytest.mark.slow),
    pytest.param("transformer-sparse", marks=pytest.mark.slow),
]


def both(name, **fields):
    """Return a model written out with random parameters, and the scanned one with the same, stacked."""
    apart, scanned = (
        variants.build(variants.config(name, scan_layers=form, **LAYERS, **fields)) for form in (False, True)
    )
    random = np.random.default_rng(0)
    params = jax.tree.map(lambda x: (0.4 * random.normal(size=x.shape)).astype(np.float32), variants.shapes(apart))
    together = stacked(params)
    assert jax.tree.map(np.shape, together) == jax.tree.map(lambda x: x.shape, variants.shapes(scanned))
    return (apart, params), (scanned, together)


@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.parametrize("name", [*FAMILIES, pytest.param("transformer-blockwise-alibi", marks=pytest.mark.slow)])
def test_loss_and_gradient_are_the_same(name, remat):
    """Without dropout, whose masks are others; remat is of the scanned form alone."""
    no_dropout = dict.fromkeys(("dropout", "attention_dropout", "activation_dropout"), 0.0)
    results = []
    for (translator, params), again in zip(both(name, **no_dropout), (False, remat), strict=True):
        sides = {side: getattr(translator, side) for side in ("source_side", "target_side")}
        changed = {name: side.clone(remat=again) for name, side in sides.items() if hasattr(side, "scan_layers")}
        objective = make_objective(translator.clone(**changed), smoothing=0.1, precision="float32")
        batch = {"source_BS": SOURCE_BS, "target_in_BT": TARGET_BT, "target_out_BT": np.roll(TARGET_BT, -1, 1)}
        loss = jax.jit(
            jax.value_and_grad(lambda params, of=objective, on=batch: of(params, on, jax.random.key(0)).loss)
        )
        results.append(loss(params))
    (loss, gradient), (also, found) = results
    np.testing.assert_allclose(also, loss, rtol=1e-5)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4), found, stacked(gradient))


@pytest.mark.parametrize("name", [*FAMILIES, pytest.param("transformer-none-queries", marks=pytest.mark.slow)])
def test_logits_weights_and_steps_are_the_same(name):
    """Teacher-forced, and two steps of two hypotheses a sentence with a reordered cache between them."""

    def everything(translator, params):
        apply = partial(translator.apply, {"params": params})
        logits_BTV, sown = apply(SOURCE_BS, TARGET_BT, mutable=["attention"])
        memory = apply(SOURCE_BS, method="encode")
        assert {leaf.shape[0] for leaf in jax.tree.leaves(memory)} == {len(SOURCE_BS)}
        cache, found = apply(memory, 2, 5, method="start"), [(logits_BTV, cross_attention(sown))]
        for tokens_X, parents_X in (([1, 1, 1, 1], [1, 0, 2, 2]), ([7, 3, 8, 2], [0, 0, 3, 2])):
            stepped = apply(memory, jnp.array(tokens_X), cache, method="step", mutable=["attention"])
            (logits_XV, cache), sown = stepped
            cache = apply(cache, jnp.array(parents_X), method="reorder")
            found.append((logits_XV, cross_attention(sown)))
        return found

    expected, found = (jax.jit(partial(everything, translator))(params) for translator, params in both(name))
    jax.tree.map(partial(np.testing.assert_allclose, **TOLERANCE), found, expected)
    assert jax.tree.structure(found) == jax.tree.structure(expected)  # the layers' names


@pytest.mark.parametrize("head", [AttentionHead("encoder", 2, 1), AttentionHead("cross", 1, 0)], ids=str)
def test_interventions_are_the_same(head):
    (apart, params), (scanned, together) = both("transformer-pre-all")
    found, expected = without_head(scanned, together, head), stacked(without_head(apart, params, head))
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    changed = [bool((a != b).any()) for a, b in zip(*map(jax.tree.leaves, (found, together)), strict=True)]
    assert sum(changed) == 1
    with pytest.raises(ValueError, match=r"has no head cross\.layer_2"):
        without_head(scanned, together, AttentionHead("cross", 2, 0))
    assert reading_by(scanned, "uniform").target_side.scan_layers


def equations(jaxpr):
    """Return how many equations a program has, those of its loops' bodies once."""
    inner = [
        sub for eqn in jaxpr.eqns for value in eqn.params.values() for sub in jax.tree.leaves(value, is_leaf=is_program)
    ]
    return len(jaxpr.eqns) + sum(equations(getattr(sub, "jaxpr", sub)) for sub in inner if is_program(sub))


def is_program(value):
    return isinstance(value, jax.extend.core.Jaxpr | jax.extend.core.ClosedJaxpr)


def test_the_program_does_not_grow_with_the_layers():
    def size(layers, scan_layers):
        model = variants.config("transformer-pre-all", layers=layers, scan_layers=scan_layers, remat=True)
        translator = variants.build(model)
        objective = make_objective(translator, smoothing=0.1, precision="float32")
        batch = {"source_BS": SOURCE_BS, "target_in_BT": TARGET_BT, "target_out_BT": TARGET_BT}
        gradient = jax.grad(lambda params: objective(params, batch, jax.random.key(0)).loss)
        return equations(jax.make_jaxpr(gradient)(variants.shapes(translator)).jaxpr)

    assert size(2, True) == size(5, True) < size(2, False) < size(5, False)


def test_each_layer_has_an_initialisation_of_its_own():
    """Glorot's of one layer: uniform up to √(6 / (fan in + fan out)), of the shape without the axis of layers."""
    translator = variants.build(variants.config("transformer-pre-all", width=24, ffn=50, scan_layers=True, **LAYERS))
    params = jax.jit(translator.init)(jax.random.key(0), SOURCE_BS, TARGET_BT)["params"]
    kernel_LDF = np.asarray(params["encoder"]["layer"]["position_wise"]["inner"]["kernel"])
    limit = (6 / (24 + 50)) ** 0.5
    assert kernel_LDF.shape == (3, 24, 50)
    np.testing.assert_allclose(np.abs(kernel_LDF).max(axis=(1, 2)), limit, rtol=0.01)
    np.testing.assert_allclose(kernel_LDF.std(axis=(1, 2)), limit / 3**0.5, rtol=0.1)
    for leaf in jax.tree.leaves(params["decoder"]["layer"]):
        first, second = np.asarray(leaf)
        assert leaf.ndim < 3 or (first != second).mean() > 0.9  # biases and scales are constant at the start


class Noise(nn.Module):
    """A layer with dropout and no weights."""

    def setup(self):
        self.drop = Dropout(0.5, deterministic=False)

    def __call__(self, x):
        return self.drop(x)


def test_each_layer_has_dropout_of_its_own():
    class Side(nn.Module):
        def setup(self):
            self.layer = Noise()

        def __call__(self):
            return through(self.layer, lambda layer, x: (x, layer(x)), jnp.ones(100), count=3)[1]

    dropped_LD = np.asarray(Side().apply({}, rngs={"dropout": jax.random.key(0)}))
    assert set(np.unique(dropped_LD)) == {0.0, 2.0}
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert 20 < (dropped_LD[one] != dropped_LD[other]).sum() < 80


def test_a_training_state_is_converted_there_and_back():
    """Moments and averages too. Eleven layers: layer_10 comes after layer_9."""

    def layer(number):
        return {"inner": {"kernel": np.full((2, 3), number, np.float32), "scale": np.float32(number)}}

    params = {
        "embeddings": {"target": np.ones((5, 2), np.float32)},
        "encoder": {f"layer_{number}": layer(number) for number in range(11)} | {"norm": {"bias": np.ones(2)}},
        "decoder": {"stack_0": {"input": np.ones((2, 2), np.float32)}},
    }
    state = jax.device_get(initial_state(params, optax.adamw(0.1), averaging=True))
    together = stacked(state)
    kernel_LDF = together.params["encoder"]["layer"]["inner"]["kernel"]
    assert kernel_LDF.shape == (11, 2, 3)
    assert kernel_LDF[:, 0, 0].tolist() == list(range(11))
    assert list(together.params["encoder"]) == ["norm", "layer"]
    assert together.params["decoder"] == state.params["decoder"]
    for tree in (together.optimiser[0].mu, together.optimiser[0].nu, together.averaged):
        assert jax.tree.map(np.shape, tree) == jax.tree.map(np.shape, together.params)
    back = unstacked(together)
    assert jax.tree.structure(back) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, back, state)
    jax.tree.map(np.testing.assert_array_equal, unstacked(state), state)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(back))

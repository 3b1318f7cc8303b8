"""An accelerator computes what the CPU computes, in every form of the models: `make test-accelerator`, where one is.

Without one, the last of the CPU devices stands in its place, and what is tested is these tests.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.kernels import KERNELS
from research.attention.windows import Window
from research.decoding.search import Beam, Greedy, program
from research.parallel.devices import STRATEGIES, Devices, float32_products
from research.training.optimiser import make_optimiser
from research.training.step import initial_state, make_step
from research.training.translator_training import make_objective
from tests.decoding.random_model import random_model
from tests.decoding.test_invariance import SENTENCES, VOCABULARY, batch
from tests.models.test_precision import BATCH, SOURCE_BS, TARGET_BT
from tests.models.variants import build, config, covering, translator_and_params

pytestmark = pytest.mark.accelerator
CPU, OTHER = jax.devices("cpu")[0], jax.devices()[-1]
QUICK = ("luong-feeding-neural-dot", "bahdanau-neural-concat", "transformer-relative-local_p")
OTHERS = [*QUICK[1:], *(name for name in covering() if name not in QUICK)]
NAMES = [QUICK[0], *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
ROUNDING = 2.0**-8  # of bfloat16, relative


def on(device, function, *arguments):
    """Return what a function gives on a device, as NumPy arrays."""
    return jax.device_get(jax.jit(float32_products(function))(*jax.device_put(arguments, device)))


def logits(translator, params, device):
    return on(device, lambda params: translator.apply({"params": params}, SOURCE_BS, TARGET_BT), params)


def close_to_the_largest(found, expected, share):
    """Compare arrays within a share of the largest number."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=share * np.abs(expected).max())


@pytest.mark.parametrize("name", NAMES)
def test_logits_in_float32(name):
    translator, params = translator_and_params(name)
    close_to_the_largest(logits(translator, params, OTHER), logits(translator, params, CPU), 1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_logits_in_bfloat16(name):
    """They are near those of float32: a sum of numbers that are each rounded to eight bits."""
    translator, params = translator_and_params(name)
    found = logits(translator.clone(dtype=jnp.bfloat16), params, OTHER)
    assert found.dtype == np.float32
    expected = logits(translator, params, CPU)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 8 * ROUNDING * np.abs(expected).max()


@pytest.mark.parametrize("name", NAMES)
def test_token_by_token_is_all_at_once(name):
    if "future" in name:
        pytest.skip("a decoder that sees the future cannot write token by token")
    translator, params = translator_and_params(name)

    def step_by_step(params):
        apply = partial(translator.apply, {"params": params})
        memory = apply(SOURCE_BS, method="encode")
        cache, each = apply(memory, 1, TARGET_BT.shape[1], method="start"), []
        for token_B in TARGET_BT.T:
            logits_BV, cache = apply(memory, token_B, cache, method="step")
            each.append(logits_BV)
        return jnp.stack(each, axis=1)

    close_to_the_largest(on(OTHER, step_by_step, params), logits(translator, params, OTHER), 1e-5)


@pytest.mark.parametrize("search", [Greedy(), Beam(3, 3, 0.6, "gnmt", 0.2)], ids=["greedy", "beam"])
@pytest.mark.parametrize("name", ["luong", pytest.param("transformer", marks=pytest.mark.slow)])
def test_translations(name, search):
    translator, params = random_model(name, VOCABULARY)
    found, expected = (
        program(translator, Devices(devices=[device]), search, 1)(params, batch(list(range(SENTENCES)), 6))
        for device in (OTHER, CPU)
    )
    np.testing.assert_array_equal(found.tokens_BNT, expected.tokens_BNT)
    np.testing.assert_allclose(found.scores_BN, expected.scores_BN, rtol=1e-4, atol=1e-5)


def losses(name, devices, steps=4):
    """Return the loss and the norm of the gradient of some steps without dropout."""
    model = config(name)
    model.update({field: 0.0 for field in model if field.endswith("dropout")})
    translator, params = build(model), translator_and_params(name)[1]
    optimiser = make_optimiser(
        "adam", lambda _: 1e-3, beta1=0.9, beta2=0.98, epsilon=1e-9, weight_decay=0.0, clip_norm=1.0
    )
    objective = make_objective(translator, smoothing=0.1, precision="float32")
    run = devices.spread(make_step(objective, optimiser, parts=1, ema_decay=0.0))
    state = devices.place(initial_state(params, optimiser, averaging=False))
    found = []
    for _ in range(steps):
        state, metrics = run(state, BATCH, 0)
        found.append([float(metrics[each]) for each in ("loss", "gradient_norm")])
    return found


@pytest.mark.parametrize("name", [QUICK[0], *(pytest.param(name, marks=pytest.mark.slow) for name in QUICK[1:])])
def test_training(name):
    np.testing.assert_allclose(
        losses(name, Devices(devices=[OTHER])), losses(name, Devices(devices=[CPU])), rtol=1e-4, atol=1e-5
    )


@pytest.mark.skipif(len(jax.devices()) < 2, reason="there is one accelerator: no two to compare")
@pytest.mark.parametrize("strategy", [pytest.param(each, marks=pytest.mark.slow) for each in STRATEGIES])
def test_training_on_two(strategy):
    name = QUICK[-1]
    np.testing.assert_allclose(
        losses(name, Devices(strategy, jax.devices()[:2])), losses(name, Devices(devices=[CPU])), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_of_attention(kernel, dtype):
    """Values and gradients of each kernel, at a size that the kernels of accelerators take, against the CPU's."""
    random = np.random.default_rng(0)
    inputs = [random.normal(size=(2, 4, 64, 64)).astype(np.float32) for _ in range(3)]
    words_BS = np.arange(64) < np.array([[64], [37]])

    def value_and_gradient(*inputs):
        def total(*inputs):
            context = KERNELS[kernel](*(x.astype(dtype) for x in inputs), Window(words_BS, None, 0), None)
            return jnp.sum(context.astype(jnp.float32) ** 2), context

        return jax.grad(total, argnums=(0, 1, 2), has_aux=True)(*inputs)

    def reference(*inputs):
        def total(*inputs):
            context = KERNELS["reference"](*inputs, Window(words_BS, None, 0), None)
            return jnp.sum(context**2), context

        return jax.grad(total, argnums=(0, 1, 2), has_aux=True)(*inputs)

    share = 1e-5 if dtype == jnp.float32 else 4 * ROUNDING
    for found, expected in zip(
        jax.tree.leaves(on(OTHER, value_and_gradient, *inputs)),
        jax.tree.leaves(on(CPU, reference, *inputs)),
        strict=True,
    ):
        close_to_the_largest(np.asarray(found, np.float32), expected, share)

"""Activations that are computed again: the same numbers, dropout and all, in less memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research import models
from research.training.translator_training import make_objective
from tests.models import variants

VOCABULARY = 19


def gradient(name, *, remat, rows=3, length=7, options=None, **fields):
    """Return a compiled loss with its gradient, by dropout, and its arguments."""
    model = variants.config(name, remat=remat, **fields)
    translator = models.build(model, source_vocabulary=VOCABULARY, target_vocabulary=VOCABULARY)
    random = np.random.default_rng(0)
    ids_BT = random.integers(1, VOCABULARY, (rows, length)).astype(np.int32)
    batch = dict.fromkeys(("source_BS", "target_in_BT", "target_out_BT"), ids_BT)
    objective = make_objective(translator, smoothing=0.1, precision="float32")
    params = jax.jit(translator.init)(jax.random.key(0), ids_BT, ids_BT)["params"]
    loss = jax.jit(jax.value_and_grad(lambda params, key: objective(params, batch, key).loss))
    arguments = params, jax.random.key(5)
    return loss.lower(*arguments).compile(options), arguments


@pytest.mark.parametrize(
    "name",
    [
        "transformer-pre-all",
        "luong-general-lstm-bi-2",  # layer by layer
        "bahdanau-concat-gru-bi",  # all layers of the decoder in one loop
        pytest.param("none-residual-3", marks=pytest.mark.slow),
        pytest.param("luong-residual-feeding-2-3", marks=pytest.mark.slow),
        pytest.param("bahdanau-neural-concat", marks=pytest.mark.slow),
        pytest.param("bahdanau-future-gru", marks=pytest.mark.slow),
        pytest.param("mixed-transformer-luong", marks=pytest.mark.slow),
        pytest.param("mixed-bi-transformer", marks=pytest.mark.slow),
        pytest.param("transformer-relative-local_p", marks=pytest.mark.slow),
        pytest.param("transformer-blockwise-alibi", marks=pytest.mark.slow),
    ],
)
def test_loss_and_gradient_are_the_same(name):
    kept, arguments = gradient(name, remat=False)
    again, same = gradient(name, remat=True)
    jax.tree.map(np.testing.assert_array_equal, arguments[0], same[0])  # parameters have the same names and values
    results = kept(*arguments), again(*arguments)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), *results)


@pytest.mark.parametrize(
    ("name", "share"), [("transformer-pre-all", 0.3), ("none-residual-3", 0.3), ("bahdanau-residual-gru-3", 0.3)]
)
def test_less_is_kept_for_the_backward_pass(name, share):
    """The inputs of the layers, and what is outside of them: embeddings, output layer and loss."""
    kept = []
    for remat in (False, True):
        model = variants.config(name, remat=remat, layers=4)
        translator = models.build(model, source_vocabulary=VOCABULARY, target_vocabulary=VOCABULARY)
        objective = make_objective(translator, smoothing=0.1, precision="float32")
        ids_BT = jax.ShapeDtypeStruct((8, 16), jnp.int32)
        batch = dict.fromkeys(("source_BS", "target_in_BT", "target_out_BT"), ids_BT)
        params = jax.eval_shape(translator.init, jax.random.key(0), ids_BT, ids_BT)["params"]

        def residuals(params, batch, key, objective=objective):
            return jax.vjp(lambda params: objective(params, batch, key).loss, params)[1]

        found = jax.eval_shape(residuals, params, batch, jax.random.key(1))
        kept.append(sum(leaf.size for leaf in jax.tree.leaves(found)))
    assert kept[1] < share * kept[0]


@pytest.mark.slow
def test_a_deep_model_needs_less_memory():
    """Their activations are most of what a step needs beside the parameters.

    XLA's pass for CPUs that removes barriers is left out: after it, what is computed twice is merged again, so that
    only accelerators gain.
    """
    bytes_needed = []
    for remat in (False, True):
        deep = {"rows": 16, "length": 32, "encoder_layers": 4, "decoder_layers": 1}
        options = {"xla_disable_hlo_passes": "cse_barrier_expander"}
        compiled, _ = gradient("transformer-pre-all", remat=remat, options=options, **deep)
        bytes_needed.append(compiled.memory_analysis().temp_size_in_bytes)
    assert bytes_needed[1] < 0.5 * bytes_needed[0]

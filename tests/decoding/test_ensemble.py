"""An ensemble is the mean of its members' probabilities, in everything that a translator does."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.data.vocabulary import BOS, PAD
from research.decoding.search import Beam, program
from research.models.ensemble import Ensemble, by_member, ensemble
from research.models.translator import cross_attention
from research.parallel.devices import Devices
from tests.decoding.random_model import random_model

VOCABULARY = 19
SOURCE_BS = np.array([[4, 9, 5, 16, 2], [11, 6, 2, 0, 0]], np.int32)
TARGET_BT = np.array([[1, 7, 18], [1, 12, 5]], np.int32)


@pytest.fixture(scope="module")
def models():
    return [random_model("luong", VOCABULARY), random_model("transformer", VOCABULARY)]


def read(translator, params, target_in_BT=TARGET_BT):
    """Return logits_BTV, float64, and the sown values."""
    run = jax.jit(partial(translator.apply, mutable=["attention"]))
    logits_BTV, sown = run({"params": params}, SOURCE_BS, target_in_BT)
    return np.asarray(logits_BTV, np.float64), sown


def logits(translator, params):
    return read(translator, params)[0]


def mean_log_p(models):
    """Return log 1/M Σ softmax, in NumPy."""
    powers = [np.exp(logits(*model)) for model in models]
    return np.log(np.mean([power / power.sum(axis=-1, keepdims=True) for power in powers], axis=0))


def test_decode_and_step_are_the_mean_of_the_probabilities(models):
    translator, params = ensemble(models)
    expected_BTV = mean_log_p(models)
    np.testing.assert_allclose(logits(translator, params), expected_BTV, rtol=1e-4, atol=1e-5)

    @jax.jit
    def stepped(params, tokens_TX):
        """Step two hypotheses a sentence; the second begins otherwise and then continues the first."""
        apply = partial(translator.apply, {"params": params})
        memory = apply(SOURCE_BS, method="encode")

        def one(cache, token_X):
            logits_XV, cache = apply(memory, token_X, cache, method="step")
            return apply(cache, jnp.array([0, 0, 2, 2]), method="reorder"), logits_XV

        return jax.lax.scan(one, apply(memory, 2, 3, method="start"), tokens_TX)[1]

    tokens_TX = np.repeat(TARGET_BT, 2, axis=0).T.copy()
    tokens_TX[0, [1, 3]] = 3, 4
    logits_TBNV = stepped(params, tokens_TX).reshape(3, 2, 2, -1)
    np.testing.assert_allclose(logits_TBNV[:, :, 0].swapaxes(0, 1), expected_BTV, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits_TBNV[1:, :, 1].swapaxes(0, 1), expected_BTV[:, 1:], rtol=1e-4, atol=1e-5)


def test_ensemble_of_one_equals_its_member(models):
    translator, params = models[0]
    assert ensemble(models[:1]) == (translator, params)
    alone = Ensemble(members=(translator,))
    expected = jax.nn.log_softmax(logits(translator, params))
    np.testing.assert_allclose(logits(alone, {"members_0": params}), expected, rtol=1e-4, atol=1e-5)


def test_ensemble_of_two_equal_members_equals_either(models):
    translator, params = models[0]
    twice, both = ensemble([models[0], models[0]])
    np.testing.assert_allclose(
        logits(twice, both), jax.nn.log_softmax(logits(translator, params)), rtol=1e-4, atol=1e-5
    )
    other = random_model("luong", VOCABULARY, seed=2)
    mixed = ensemble([models[0], other])
    np.testing.assert_allclose(logits(*mixed), mean_log_p([models[0], other]), rtol=1e-4, atol=1e-5)


def test_attention_weights_are_kept_by_member(models):
    translator, params = ensemble(models)
    _, sown = read(translator, params)
    for own, model in zip(by_member(sown), models, strict=True):
        _, alone = read(*model)
        assert by_member(alone) == [alone]
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5), cross_attention(own), cross_attention(alone))
    with pytest.raises(ValueError, match="this needs a single model, not an ensemble"):
        translator.apply({"params": params}, SOURCE_BS, TARGET_BT, method="outputs")


def test_coverage_of_an_ensemble_is_over_members_with_attention(models):
    """A member without attention changes the probabilities, not the coverage."""
    translator, params = ensemble([models[0], random_model("none", VOCABULARY)])
    batch = {"source_BS": SOURCE_BS[:1], "limits_B": np.array([2], np.int32)}
    one = Devices(devices=jax.devices()[:1])
    scores = []
    for beta in (0.0, 1.0):
        found = program(translator, one, Beam(2, 2, 0.0, "mean", beta), 1)(params, batch)
        scores.append(dict(zip(map(tuple, found.tokens_BNT[0, :, :2].tolist()), found.scores_BN[0], strict=True)))
    assert scores[0].keys() == scores[1].keys()
    for (first, second), before in scores[0].items():
        steps = 1 if second == PAD else 2
        _, sown = read(*models[0], np.array([[BOS, first]] * 2))
        read_S = np.asarray(cross_attention(sown)["layer_0"], np.float64)[0, 0, :steps].sum(axis=0)
        penalty = np.log(np.minimum(read_S, 1.0)).sum()
        np.testing.assert_allclose(scores[1][first, second] - before, penalty, rtol=1e-4)

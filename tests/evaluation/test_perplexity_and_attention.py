"""Perplexity, token accuracy and attention weights of small real models, against NumPy over the model's own logits."""

import math

import jax
import numpy as np
import pytest

from research.data.examples import Examples, Sentences
from research.data.vocabulary import BOS, EOS
from research.evaluation.attention import MEAN, SentenceAttention, attention_weights, heads_and_means
from research.evaluation.perplexity import cross_entropy
from research.models.translator import cross_attention
from research.parallel.devices import Devices
from research.results.sums import CrossEntropy, order_sensitivity
from tests.decoding.random_model import random_model

VOCABULARY = 23
random = np.random.default_rng(0)
EXAMPLES = Examples(*(
    Sentences([random.integers(3, VOCABULARY, length).tolist() for length in lengths])
    for lengths in [(3, 1, 6, 0, 7, 5, 2, 4, 3, 6, 7), (2, 4, 7, 3, 0, 6, 1, 5, 7, 3, 6)]
))  # fmt: skip


def padded(sentences, index, before=(), after=()):
    """Return one sentence, padded further than evaluation pads it."""
    ids = [*before, *sentences[index].tolist(), *after]
    return np.array([ids + [0] * (11 - len(ids))]), len(ids)


@pytest.fixture(scope="module", params=["luong", "transformer"])
def model(request):
    return random_model(request.param, VOCABULARY)


@pytest.fixture(scope="module")
def forced(model):
    """Return (logits_TV, layers, targets) of each example alone, T its own length."""
    translator, params = model
    apply = jax.jit(
        lambda *ids: translator.apply({"params": jax.tree.map(jax.numpy.array, params)}, *ids, mutable="attention")
    )
    found = []
    for index in range(EXAMPLES.count):
        source, size = padded(EXAMPLES.sources, index, after=[EOS])
        target_in, length = padded(EXAMPLES.targets, index, before=[BOS])
        logits, sown = apply(source, target_in)
        layers = {name: np.array(x)[0, :, :length, :size] for name, x in cross_attention(sown).items()}
        found.append((np.array(logits, np.float64)[0, :length], layers, [*EXAMPLES.targets[index].tolist(), EOS]))
    return found


@pytest.mark.parametrize("devices", [1, 8])
def test_cross_entropy_equals_numpy(model, forced, devices):
    nats = correct = tokens = 0
    for logits_TV, _, targets in forced:
        log_p_TV = logits_TV - np.log(np.exp(logits_TV).sum(axis=1, keepdims=True))
        nats -= sum(log_p_TV[position, token] for position, token in enumerate(targets))
        correct += sum(int(logits_V.argmax() == token) for logits_V, token in zip(logits_TV, targets, strict=True))
        tokens += len(targets)
    reported = []
    found = cross_entropy(
        *model,
        EXAMPLES,
        devices=Devices(devices=jax.devices()[:devices]),
        batch_sentences=7,
        progress=reported.append,
    )
    assert (found.correct, found.tokens, sum(reported)) == (correct, tokens, EXAMPLES.count)
    assert 0 < correct < tokens
    assert found.nats == pytest.approx(nats, rel=1e-5)
    assert found.perplexity == pytest.approx(math.exp(nats / tokens), rel=1e-5)
    assert found.token_accuracy == correct / tokens
    assert found.perplexity_per(7) == pytest.approx(math.exp(nats / 7), rel=1e-5)


def test_attention_weights_are_those_of_the_model(model, forced):
    devices = Devices(devices=jax.devices()[:1])
    found = list(attention_weights(*model, EXAMPLES, devices=devices, batch_sentences=7))
    assert sorted(each.sentence for each in found) == list(range(EXAMPLES.count))
    for each in found:
        _, layers, _ = forced[each.sentence]
        assert list(each.layers) == list(layers)
        for name, weights_HTS in layers.items():
            np.testing.assert_allclose(each.layers[name], weights_HTS, atol=1e-5)
            np.testing.assert_allclose(each.mean_TS(name), weights_HTS.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(each.mean_TS(MEAN).sum(axis=1), 1.0, rtol=1e-5)


def test_names_of_heads_and_means():
    first, second = np.arange(6.0).reshape(2, 1, 3), np.ones((1, 1, 3))
    assert {name: weights_TS.tolist() for name, weights_TS in heads_and_means({"layer_0": first}).items()} == {
        "layer_0": [[1.5, 2.5, 3.5]], "layer_0.head_0": [[0, 1, 2]], "layer_0.head_1": [[3, 4, 5]],
    }  # fmt: skip
    found = heads_and_means({"layer_0": first, "layer_1": second})
    assert list(found) == ["layer_0", "layer_0.head_0", "layer_0.head_1", "layer_1", MEAN]
    np.testing.assert_allclose(found[MEAN], [[4 / 3, 2, 8 / 3]])  # of all three heads, not of two layers
    assert list(heads_and_means({"layer_0": second})) == ["layer_0"]


def test_a_model_without_attention_has_no_weights():
    found = attention_weights(*random_model("none", VOCABULARY), EXAMPLES, devices=Devices(), batch_sentences=11)
    assert all(each == SentenceAttention(each.sentence, {}) for each in found)


def test_shuffled_sources_hold_the_same_ids():
    shuffled = EXAMPLES.sources.shuffled(0)
    pairs = [(EXAMPLES.sources[index], shuffled[index]) for index in range(EXAMPLES.count)]
    assert all(sorted(ids) == sorted(other) for ids, other in pairs)
    assert sum(ids.tolist() != other.tolist() for ids, other in pairs) >= 7  # of 11, two of them of 0 and 1 ids
    assert [ids.tolist() for ids in shuffled] == [ids.tolist() for ids in EXAMPLES.sources.shuffled(0)]


@pytest.mark.parametrize(("positions", "blind"), [("none", True), ("sinusoidal", False), ("rotary", False)])
def test_order_sensitivity_is_zero_without_positions(positions, blind):
    model = random_model("transformer", VOCABULARY, positions=positions)
    each = {"devices": Devices(devices=jax.devices()[:1]), "batch_sentences": 11}
    before = cross_entropy(*model, EXAMPLES, **each)
    after = cross_entropy(*model, Examples(EXAMPLES.sources.shuffled(0), EXAMPLES.targets), **each)
    found = order_sensitivity(before.nats, after.nats, before.tokens)
    assert found * before.tokens == pytest.approx(after.nats - before.nats)
    assert (abs(found) < 1e-5) is blind


def test_perplexity_too_large_for_a_float_is_infinite():
    assert CrossEntropy(nats=7100.0, correct=0, tokens=7).perplexity == math.inf


def test_perplexity_needs_references():
    cases = {
        "there must be one: these examples have no targets": Examples(EXAMPLES.sources),
        "needs references, and at least one": Examples(Sentences([]), Sentences([])),
    }
    for sentence, examples in cases.items():
        with pytest.raises(ValueError, match=sentence):
            cross_entropy(None, None, examples, devices=Devices(), batch_sentences=7)

"""Forced decoding against the softmax of all logits, and against the scores that beam search gives."""

import jax
import numpy as np
import pytest

from research.data.examples import Examples, Sentences
from research.data.pairs import Pair
from research.data.vocabulary import BOS, EOS, Vocabularies
from research.decoding.forced import force
from research.decoding.translate import translate_n_best
from research.models.ensemble import ensemble
from research.parallel.devices import Devices
from tests.decoding.random_model import random_model

LINES = ["the dog runs", "a cat", "two old dogs run", "run", "a dog sees a cat", "cats", "see the old cat"]


@pytest.fixture(scope="module")
def vocabularies():
    return Vocabularies.train([Pair(line, line) for line in LINES], joint=True, kind="bpe", size=31)


@pytest.fixture(scope="module", params=["luong", "transformer", "ensemble"])
def model(request, vocabularies):
    if request.param == "ensemble":
        return ensemble([random_model(name, len(vocabularies.target)) for name in ("luong", "bahdanau")])
    return random_model(request.param, len(vocabularies.target))


def test_equals_log_softmax_for_every_example_once(model):
    translator, params = model
    sources, targets = [[5, 9, 7], [4], [], [8, 6]], [[7, 11], [], [6, 6, 9, 4], [12]]
    reported = []
    examples = Examples(Sentences(sources), Sentences(targets))
    found = sorted(force(*model, examples, devices=Devices(), batch_sentences=3, progress=reported.append))
    assert [each.sentence for each in found] == [0, 1, 2, 3]
    assert sum(reported) == len(found) == 4
    logits = jax.jit(translator.apply)
    for source, target, forced in zip(sources, targets, found, strict=True):
        source_1S, target_in_1T = np.zeros((1, 5), int), np.zeros((1, 5), int)
        source_1S[0, : len(source) + 1], target_in_1T[0, : len(target) + 1] = [*source, EOS], [BOS, *target]
        log_p_TV = np.array(jax.nn.log_softmax(logits({"params": params}, source_1S, target_in_1T)[0]), np.float64)
        expected_T = [log_p_TV[time, token] for time, token in enumerate([*target, EOS])]
        np.testing.assert_allclose(forced.log_p_T, expected_T, rtol=1e-4, atol=1e-5)
        likeliest_T = log_p_TV[: len(target) + 1].argmax(axis=1)
        np.testing.assert_array_equal(forced.likeliest_T, likeliest_T == [*target, EOS])
        np.testing.assert_allclose([forced.log_p, forced.mean], [sum(expected_T), np.mean(expected_T)], rtol=1e-4)


def test_equals_the_scores_of_beam_search(model, vocabularies):
    one = Devices(devices=jax.devices()[:1])
    options = {"devices": one, "batch_sentences": 7, "extra_tokens": 3, "max_tokens": 8}
    options |= {"beam": 3, "n_best": 3, "length_penalty": 0.6, "length_normalisation": "gnmt", "coverage_penalty": 0.0}
    found = translate_n_best(*model, vocabularies, LINES, **options)
    said = [(line, each) for line, best in zip(LINES, found.n_best, strict=True) for each in best]
    sources = Sentences(vocabularies.source.encode(line)[:7] for line, _ in said)
    targets = Sentences(each.ids for _, each in said)
    forced = sorted(force(*model, Examples(sources, targets), devices=one, batch_sentences=32))
    for (_, each), given in zip(said, forced, strict=True):
        assert len(given.log_p_T) == len(each.ids) + 1
        length = len(each.ids) + each.ended  # without eos where it was cut off
        np.testing.assert_allclose(each.score, given.log_p_T[:length].sum() / ((5 + length) / 6) ** 0.6, rtol=1e-4)


def test_refuses_examples_without_targets():
    with pytest.raises(ValueError, match="these examples have no targets"):
        next(force(None, None, Examples(Sentences([[4]])), devices=Devices(), batch_sentences=3))

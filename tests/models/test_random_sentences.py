"""Two parts of the contract over random sentences: steps equal all positions at once, and padding has no effect."""

from functools import cache, partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.variants import SOURCE_VOCABULARY, TARGET_VOCABULARY, translator_and_params

S, T = 7, 5
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
NAMES = ["bahdanau-neural-concat", "luong-feeding-local_p", "transformer-grouped-rotary", "transformer-none-queries"]
words = st.integers(3, min(SOURCE_VOCABULARY, TARGET_VOCABULARY) - 1)
sources = st.lists(st.lists(words, min_size=1, max_size=S - 2), min_size=2, max_size=2)
targets = st.lists(st.lists(words, min_size=T, max_size=T), min_size=2, max_size=2)
few = settings(max_examples=10)


def padded(sentences):
    ids_BS = np.zeros((len(sentences), S), np.int32)
    for row, sentence in enumerate(sentences):
        ids_BS[row, : len(sentence)] = sentence
    return ids_BS


@cache
def programs(name):
    """Return the programs for all positions at once and one by one, compiled once a shape."""
    translator, params = translator_and_params(name)

    def in_turn(params, source_BS, target_TB):
        apply = partial(translator.apply, {"params": params})
        memory = apply(source_BS, method="encode")
        cache = apply(memory, 1, T, method="start")

        def one(cache, token_B):
            logits_BV, cache = apply(memory, token_B, cache, method="step")
            return cache, logits_BV

        return jax.lax.scan(one, cache, target_TB)[1]

    at_once = jax.jit(lambda params, source_BS, target_BT: translator.apply({"params": params}, source_BS, target_BT))
    return partial(at_once, params), partial(jax.jit(in_turn), params)


@pytest.mark.parametrize("name", NAMES)
@few
@given(source=sources, target=targets)
def test_step_repeated_is_decode(name, source, target):
    at_once, in_turn = programs(name)
    logits_BTV = at_once(padded(source), np.array(target, np.int32))
    np.testing.assert_allclose(
        in_turn(padded(source), np.array(target, np.int32).T).swapaxes(0, 1), logits_BTV, **TOLERANCE
    )


@pytest.mark.parametrize("name", NAMES)
@few
@given(source=sources, target=targets, company=sources)
def test_other_sentences_and_padding_do_not_change_a_sentence(name, source, target, company):
    """In a batch with another sentence, with a third one, and alone without padding."""
    at_once, _ = programs(name)
    first_BT = np.array(target, np.int32)
    together = at_once(padded([source[0], company[0]]), first_BT)
    beside = at_once(padded([source[0], company[1]]), first_BT)
    np.testing.assert_allclose(together[0], beside[0], **TOLERANCE)
    alone = at_once(np.array(source[:1], np.int32), first_BT[:1])
    np.testing.assert_allclose(together[0], alone[0], **TOLERANCE)

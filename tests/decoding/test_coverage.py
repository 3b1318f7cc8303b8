"""The coverage penalty against GNMT's equation in NumPy, in a slow beam search, and on real models."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.decoding.beam import beam_search
from research.decoding.coverage import covered
from research.decoding.search import Beam, program
from research.models.translator import cross_attention
from research.parallel.devices import Devices
from tests.decoding.random_model import random_model
from tests.decoding.toy import (
    BOS,
    EOS,
    MARKS,
    PAD,
    STATES,
    after,
    bare,
    gnmt,
    reorder,
    slow_beam,
    start,
    stepper,
    tables,
)

LIMITS = [7, 9, 11, 5, 3, 1, 8]
SENTENCES, SOURCE, WORD = len(LIMITS), 5, 3
ONE = Devices(devices=jax.devices()[:1])


def random_weights(seed):
    """Return weights_BZS, the attention weights in each state of each sentence, and mask_BS."""
    random = np.random.default_rng(seed)
    mask_BS = np.arange(SOURCE)[None] < random.integers(2, SOURCE + 1, (SENTENCES, 1))
    raw_BZS = np.exp(3 * random.normal(size=(SENTENCES, STATES, SOURCE))) * mask_BS[:, None]
    return (raw_BZS / raw_BZS.sum(axis=-1, keepdims=True)).astype(np.float32), mask_BS


def penalised(weights_ZS, mask_S, beta, score):
    """Return the score of the toy by equation 14 of Wu et al. 2016: score(log p, said) + cp."""

    def of(log_p, said):
        state, coverage_S = after(0, BOS), 0.0
        for token in said:
            coverage_S = coverage_S + weights_ZS[state].astype(np.float64)
            state = after(state, token)
        return score(log_p, said) + beta * np.log(np.minimum(coverage_S[mask_S], 1.0)).sum()

    return of


def searched(tables_BSV, weights_BZS, mask_BS, limits, beam, beta, **options):
    """Run `beam_search`, jitted, with the coverage penalty over these tables and weights."""

    @jax.jit
    def run(cache, limits_B):
        def step(token_X, cache):
            logits_XV, cache = stepper(tables_BSV)(token_X, cache)
            return logits_XV, cache, jnp.asarray(weights_BZS)[cache["sentence_B"], cache["state_B"]]

        stepping, reordering, cache, penalise = covered(
            step, reorder, cache, mask_BS=mask_BS, hypotheses=beam, weight=beta
        )
        shared = {"limits_B": limits_B, "max_tokens": max(limits), "beam": beam, "penalise": penalise, **MARKS}
        return beam_search(stepping, reordering, cache, **shared, **options)

    return run(start(len(limits), beam), jnp.array(limits))


def test_waits_for_a_hypothesis_with_better_coverage():
    """The likelier hypothesis ends at once and has read one of two words; the other reads the second a step later."""
    first, second = after(0, BOS), after(after(0, BOS), WORD)
    table_1SV, weights_1ZS = np.full((1, STATES, 4), -30.0, np.float32), np.zeros((1, STATES, 2), np.float32)
    table_1SV[0, first, [EOS, WORD]] = np.log([0.6, 0.4])
    table_1SV[0, second, EOS] = 0.0
    weights_1ZS[0, first], weights_1ZS[0, second] = [0.99, 0.01], [0.01, 0.99]
    found = searched(table_1SV, weights_1ZS, np.ones((1, 2), bool), [9], 2, 1.0, length_penalty=0.0)
    assert bare(np.array(found.tokens_BNT[0, 0])) == (WORD, EOS)
    np.testing.assert_allclose(found.scores_BN, np.log([[0.4]]), rtol=1e-4)


@pytest.mark.parametrize(("beam", "beta"), [(2, 1.5), (5, 1.5), (5, 0.2)])
def test_equals_the_slow_search(beam, beta):
    tables_BSV = tables(beam, SENTENCES, 17)
    tables_BSV[:, :, EOS] += 1.5  # some end early, some late, some never
    weights_BZS, mask_BS = random_weights(beam)
    penalty = {"n_best": 2, "length_penalty": 0.6, "length_normalisation": "gnmt"}
    found = searched(tables_BSV, weights_BZS, mask_BS, LIMITS, beam, beta, **penalty)
    unchanged = 0
    for sentence, limit in enumerate(LIMITS):
        score = penalised(weights_BZS[sentence], mask_BS[sentence], beta, gnmt(0.6))
        slow = slow_beam(tables_BSV[sentence], limit, beam, score)[:2]
        assert [bare(tokens) for tokens in np.array(found.tokens_BNT[sentence])] == [said for _, said in slow]
        np.testing.assert_allclose(found.scores_BN[sentence], [score for score, _ in slow], rtol=1e-5)
        unchanged += slow_beam(tables_BSV[sentence], limit, beam, gnmt(0.6))[0][1] == slow[0][1]
    assert unchanged < SENTENCES or beta < 1  # the penalty changes the best hypothesis


SOURCE_BS = np.array([[4, 9, 5, 16, 2], [11, 6, 2, 0, 0]], np.int32)
BATCH = {"source_BS": SOURCE_BS, "limits_B": np.array([7, 5], np.int32)}


@pytest.mark.parametrize("name", ["luong", "transformer"])
def test_coverage_of_a_model_sums_its_attention_weights(name):
    """Against teacher forcing of all positions at once: the mean over the heads of the last layer."""
    translator, params = random_model(name, 19)
    found = program(translator, ONE, Beam(3, 3, 1.0, "mean", 0.7), 1)(params, BATCH)
    tokens_NT = found.tokens_BNT.reshape(6, -1)
    target_in_NT = np.concatenate([np.full((6, 1), BOS), tokens_NT[:, :-1]], axis=1)
    logits_NTV, sown = jax.jit(partial(translator.apply, mutable=["attention"]))(
        {"params": params}, SOURCE_BS.repeat(3, axis=0), target_in_NT
    )
    weights_NHTS = np.asarray(list(cross_attention(sown).values())[-1], np.float64)
    log_p_NTV = np.asarray(jax.nn.log_softmax(logits_NTV), np.float64)
    for row in range(6):
        length = (tokens_NT[row] != PAD).sum()
        log_p = log_p_NTV[row, np.arange(length), tokens_NT[row, :length]].sum()
        read_S = weights_NHTS[row, :, :length].mean(axis=0).sum(axis=0)[SOURCE_BS[row // 3] != PAD]
        expected = log_p / length + 0.7 * np.log(np.minimum(read_S, 1.0)).sum()
        np.testing.assert_allclose(found.scores_BN.reshape(-1)[row], expected, rtol=1e-4)


def test_refuses_a_model_without_attention():
    translator, params = random_model("none", 19)
    with pytest.raises(ValueError, match="coverage_penalty needs a model that attends, and this one does not"):
        program(translator, ONE, Beam(3, 1, 1.0, "mean", 0.2), 1)(params, BATCH)
    with pytest.raises(ValueError, match=r"coverage_penalty=-0\.1 must be at least 0"):
        Beam(3, 1, 1.0, "mean", -0.1)

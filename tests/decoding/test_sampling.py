"""Sampling against distributions written out in NumPy, and against greedy search at its limits."""

from collections import Counter
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from research.decoding.greedy import greedy
from research.decoding.sampling import candidates, row_keys, sample
from research.decoding.search import Sampling
from tests.decoding.toy import BOS, EOS, MARKS, PAD, after, bare, log_probability, start, stepper, tables

ALL = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}


def allowed(logits_V, temperature, top_k, top_p):
    """Return p_V, the distribution of one row, in NumPy and token by token."""
    p_V = np.exp(logits_V.astype(np.float64) / temperature)
    p_V[[PAD, BOS]] = 0.0
    p_V /= p_V.sum()
    best = sorted(range(len(p_V)), key=lambda token: (-p_V[token], token))[: top_k or None]
    kept, mass, whole = [], 0.0, p_V[best].sum()
    for token in best:
        if mass < top_p * whole:
            kept.append(token)
            mass += p_V[token]
    cut_V = np.where(np.isin(np.arange(len(p_V)), kept), p_V, 0.0)
    return cut_V / cut_V.sum()


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), [
    (1.0, 0, 1.0), (0.5, 0, 1.0), (2.0, 5, 1.0), (1.0, 0, 0.7), (1.3, 7, 0.9), (1.0, 0, 1e-9), (1.0, 1, 1.0),
])  # fmt: skip
def test_candidates_have_the_right_distribution(temperature, top_k, top_p):
    logits_XV = np.random.default_rng(3).normal(0, 2, (11, 13)).astype(np.float32)
    logits_XV[:, BOS] += 9  # never drawn, however likely
    run = jax.jit(partial(candidates, temperature=temperature, top_k=top_k, top_p=top_p, never=(PAD, BOS)))
    tokens_XK, mass_XK = map(np.asarray, run(logits_XV))
    for row in range(11):
        found_V = np.zeros(13)
        np.add.at(found_V, tokens_XK[row], mass_XK[row] / mass_XK[row].sum())
        np.testing.assert_allclose(found_V, allowed(logits_XV[row], temperature, top_k, top_p), atol=1e-6)


def test_top_p_keeps_the_smallest_set_of_that_mass():
    """By hand, with ties: one token of half the mass, then two of a fifth, then the rest."""
    logits_XV = jnp.log(jnp.array([[1e-9, 1e-9, 0.06, 0.2, 0.5, 0.04, 0.2]]))
    for top_p, kept in [
        (0.3, {4}),
        (0.49, {4}),
        (0.51, {4, 3}),
        (0.69, {4, 3}),
        (0.71, {4, 3, 6}),
        (0.95, {4, 3, 6, 2}),
    ]:
        tokens_XK, mass_XK = candidates(logits_XV, 1.0, 0, top_p, never=(PAD, BOS))
        assert set(tokens_XK[mass_XK > 0].tolist()) == kept


def sampled(tables_BSV, indices, limits, samples, seed=7, **how):
    """Return tokens_BNT and log p of `samples` samples of each sentence; `indices` are their indices."""
    indices = np.array(indices, np.uint32)

    @jax.jit
    def run(cache, limits_B, seed_B, index_B):
        keys_X = row_keys(seed_B, index_B, samples)
        options = {"limits_X": jnp.repeat(limits_B, samples), "max_tokens": max(limits), **MARKS, **ALL, **how}
        return sample(stepper(tables_BSV), cache, keys_X=keys_X, **options)

    seed_B = np.full(len(indices), seed, np.uint32)
    tokens_XT, scores_X = run(start(len(tables_BSV), samples), jnp.array(limits), seed_B, indices)
    shape = (len(indices), samples)
    return np.asarray(tokens_XT).reshape(*shape, -1), np.asarray(scores_X).reshape(shape)


@pytest.mark.parametrize("how", [{}, {"temperature": 0.7, "top_k": 4}, {"top_p": 0.8}])
def test_sequences_have_the_right_frequencies(how):
    """By a chi-square test over every sequence of at most two tokens."""
    table, count = tables(2, 1, 7), 40_000
    tokens_1NT, _ = sampled(table, [0], [2], count, **how)
    found = Counter(bare(tokens) for tokens in tokens_1NT[0])
    expected = {}
    for said in [(EOS,), *product([3, 4, 5, 6], [EOS, 3, 4, 5, 6])]:
        p, state = 1.0, after(0, BOS)
        for token in said:
            p *= allowed(table[0, state], **{**ALL, **how})[token]
            state = after(state, token)
        if p > 0:
            expected[said] = count * p
    assert found.keys() <= expected.keys()
    assert min(expected.values()) >= 5  # the usual condition of chi-square tests
    assert stats.chisquare([found[said] for said in expected], list(expected.values())).pvalue > 0.01


@pytest.mark.parametrize("how", [{"top_k": 1}, {"temperature": 1e-4}, {"top_p": 1e-6}])
def test_equals_greedy_search_at_its_limits(how):
    limits = [3, 5, 7, 9, 11, 2, 1]
    tables_BSV = tables(1, len(limits), 17)
    tokens_BNT, _ = sampled(tables_BSV, range(7), limits, 3, **how)
    run = jax.jit(partial(greedy, stepper(tables_BSV), max_tokens=max(limits), **MARKS))
    expected_BT = np.asarray(run(start(len(limits), 1), limits_B=jnp.array(limits)))
    np.testing.assert_array_equal(tokens_BNT, np.repeat(expected_BT[:, None], 3, axis=1))


def test_scores_are_log_p_of_the_model_whatever_the_temperature():
    tables_BSV = tables(4, 5, 11)
    tokens_BNT, scores_BN = sampled(tables_BSV, range(5), [6, 4, 0, 6, 2], 3, temperature=2.0, top_k=6)
    assert (tokens_BNT[2] == PAD).all()
    for sentence, hypotheses in enumerate(tokens_BNT):
        expected = [log_probability(tables_BSV[sentence], bare(tokens)) for tokens in hypotheses]
        np.testing.assert_allclose(scores_BN[sentence], expected, rtol=1e-5)


def test_a_sample_depends_on_seed_sentence_and_number_alone():
    tables_BSV, limits = tables(6, 5, 13), np.array([9, 2, 5, 7, 11])
    together, _ = sampled(tables_BSV, range(5), limits, 3)
    order = [4, 2, 0]
    apart, _ = sampled(tables_BSV[order], order, limits[order], 2)
    np.testing.assert_array_equal(apart, together[order, :2])
    again, _ = sampled(tables_BSV, range(5), limits, 3, seed=8)
    assert (again != together).any(axis=2).mean() > 0.5
    assert len({bare(tokens) for tokens in together[4]}) == 3
    same_table = np.repeat(tables_BSV[:1], 2, axis=0)
    twice, _ = sampled(same_table, [0, 1], [11, 11], 3)
    assert (twice[0] != twice[1]).any()


@pytest.mark.parametrize(("wrong", "sentence"), [
    ({"samples": 0}, "there must be at least one"),
    ({"temperature": 0.0}, "temperature=0.0 must be above 0"),
    ({"temperature": float("nan")}, "temperature=nan must be above 0"),
    ({"top_k": -1}, "top_k=-1 must be at least 1, or 0"),
    ({"top_p": 0.0}, "top_p=0.0 must be above 0"),
    ({"top_p": 1.1}, "top_p=1.1 must be above 0, and 1 at most"),
])  # fmt: skip
def test_refuses_settings_out_of_range(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sampling(**{"samples": 1, **ALL, **wrong})

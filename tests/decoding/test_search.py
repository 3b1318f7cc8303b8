"""Greedy and beam search against exhaustive search and a slow beam search in NumPy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.decoding.beam import LENGTH_PENALTIES, beam_search
from research.decoding.greedy import greedy
from tests.decoding.toy import (
    BOS,
    EOS,
    MARKS,
    PAD,
    after,
    bare,
    everything,
    gnmt,
    mean,
    reorder,
    slow_beam,
    start,
    stepper,
    tables,
)

SCORES = {"mean": mean, "gnmt": gnmt}
penalties = pytest.mark.parametrize(
    ("normalisation", "alpha"), [("mean", 0.0), ("mean", 1.0), ("mean", 1.7), ("gnmt", 0.6), ("gnmt", 2.3)]
)


def test_the_slow_search_has_every_length_penalty():
    assert SCORES.keys() == LENGTH_PENALTIES.keys()


def searched(tables_BSV, limits, beam, length_penalty=1.0, n_best=1, length_normalisation="mean"):
    """Run `beam_search`, jitted; return its result and its tokens as tuples without padding."""
    run = partial(beam_search, stepper(tables_BSV), reorder, max_tokens=max(limits), **MARKS)
    penalty = {"length_penalty": length_penalty, "length_normalisation": length_normalisation}
    run = jax.jit(partial(run, beam=beam, n_best=n_best, **penalty))
    found = run(start(len(tables_BSV), beam), limits_B=jnp.array(limits))
    return found, [[bare(tokens) for tokens in sentence] for sentence in np.array(found.tokens_BNT)]


def greedily(tables_BSV, limits):
    run = jax.jit(partial(greedy, stepper(tables_BSV), max_tokens=max(limits), **MARKS))
    return [bare(tokens) for tokens in np.array(run(start(len(tables_BSV), 1), limits_B=jnp.array(limits)))]


@penalties
def test_a_beam_that_holds_all_hypotheses_is_exhaustive(normalisation, alpha):
    limits, beam = [4, 3, 2], 3**4  # three tokens besides pad, bos and eos
    tables_BSV = tables(5, 3, 6)
    found, tokens = searched(tables_BSV, limits, beam, alpha, 7, normalisation)
    for sentence, limit in enumerate(limits):
        ended, _ = everything(tables_BSV[sentence], limit, SCORES[normalisation](alpha))
        some = min(7, len(ended))
        assert tokens[sentence][:some] == [said for _, said in ended[:some]]
        np.testing.assert_allclose(found.scores_BN[sentence][:some], [score for score, _ in ended[:some]], rtol=1e-5)


def test_hypotheses_that_were_cut_off_come_last():
    table = tables(5, 1, 6)
    found, tokens = searched(table, [2], 27, n_best=13)  # 4 sequences end within two tokens, 9 are cut off
    ended, cut = everything(table[0], 2, mean(1.0))
    assert tokens[0] == [said for _, said in ended + cut]
    assert found.ended_BN[0].tolist() == [True] * 4 + [False] * 9
    np.testing.assert_allclose(found.scores_BN[0], [score for score, _ in ended + cut], rtol=1e-5)


@pytest.mark.parametrize("beam", [2, 5])
@penalties
def test_equals_the_slow_search(beam, normalisation, alpha):
    sentences, limits = 13, [7, 9, 11, 5, 3, 7, 9, 8, 4, 6, 7, 1, 2]
    tables_BSV = tables(beam, sentences, 17)
    tables_BSV[:, :, EOS] += 1.5  # some end early, some late, some never
    found, tokens = searched(tables_BSV, limits, beam, alpha, 2, normalisation)
    for sentence, limit in enumerate(limits):
        slow = slow_beam(tables_BSV[sentence], limit, beam, SCORES[normalisation](alpha))[:2]
        assert tokens[sentence] == [said for _, said in slow]
        np.testing.assert_allclose(found.scores_BN[sentence], [score for score, _ in slow], rtol=1e-5)
        assert found.ended_BN[sentence].tolist() == [said[-1] == EOS for _, said in slow]


def test_a_beam_of_1_is_greedy():
    limits = [3, 5, 7, 9, 11, 13, 2, 1, 8, 6, 10]
    tables_BSV = tables(1, len(limits), 17)
    _, tokens = searched(tables_BSV, limits, 1)
    assert [best for [best] in tokens] == greedily(tables_BSV, limits)


def test_greedy_takes_the_likeliest_allowed_token():
    limit, table = 9, tables(2, 1, 13)
    table[:, :, [PAD, BOS]] += 9  # never chosen, however likely
    said, state = [], after(0, BOS)
    while len(said) < limit and said[-1:] != [EOS]:
        logits_V = table[0, state].copy()
        logits_V[[PAD, BOS]] = -np.inf
        said.append(int(logits_V.argmax()))
        state = after(state, said[-1])
    assert greedily(table, [limit]) == [tuple(said)]


def test_hypotheses_are_sorted_and_different():
    found, tokens = searched(tables(3, 7, 11), [8] * 7, 5, n_best=5)
    assert (np.diff(found.scores_BN, axis=1)[found.ended_BN[:, 1:]] <= 0).all()
    assert all(len(set(hypotheses)) == 5 for hypotheses in tokens)
    assert not {PAD, BOS} & {token for hypotheses in tokens for said in hypotheses for token in said}


@pytest.mark.parametrize("beam", [1, 3])
def test_a_sentence_does_not_depend_on_its_batch(beam):
    limits = [9, 2, 5, 7, 11]
    tables_BSV = tables(7, 5, 13)
    together, _ = searched(tables_BSV, limits, beam, n_best=beam)
    for order in ([4, 2, 0], [3, 1], [0]):
        apart, _ = searched(tables_BSV[order], [limits[i] for i in order], beam, n_best=beam)
        length = apart.tokens_BNT.shape[2]
        np.testing.assert_array_equal(apart.tokens_BNT, together.tokens_BNT[jnp.array(order), :, :length])
        np.testing.assert_allclose(apart.scores_BN, together.scores_BN[jnp.array(order)], rtol=1e-6)


def test_a_limit_of_0_gives_an_empty_translation():
    tables_BSV = tables(7, 3, 13)
    found, tokens = searched(tables_BSV, [0, 5, 0], 3)
    assert tokens[0] == tokens[2] == [()]
    assert tokens[1] == searched(tables_BSV, [5, 5, 5], 3)[1][1]
    assert np.isfinite(found.scores_BN).all()
    assert greedily(tables_BSV, [0, 5, 0])[::2] == [(), ()]


def test_stops_early():
    """A model that is sure to end at once runs one step, though the limit is 31."""
    table = np.zeros((1, 11, 7), np.float32)
    table[:, :, EOS] = 20.0
    steps = []

    def step(token_B, cache):
        jax.debug.callback(lambda _: steps.append(1), token_B[0])
        return stepper(table)(token_B, cache)

    limits_B = jnp.array([31])
    beam_search(step, reorder, start(1, 3), limits_B=limits_B, beam=3, max_tokens=31, length_penalty=0.6, **MARKS)
    jax.effects_barrier()
    assert len(steps) == 1


@pytest.mark.parametrize(("options", "sentence"), [
    ({"n_best": 4}, "n_best=4 with beam=3"),
    ({"n_best": 0}, "n_best=0 with beam=3"),
    ({"length_penalty": -1.0}, "must not be negative"),
    ({"length_normalisation": "gmnt"}, "length_normalisation='gmnt' is unknown; choose one of mean, gnmt"),
])  # fmt: skip
def test_refuses_settings_out_of_range(options, sentence):
    named = {"length_penalty": 1.0, "limits_B": jnp.array([2]), "max_tokens": 2, "beam": 3, **options, **MARKS}
    with pytest.raises(ValueError, match=sentence):
        beam_search(stepper(tables(0, 1, 5)), reorder, start(1, 3), **named)

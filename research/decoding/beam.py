"""Beam search: extend the best few hypotheses of each sentence until no open one can still become the best."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from research.decoding.greedy import Cache, Step
from research.decoding.top_k import best_continuations

Reorder = Callable[[Cache, Array], Cache]
"""(cache, rows_X) -> cache whose row i continues row rows_X[i], a hypothesis of the same sentence."""

Penalise = Callable[[Cache], Array]
"""(cache) -> penalty_X, never above 0, added to the score of each row's hypothesis as if it ended here."""

LENGTH_PENALTIES: dict[str, Callable[[Array, float], Array]] = {
    "mean": lambda length, alpha: length**alpha,  # 1: the mean of log p
    "gnmt": lambda length, alpha: ((5.0 + length) / 6.0) ** alpha,  # Wu et al. 2016, equation 14
}
"""lp(n, alpha), the divisor of log p of n tokens: positive, and never falling in n for alpha >= 0."""


class Hypotheses(NamedTuple):
    """The N best hypotheses of each sentence, best first: those that ended, then those cut off at the limit."""

    tokens_BNT: Array
    """`eos` included where there is one, then `pad`."""
    scores_BN: Array
    """Ranking scores, defined by the search; -inf for a hypothesis that does not exist."""
    ended_BN: Array
    """True for a hypothesis that ends in `eos`."""


class _State(NamedTuple):
    time: Array
    live_tokens_BNT: Array
    live_scores_BN: Array  # log p; -inf: a hypothesis that ended has this place of the beam
    cut_scores_BN: Array  # their scores if the limit cut them off here
    ended_tokens_BNT: Array
    ended_scores_BN: Array  # best first; -inf: none yet
    done_B: Array
    cache: Cache


def beam_search(
    step: Step,
    reorder: Reorder,
    cache: Cache,
    *,
    limits_B: Array,
    beam: int,
    max_tokens: int,
    length_penalty: float,
    pad: int,
    bos: int,
    eos: int,
    n_best: int = 1,
    length_normalisation: str = "mean",
    penalise: Penalise | None = None,
) -> Hypotheses:
    """Return the `n_best` best hypotheses of each sentence out of a beam of `beam`. To be jitted.

    A hypothesis of n tokens, `eos` included, scores log p / lp(n) + penalty, with lp = LENGTH_PENALTIES[...] and
    alpha = length_penalty. At each position the continuations with the largest log p stay, as many as the beam has
    places. A hypothesis that ends keeps its place, so the beam narrows until the search ends; a beam of 1 is `greedy`.

    A sentence is also done when no open hypothesis can beat its `n_best`-th ended one. An open hypothesis with
    log p = q ends with at most q <= 0 after at most `limit` tokens, lp never falls and no penalty is above 0, so it
    scores at most q / lp(limit). So no hypothesis that would be returned is lost, and the rest of the batch changes
    nothing.

    Args:
        step: see `Step`; it gets sentences x beam rows, the hypotheses of a sentence together.
        cache: of as many rows.
        limits_B: most tokens of each sentence, `eos` included, at most `max_tokens`; 0 skips the sentence.
        length_penalty: alpha; 0 ranks by plain probability.
        pad, bos: never chosen.
        n_best: hypotheses cut off at the limit are returned only where fewer than this ended.
        penalise: a further penalty, such as coverage; None adds nothing.

    Raises:
        ValueError: for an n_best beyond the beam, a negative length penalty or an unknown normalisation.

    Reference: Sutskever et al. 2014, section 3.2; Wu et al. 2016, equation 14.
    """
    if not 1 <= n_best <= beam:
        raise ValueError(f"n_best={n_best} with beam={beam}: it must be at least 1 and at most the beam")
    if length_penalty < 0:
        raise ValueError(f"length_penalty={length_penalty}: it must not be negative")
    if length_normalisation not in LENGTH_PENALTIES:
        raise ValueError(
            f"length_normalisation={length_normalisation!r} is unknown; choose one of {', '.join(LENGTH_PENALTIES)}"
        )
    sentences = limits_B.shape[0]
    first_row_B1 = beam * jnp.arange(sentences)[:, None]

    def normalised(scores_BN: Array, length_B: Array) -> Array:
        lengths_B = jnp.maximum(length_B, 1).astype(jnp.float32)
        return scores_BN / LENGTH_PENALTIES[length_normalisation](lengths_B, length_penalty)[:, None]

    def unfinished(state: _State) -> Array:
        return (state.time < max_tokens) & ~state.done_B.all()

    def extend(state: _State) -> _State:
        last_BN = jnp.where(state.time > 0, state.live_tokens_BNT[:, :, state.time - 1], bos)
        logits_XV, cache = step(last_BN.reshape(-1), state.cache)
        logits_BNV = logits_XV.reshape(sentences, beam, -1)
        best = best_continuations(logits_BNV, state.live_scores_BN, beam, never=(pad, bos))

        places_B = beam - (state.ended_scores_BN > -jnp.inf).sum(axis=1)
        kept_BN = (jnp.arange(beam)[None] < places_B[:, None]) & ~state.done_B[:, None]
        scores_BN = jnp.where(kept_BN, best.scores_BK, -jnp.inf)
        tokens_BNT = _rows(state.live_tokens_BNT, best.hypotheses_BK).at[:, :, state.time].set(best.tokens_BK)
        cache = reorder(cache, (first_row_B1 + best.hypotheses_BK).reshape(-1))

        length_B = jnp.full(sentences, state.time + 1)
        ends_BN = best.tokens_BK == eos
        live_BN = jnp.where(ends_BN, -jnp.inf, scores_BN)
        cut_BN = bound_BN = normalised(live_BN, limits_B)
        ending_BN = normalised(jnp.where(ends_BN, scores_BN, -jnp.inf), length_B)
        if penalise:
            penalty_BN = penalise(cache).reshape(sentences, beam)
            cut_BN, ending_BN = cut_BN + penalty_BN, ending_BN + penalty_BN
        both_BN = jnp.concatenate([state.ended_scores_BN, ending_BN], axis=1)
        ended_scores_BN, order_BN = lax.top_k(both_BN, beam)
        ended_tokens_BNT = _rows(jnp.concatenate([state.ended_tokens_BNT, tokens_BNT], axis=1), order_BN)

        beaten_B = ended_scores_BN[:, n_best - 1] >= bound_BN.max(axis=1)
        done_B = state.done_B | beaten_B | (state.time + 1 >= limits_B)
        frozen_B1 = state.done_B[:, None]
        return _State(
            time=state.time + 1,
            live_tokens_BNT=jnp.where(frozen_B1[:, :, None], state.live_tokens_BNT, tokens_BNT),
            live_scores_BN=jnp.where(frozen_B1, state.live_scores_BN, live_BN),
            cut_scores_BN=jnp.where(frozen_B1, state.cut_scores_BN, cut_BN),
            ended_tokens_BNT=ended_tokens_BNT,
            ended_scores_BN=ended_scores_BN,
            done_B=done_B,
            cache=cache,
        )

    none_BN = jnp.full((sentences, beam), -jnp.inf)
    empty_BNT = jnp.full((sentences, beam, max_tokens), pad, jnp.int32)
    first_BN = none_BN.at[:, 0].set(0.0)  # all hypotheses are equal at first, so one is enough
    start = _State(jnp.int32(0), empty_BNT, first_BN, first_BN, empty_BNT, none_BN, limits_B <= 0, cache)
    end = lax.while_loop(unfinished, extend, start)

    cut_scores_BN, order_BN = lax.top_k(end.cut_scores_BN, beam)
    cut_tokens_BNT = _rows(end.live_tokens_BNT, order_BN)
    ended_B1 = (end.ended_scores_BN > -jnp.inf).sum(axis=1, keepdims=True)
    place_BN = jnp.arange(n_best)[None]
    chosen_BN = jnp.where(place_BN < ended_B1, place_BN, beam + place_BN - ended_B1)
    scores_BN = jnp.concatenate([end.ended_scores_BN, cut_scores_BN], axis=1)
    tokens_BNT = jnp.concatenate([end.ended_tokens_BNT, cut_tokens_BNT], axis=1)
    best_scores_BN = jnp.take_along_axis(scores_BN, chosen_BN, axis=1)
    best_tokens_BNT = jnp.where(best_scores_BN[:, :, None] > -jnp.inf, _rows(tokens_BNT, chosen_BN), pad)
    return Hypotheses(best_tokens_BNT, best_scores_BN, place_BN < ended_B1)


def _rows(tokens_BNT: Array, hypotheses_BK: Array) -> Array:
    return jnp.take_along_axis(tokens_BNT, hypotheses_BK[:, :, None], axis=1, mode="clip")

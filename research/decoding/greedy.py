"""Greedy search, and the token-by-token loop that it shares with sampling."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from research.decoding.top_k import argmax

Cache = Any
Step = Callable[[Array, Cache], tuple[Array, Cache]]
"""(last token of each row, cache) -> (logits of the next token, cache). Only the model knows the insides of a cache."""

Choose = Callable[[Array, Array], tuple[Array, Array | float]]
"""(logits_XV, time) -> (token_X, gain_X): the chosen tokens, and the amounts to add to the scores of their rows."""


def greedy(step: Step, cache: Cache, *, limits_B: Array, max_tokens: int, pad: int, bos: int, eos: int) -> Array:
    """Return tokens_BT, choosing the likeliest token at each position. Arguments as in `one_by_one`."""

    def likeliest(logits_BV: Array, time: Array) -> tuple[Array, float]:
        return argmax(logits_BV, never=(pad, bos)), 0.0  # no score: log p would cost a sum over the vocabulary

    marks = {"max_tokens": max_tokens, "pad": pad, "bos": bos, "eos": eos}
    return one_by_one(step, cache, likeliest, limits_X=limits_B, **marks)[0]


class _State(NamedTuple):
    time: Array
    tokens_XT: Array
    scores_X: Array
    last_X: Array
    done_X: Array
    cache: Cache


def one_by_one(
    step: Step,
    cache: Cache,
    choose: Choose,
    *,
    limits_X: Array,
    max_tokens: int,
    pad: int,
    bos: int,
    eos: int,
) -> tuple[Array, Array]:
    """Decode all rows token by token, until each has ended or reached its limit. To be jitted.

    The tokens of a row do not depend on the other rows.

    Args:
        choose: picks the next token of each row; it must never pick `pad` or `bos`.
        limits_X: most tokens of each row, `eos` included, at most `max_tokens`; 0 skips the row.

    Returns:
        tokens_XT, with `eos` where a row ended within its limit and then `pad`, and scores_X, the sums of the gains.
    """
    rows = limits_X.shape[0]

    def unfinished(state: _State) -> Array:
        return (state.time < max_tokens) & ~state.done_X.all()

    def extend(state: _State) -> _State:
        logits_XV, cache = step(state.last_X, state.cache)
        chosen_X, gain_X = choose(logits_XV, state.time)
        token_X = jnp.where(state.done_X, pad, chosen_X)
        tokens_XT = state.tokens_XT.at[:, state.time].set(token_X)
        scores_X = state.scores_X + jnp.where(state.done_X, 0.0, gain_X)
        done_X = state.done_X | (token_X == eos) | (state.time + 1 >= limits_X)
        return _State(state.time + 1, tokens_XT, scores_X, token_X, done_X, cache)

    start = _State(
        time=jnp.int32(0),
        tokens_XT=jnp.full((rows, max_tokens), pad, jnp.int32),
        scores_X=jnp.zeros(rows),
        last_X=jnp.full(rows, bos, jnp.int32),
        done_X=limits_X <= 0,
        cache=cache,
    )
    end = lax.while_loop(unfinished, extend, start)
    return end.tokens_XT, end.scores_X

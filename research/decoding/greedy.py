"""Greedy search: the likeliest token, again and again."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from research.decoding.top_k import argmax

Cache = Any
Step = Callable[[Array, Cache], tuple[Array, Cache]]
"""(the last token of each row, cache) -> (logits of the next one, cache). Only the model looks into a cache."""


class _State(NamedTuple):
    time: Array
    tokens_BT: Array
    last_B: Array
    done_B: Array
    cache: Cache


def greedy(step: Step, cache: Cache, *, limits_B: Array, max_tokens: int, pad: int, bos: int, eos: int) -> Array:
    """tokens_BT: each row's tokens, `eos` included where it came within the limit, then `pad`. To be jitted.

    limits_B: the most tokens of each row, `eos` included, at most `max_tokens`; 0 for a row that is not wanted. `pad`
    and `bos` are never chosen. Ends as soon as every row has; what a row gets does not depend on the others.
    """
    rows = len(limits_B)

    def unfinished(state: _State) -> Array:
        return (state.time < max_tokens) & ~state.done_B.all()

    def extend(state: _State) -> _State:
        logits_BV, cache = step(state.last_B, state.cache)
        token_B = jnp.where(state.done_B, pad, argmax(logits_BV, never=(pad, bos)))
        tokens_BT = state.tokens_BT.at[:, state.time].set(token_B)
        done_B = state.done_B | (token_B == eos) | (state.time + 1 >= limits_B)
        return _State(state.time + 1, tokens_BT, token_B, done_B, cache)

    start = _State(
        time=jnp.int32(0),
        tokens_BT=jnp.full((rows, max_tokens), pad, jnp.int32),
        last_B=jnp.full(rows, bos, jnp.int32),
        done_B=limits_B <= 0,
        cache=cache,
    )
    return lax.while_loop(unfinished, extend, start).tokens_BT

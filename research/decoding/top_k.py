"""The k largest of many scores, exactly, without sorting: most of a vocabulary is read once."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

BLOCK = 128  # tokens; between 64 and 256 the time hardly changes


class Choices(NamedTuple):
    """The k best continuations of each sentence, best first. A continuation that does not exist scores -inf."""

    scores_BK: Array
    hypotheses_BK: Array
    tokens_BK: Array


def argmax(logits_BV: Array, *, never: Sequence[int] = ()) -> Array:
    """Return the token with the largest logit of each row, except `never`; the lowest id where several are equal."""
    offsets_B1 = jnp.zeros((logits_BV.shape[0], 1), logits_BV.dtype)
    return top_k(logits_BV[:, None], offsets_B1, 1, never=never).tokens_BK[:, 0]


def best_continuations(logits_BNV: Array, scores_BN: Array, k: int, *, never: Sequence[int] = ()) -> Choices:
    """Return the k largest scores_BN + log softmax(logits_BNV) of each sentence, over hypotheses and tokens together.

    Args:
        scores_BN: log p of the hypotheses so far; -inf for one that has ended.
        never: tokens that are not chosen; the probabilities of the others are not scaled up to make up for them.
    """
    size = block_size(logits_BNV.shape[-1])
    maxima_BNG = _maxima(logits_BNV, size, never)
    # Any shift gives the same log sum exp; the largest logit that may be chosen keeps it from overflowing.
    shift_BN = maxima_BNG.max(axis=-1)
    normaliser_BN = shift_BN + jnp.log(jnp.exp(logits_BNV - shift_BN[:, :, None]).sum(axis=-1))
    return _choose(logits_BNV, maxima_BNG, scores_BN - normaliser_BN, size, k, never)


def top_k(logits_BNV: Array, offsets_BN: Array, k: int, *, never: Sequence[int] = (), block: int = BLOCK) -> Choices:
    """Return the k largest logits_BNV + offsets_BN of each sentence, over hypotheses and tokens together.

    Two stages: the maximum of each block of tokens chooses k blocks, then the k best are taken inside those. This is
    exact: if one of the k best were in another block, the maxima of all k chosen blocks would exceed it. Of equal
    scores the lower hypothesis wins, then the lower token, as in `lax.top_k`, which is many times slower on a CPU.
    """
    size = block_size(logits_BNV.shape[-1], block)
    return _choose(logits_BNV, _maxima(logits_BNV, size, never), offsets_BN, size, k, never)


def block_size(vocabulary: int, about: int = BLOCK) -> int:
    """Return a divisor of `vocabulary` near `about` if there is one: a remainder would cost a copy of all logits."""
    if vocabulary <= about:
        return vocabulary
    divisors = [size for size in range(-(-about // 2), 2 * about + 1) if vocabulary % size == 0]
    return min(divisors, key=lambda size: abs(size - about), default=about)


def _maxima(logits_BNV: Array, size: int, never: Sequence[int]) -> Array:
    """Return maxima_BNG, the largest logit of each block of `size` tokens; the last block may be shorter."""
    sentences, hypotheses, vocabulary = logits_BNV.shape
    whole = vocabulary - vocabulary % size
    maxima_BNG = logits_BNV[:, :, :whole].reshape(sentences, hypotheses, -1, size).max(axis=-1)
    if whole < vocabulary:
        maxima_BNG = jnp.concatenate([maxima_BNG, logits_BNV[:, :, whole:].max(axis=-1, keepdims=True)], axis=-1)
    for block in sorted(
        {token // size for token in never}
    ):  # only these blocks again: masking all logits would copy them
        tokens = range(block * size, min(block * size + size, vocabulary))
        allowed_Z = jnp.array([token not in never for token in tokens])
        allowed_BNZ = jnp.where(allowed_Z[None, None], logits_BNV[:, :, tokens.start : tokens.stop], -jnp.inf)
        maxima_BNG = maxima_BNG.at[:, :, block].set(allowed_BNZ.max(axis=-1))
    return maxima_BNG


def _choose(
    logits_BNV: Array, maxima_BNG: Array, offsets_BN: Array, size: int, k: int, never: Sequence[int]
) -> Choices:
    sentences, hypotheses, vocabulary = logits_BNV.shape
    blocks = maxima_BNG.shape[-1]
    if k > hypotheses * vocabulary:
        raise ValueError(f"cannot choose {k} of {hypotheses} hypotheses x {vocabulary} tokens")
    maxima_BX = (maxima_BNG + offsets_BN[:, :, None]).reshape(sentences, -1)
    _, chosen_BC = lax.top_k(maxima_BX, min(k, hypotheses * blocks))
    chosen_BC = jnp.sort(chosen_BC, axis=1)  # so that equal scores stay in the order of their tokens

    hypotheses_BC = jnp.repeat(chosen_BC // blocks, size, axis=1)  # C: candidates, all tokens of the chosen blocks
    tokens_BC = jnp.repeat(chosen_BC % blocks * size, size, axis=1)
    tokens_BC += jnp.tile(jnp.arange(size), chosen_BC.shape[1])[None]
    scores_BC = _take(logits_BNV.reshape(sentences, -1), hypotheses_BC * vocabulary + tokens_BC)
    barred_BC = tokens_BC >= vocabulary
    for token in never:
        barred_BC |= tokens_BC == token
    scores_BC = jnp.where(barred_BC, -jnp.inf, scores_BC + _take(offsets_BN, hypotheses_BC))

    scores_BK, places_BK = lax.top_k(scores_BC, k)
    return Choices(scores_BK, _take(hypotheses_BC, places_BK), _take(tokens_BC, places_BK))


def _take(values_BX: Array, places_BK: Array) -> Array:
    return jnp.take_along_axis(values_BX, places_BK, axis=1, mode="clip")

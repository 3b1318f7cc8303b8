"""Sampling: each token drawn from what the model says, at a temperature, from the likeliest few or all."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax

from research.decoding import top_k as choices
from research.decoding.greedy import Cache, Step, one_by_one


def sample(
    step: Step,
    cache: Cache,
    *,
    limits_X: Array,
    keys_X: Array,
    temperature: float,
    top_k: int,
    top_p: float,
    max_tokens: int,
    pad: int,
    bos: int,
    eos: int,
) -> tuple[Array, Array]:
    """tokens_XT, a sample a row, and log p of each, the model's own: neither tempered nor cut. To be jitted.

    keys_X: each row's randomness (see `row_keys`); that of time t is the key with t folded in. temperature, top_k,
    top_p: see `candidates`. The rest: as in `one_by_one`. `pad` and `bos` are never drawn.
    """

    def draw(logits_XV: Array, time: Array) -> tuple[Array, Array]:
        tokens_XK, mass_XK = candidates(logits_XV, temperature, top_k, top_p, never=(pad, bos))
        uniform_X = jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, time)))(keys_X)
        token_X = _drawn(tokens_XK, mass_XK, uniform_X)
        logit_X = jnp.take_along_axis(logits_XV, token_X[:, None], axis=1)[:, 0]
        return token_X, logit_X - jax.nn.logsumexp(logits_XV, axis=1)

    marks = {"max_tokens": max_tokens, "pad": pad, "bos": bos, "eos": eos}
    return one_by_one(step, cache, draw, limits_X=limits_X, **marks)


def row_keys(seed_B: Array, index_B: Array, samples: int) -> Array:
    """keys_X of `samples` rows a sentence: of the seed, the sentence's index, and the sample's number, nothing else.

    So a sample is the same whatever else is in the batch, on whatever device, and however many are drawn.
    """

    def keys_N(seed: Array, index: Array) -> Array:
        sentence = jax.random.fold_in(jax.random.key(seed), index)
        return jax.vmap(lambda number: jax.random.fold_in(sentence, number))(jnp.arange(samples))

    return jax.vmap(keys_N)(seed_B, index_B).reshape(-1)


def candidates(
    logits_XV: Array, temperature: float, top_k: int, top_p: float, *, never: Sequence[int] = ()
) -> tuple[Array, Array]:
    """tokens_XK that may be drawn, and mass_XK, their probabilities, to be scaled to a sum of 1; 0 for one that is out.

    In this order: softmax(logits / temperature) over all but `never`; its `top_k` likeliest tokens, 0 being all
    (Fan et al. 2018); of these the smallest set with at least `top_p` of their mass, the likeliest first, 1 being all
    (Holtzman et al. 2020). Of equally likely tokens the lower comes first.
    """
    vocabulary = logits_XV.shape[1]
    kept = min(top_k or vocabulary, vocabulary)
    if kept < vocabulary:
        best = choices.top_k(logits_XV[:, None], jnp.zeros((len(logits_XV), 1)), kept, never=never)
        tokens_XK, logits_XK = best.tokens_BK, best.scores_BK
    else:
        logits_XK = logits_XV.at[:, list(never)].set(-jnp.inf) if never else logits_XV
        if top_p < 1.0:
            logits_XK, tokens_XK = lax.top_k(logits_XK, vocabulary)
        else:  # the order does not matter: nothing is sorted
            tokens_XK = jnp.broadcast_to(jnp.arange(vocabulary), logits_XK.shape)
    mass_XK = jax.nn.softmax(logits_XK / temperature, axis=1)
    if top_p < 1.0:
        before_XK = jnp.cumsum(mass_XK, axis=1) - mass_XK
        mass_XK = jnp.where((before_XK < top_p).at[:, 0].set(True), mass_XK, 0.0)
    return tokens_XK, mass_XK


def _drawn(tokens_XK: Array, mass_XK: Array, uniform_X: Array) -> Array:
    """The first token at which the mass so far is over uniform_X, in [0, 1), times the whole: none with a mass of 0."""
    up_to_XK = jnp.cumsum(mass_XK, axis=1)
    place_X = (up_to_XK <= uniform_X[:, None] * up_to_XK[:, -1:]).sum(axis=1)
    return jnp.take_along_axis(tokens_XK, place_X[:, None], axis=1, mode="clip")[:, 0]

"""Sampling: draw each token from the model's distribution, with a temperature, from the likeliest few or all."""

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
    """Draw one translation a row. To be jitted.

    Args:
        limits_X: most tokens of each row, as in `one_by_one`.
        keys_X: random keys of the rows (see `row_keys`); position t uses the key with t folded in.
        temperature, top_k, top_p: see `candidates`.
        pad, bos: never drawn.

    Returns:
        tokens_XT, and log p of each row under the model itself, without temperature and cuts.
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
    """Return keys_X, for `samples` rows a sentence, from the seed, the sentence's index and the sample's number alone.

    So a sample does not depend on the rest of the batch, on the device, or on how many samples are drawn.
    """

    def keys_N(seed: Array, index: Array) -> Array:
        sentence = jax.random.fold_in(jax.random.key(seed), index)
        return jax.vmap(lambda number: jax.random.fold_in(sentence, number))(jnp.arange(samples))

    return jax.vmap(keys_N)(seed_B, index_B).reshape(-1)


def candidates(
    logits_XV: Array, temperature: float, top_k: int, top_p: float, *, never: Sequence[int] = ()
) -> tuple[Array, Array]:
    """Return the tokens that may be drawn, tokens_XK, and mass_XK, their unnormalised probabilities.

    Equally likely tokens are ordered by their id.

    Args:
        temperature: divides the logits before the softmax; below 1 makes likely tokens likelier.
        top_k: keep only that many likeliest tokens; 0 keeps all (Fan et al. 2018).
        top_p: of these keep the smallest set with at least this share of their mass, the likeliest first; 1 keeps all
            (Holtzman et al. 2020). A token that is left out has mass 0.
        never: tokens without probability.
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
    """Invert the distribution function: return the first token whose cumulated mass exceeds uniform_X in [0, 1)."""
    up_to_XK = jnp.cumsum(mass_XK, axis=1)
    place_X = (up_to_XK <= uniform_X[:, None] * up_to_XK[:, -1:]).sum(axis=1)
    return jnp.take_along_axis(tokens_XK, place_X[:, None], axis=1, mode="clip")[:, 0]

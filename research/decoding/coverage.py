"""The coverage penalty of GNMT, for hypotheses that leave source words unread.

cp(X, Y) = β Σ_s log min(Σ_t p_ts, 1), with p_ts the weight of source position s for target token t (Wu et al. 2016,
equation 14). It is never above 0, and 0 for a hypothesis that has read every position. The sums over t are carried with
the cache of each hypothesis.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from research.decoding.beam import Penalise, Reorder
from research.decoding.greedy import Cache, Step

ReadingStep = Callable[[Array, Cache], tuple[Array, Cache, Array]]
"""A `Step` that also returns attention weights: (token_X, cache) -> (logits_XV, cache, weights_XS)."""

LEAST = 1e-30  # least coverage, so that a coverage rounded to 0 gives no infinite score


class CoveredCache(NamedTuple):
    """A model's cache, and for each row and source position the sum of its weights so far."""

    cache: Cache
    coverage_XS: Array


def covered(
    step: ReadingStep, reorder: Reorder, cache: Cache, *, mask_BS: Array, hypotheses: int, weight: float
) -> tuple[Step, Reorder, CoveredCache, Penalise]:
    """Return step, reorder, cache and penalise for `beam_search`, with coverage carried along.

    Args:
        mask_BS: the source positions that count, `eos` included.
        hypotheses: rows a sentence.
        weight: β.
    """
    mask_XS = jnp.repeat(mask_BS, hypotheses, axis=0)

    def covering_step(token_X: Array, cache: CoveredCache) -> tuple[Array, CoveredCache]:
        logits_XV, inner, weights_XS = step(token_X, cache.cache)
        return logits_XV, CoveredCache(inner, cache.coverage_XS + weights_XS)

    def covering_reorder(cache: CoveredCache, rows_X: Array) -> CoveredCache:
        return CoveredCache(reorder(cache.cache, rows_X), cache.coverage_XS[rows_X])

    def penalise(cache: CoveredCache) -> Array:
        return weight * jnp.where(mask_XS, jnp.log(jnp.clip(cache.coverage_XS, LEAST, 1.0)), 0.0).sum(axis=1)

    return covering_step, covering_reorder, CoveredCache(cache, jnp.zeros(mask_XS.shape)), penalise

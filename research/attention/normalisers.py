"""Normalisers: how scores become weights. In one table, `NORMALISERS`.

scores_BTS: float32, before masking. mask_BTS: bool, broadcastable, True where reading is allowed. Axes before the last
two are batch axes. A row with nothing to read is all zeros, not NaN; but for `softmax_over_queries` every other row
sums to 1. `uniform`, `hard` and `permuted` are interventions on a trained model; nothing is learnt through them.
"""

from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array
LOWEST = float(jnp.finfo(jnp.float32).min)


class Normaliser:
    """All positions at once, `weigh`; or one position of each of N hypotheses, `weigh_next`, after what went before."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        """weights_BTS, float32."""
        raise NotImplementedError

    @staticmethod
    def start(batch: tuple[int, ...], sources: int) -> Any:
        """What is known of earlier queries before the first: for most, nothing."""
        return ()

    @classmethod
    def weigh_next(cls, scores_BNS: Array, mask_BNS: Array, past: Any) -> tuple[Array, Any]:
        """weights_BNS, and what the next query must know."""
        return cls.weigh(scores_BNS, mask_BNS), past


class Softmax(Normaliser):
    """w_ts = m_ts exp(e_ts) / Σ_j m_tj exp(e_tj)."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        # float32 throughout: a bfloat16 softmax drops small weights on long sources.
        masked_BTS = jnp.where(mask_BTS, scores_BTS.astype(jnp.float32), LOWEST)
        peak_BT1 = jax.lax.stop_gradient(masked_BTS.max(axis=-1, keepdims=True))
        powers_BTS = jnp.where(mask_BTS, jnp.exp(masked_BTS - peak_BT1), 0.0)
        total_BT1 = powers_BTS.sum(axis=-1, keepdims=True)
        return powers_BTS / jnp.where(total_BT1 > 0, total_BT1, 1.0)


class SoftmaxOverQueries(Normaliser):
    """w_ts = exp(e_ts) / Σ_{j ≤ t} exp(e_js): the softmax over the wrong axis, as a control.

    A key shares one unit among the queries so far, so rows do not sum to 1; the first query has 1 for every key. Only
    those so far, not all T: a model that translates has no later ones, and must read as it did when it was trained.
    """

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        masked_BTS = jnp.where(mask_BTS, scores_BTS.astype(jnp.float32), LOWEST)
        asked_BTS = jax.lax.cumlogsumexp(masked_BTS, axis=masked_BTS.ndim - 2)
        return jnp.where(mask_BTS, jnp.exp(masked_BTS - asked_BTS), 0.0)

    @staticmethod
    def start(batch: tuple[int, ...], sources: int) -> Array:
        """log Σ_j exp(e_js) of no query."""
        return jnp.full((*batch, sources), LOWEST, jnp.float32)

    @classmethod
    def weigh_next(cls, scores_BNS: Array, mask_BNS: Array, past: Array) -> tuple[Array, Array]:
        masked_BNS = jnp.where(mask_BNS, scores_BNS.astype(jnp.float32), LOWEST)
        asked_BNS = jnp.logaddexp(past, masked_BNS)
        return jnp.where(mask_BNS, jnp.exp(masked_BNS - asked_BNS), 0.0), asked_BNS


class Sparsemax(Normaliser):
    """The point of the simplex nearest to the scores: w_s = max(e_s - τ, 0). Martins & Astudillo 2016, algorithm 1."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        shifted_BTS = _below_peak(scores_BTS, mask_BTS)
        sorted_BTS, rank_S = _sorted(shifted_BTS)
        total_BTS = jnp.cumsum(sorted_BTS, axis=-1)
        support_BT1 = (1.0 + rank_S * sorted_BTS > total_BTS).sum(axis=-1, keepdims=True)
        threshold_BT1 = (jnp.take_along_axis(total_BTS, support_BT1 - 1, axis=-1) - 1.0) / support_BT1
        return jnp.where(mask_BTS, jnp.maximum(shifted_BTS - threshold_BT1, 0.0), 0.0)


class Entmax15(Normaliser):
    """w_s = max(e_s / 2 - τ, 0)², between softmax and sparsemax. Peters et al. 2019, algorithm 2."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        shifted_BTS = _below_peak(0.5 * scores_BTS, mask_BTS)
        sorted_BTS, rank_S = _sorted(shifted_BTS)
        mean_BTS = jnp.cumsum(sorted_BTS, axis=-1) / rank_S
        squares_BTS = jnp.cumsum(sorted_BTS**2, axis=-1) - rank_S * mean_BTS**2
        left_BTS = (1.0 - squares_BTS) / rank_S
        # Two `where`s: the root of nothing has no gradient, and it would reach those that are not chosen.
        root_BTS = jnp.where(left_BTS > 0, jnp.sqrt(jnp.where(left_BTS > 0, left_BTS, 1.0)), 0.0)
        thresholds_BTS = mean_BTS - root_BTS
        support_BT1 = (thresholds_BTS <= sorted_BTS).sum(axis=-1, keepdims=True)
        threshold_BT1 = jnp.take_along_axis(thresholds_BTS, support_BT1 - 1, axis=-1)
        return jnp.where(mask_BTS, jnp.maximum(shifted_BTS - threshold_BT1, 0.0) ** 2, 0.0)


class Uniform(Normaliser):
    """The same for every key that may be read, whatever it scores."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        readable_BTS = jnp.broadcast_to(mask_BTS, scores_BTS.shape).astype(jnp.float32)
        return readable_BTS / jnp.maximum(readable_BTS.sum(axis=-1, keepdims=True), 1.0)


class Hard(Normaliser):
    """All of it for the key that scores most, the first of several."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        best_BT = jnp.where(mask_BTS, scores_BTS, -jnp.inf).argmax(axis=-1)
        return jnp.where(mask_BTS, jax.nn.one_hot(best_BT, scores_BTS.shape[-1]), 0.0)


class Permuted(Normaliser):
    """The softmax's weights, dealt anew among the keys that may be read, as Jain & Wallace 2019 did.

    By one fixed draw for each place: it is the same for every query, and does not depend on padding.
    """

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        weights_BTS = Softmax.weigh(scores_BTS, mask_BTS)
        readable_BTS = jnp.broadcast_to(mask_BTS, weights_BTS.shape)
        draws_S = jax.vmap(lambda place: jax.random.uniform(jax.random.fold_in(jax.random.key(0), place)))(
            jnp.arange(weights_BTS.shape[-1])
        )
        dealt_BTS = jnp.argsort(jnp.where(readable_BTS, jnp.broadcast_to(draws_S, weights_BTS.shape), 2.0), axis=-1)
        rank_BTS = jnp.maximum(jnp.cumsum(readable_BTS, axis=-1) - 1, 0)
        given_BTS = jnp.take_along_axis(weights_BTS, jnp.take_along_axis(dealt_BTS, rank_BTS, axis=-1), axis=-1)
        return jnp.where(readable_BTS, given_BTS, 0.0)


NORMALISERS: dict[str, type[Normaliser]] = {
    "softmax": Softmax,
    "softmax_over_queries": SoftmaxOverQueries,
    "sparsemax": Sparsemax,
    "entmax15": Entmax15,
    "uniform": Uniform,
    "hard": Hard,
    "permuted": Permuted,
}


def _below_peak(scores_BTS: Array, mask_BTS: Array) -> Array:
    """Scores less the best one that may be read. What lies lower, or may not be read, is -2: no threshold is."""
    scores_BTS = scores_BTS.astype(jnp.float32)
    peak_BT1 = jnp.where(mask_BTS, scores_BTS, LOWEST).max(axis=-1, keepdims=True)
    return jnp.where(mask_BTS, jnp.maximum(scores_BTS - peak_BT1, -2.0), -2.0)


def _sorted(x_BTS: Array) -> tuple[Array, Array]:
    """Largest first, and 1 … S beside it, of the same rank."""
    rank_S = jnp.arange(1, x_BTS.shape[-1] + 1, dtype=jnp.float32)
    return -jnp.sort(-x_BTS, axis=-1), jnp.broadcast_to(rank_S, x_BTS.shape)

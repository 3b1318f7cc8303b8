"""Normalisers: how scores become weights. In one table, `NORMALISERS`.

Axes before the last two are batch axes. A row that may read nothing is all zeros, not NaN. Every other row sums to 1,
except with `softmax_over_queries` and `softmax_over_queries_scaled`. `uniform`, `hard` and `permuted` are interventions
on a trained model: they pass no useful gradient. `last` makes a model without attention: it ignores the scores.
"""

from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array
LOWEST = float(jnp.finfo(jnp.float32).min)


class Normaliser:
    """A rule that turns scores into weights: for all queries at once, or for one query after another.

    over_queries: whether the weights of a query depend on the queries before it.
    """

    over_queries = False

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        """Return weights_BTS of all queries at once.

        Args:
            scores_BTS: float32, unmasked.
            mask_BTS: bool, broadcastable to the scores; True where reading is allowed.

        Returns:
            weights_BTS, float32.
        """
        raise NotImplementedError

    @staticmethod
    def start(batch: tuple[int, ...], sources: int) -> Any:
        """Return the state before the first query; () for a normaliser that treats each query by itself.

        Args:
            batch: the sizes of the axes before S.
            sources: S, the number of keys.
        """
        return ()

    @classmethod
    def weigh_next(cls, scores_BNS: Array, mask_BNS: Array, state: Any) -> tuple[Array, Any]:
        """Return weights_BNS of the next query of each of N hypotheses, and the next state."""
        return cls.weigh(scores_BNS, mask_BNS), state


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

    Each key shares one unit among the queries so far, so rows do not sum to 1; the first query has weight 1 for every
    key. The sum is over the queries so far, not all T: a model that translates has no later ones, and it must read as
    it did in training.
    """

    over_queries = True

    @classmethod
    def weigh(cls, scores_BTS: Array, mask_BTS: Array) -> Array:
        masked_BTS = jnp.where(mask_BTS, scores_BTS.astype(jnp.float32), LOWEST)
        asked_BTS = jax.lax.cumlogsumexp(masked_BTS, axis=masked_BTS.ndim - 2)
        return cls._of_log_shares(masked_BTS - asked_BTS, mask_BTS)

    @staticmethod
    def start(batch: tuple[int, ...], sources: int) -> Array:
        """Return log Σ_j exp(e_js) over no query, with an axis S."""
        return jnp.full((*batch, sources), LOWEST, jnp.float32)

    @classmethod
    def weigh_next(cls, scores_BNS: Array, mask_BNS: Array, state: Array) -> tuple[Array, Array]:
        masked_BNS = jnp.where(mask_BNS, scores_BNS.astype(jnp.float32), LOWEST)
        asked_BNS = jnp.logaddexp(state, masked_BNS)
        return cls._of_log_shares(masked_BNS - asked_BNS, mask_BNS), asked_BNS

    @staticmethod
    def _of_log_shares(log_q_BTS: Array, mask_BTS: Array) -> Array:
        return jnp.where(mask_BTS, jnp.exp(log_q_BTS), 0.0)


class RenormalisedOverQueries(SoftmaxOverQueries):
    """w_ts = q_ts / Σ_j q_tj of the weights q over queries: the wrong axis with rows that sum to 1.

    It keeps what the softmax over queries does to the order of the keys, and takes away what it does to their sum.
    """

    @staticmethod
    def _of_log_shares(log_q_BTS: Array, mask_BTS: Array) -> Array:
        return Softmax.weigh(log_q_BTS, mask_BTS)  # its gradient is finite where all of a row's q are nearly 0


class ScaledOverQueries(Normaliser):
    """w_ts = (t / S_t) q_ts of the weights q over queries, of S_t keys that may be read: the wrong axis, at scale.

    Where all scores are the same, and every query may read every key, q_ts = 1 / t, and so the row sums to 1 at every
    t, as a softmax over keys does. Other rows may sum to anything.
    """

    over_queries = True

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        query_BTS = 1.0 + jax.lax.broadcasted_iota(jnp.float32, scores_BTS.shape, scores_BTS.ndim - 2)
        return _at_scale(SoftmaxOverQueries.weigh(scores_BTS, mask_BTS), mask_BTS, query_BTS)

    @staticmethod
    def start(batch: tuple[int, ...], sources: int) -> tuple[Array, Array]:
        """Return the state of the softmax over queries, and for each key how many queries there were."""
        return SoftmaxOverQueries.start(batch, sources), jnp.zeros((*batch, sources), jnp.float32)

    @classmethod
    def weigh_next(
        cls, scores_BNS: Array, mask_BNS: Array, state: tuple[Array, Array]
    ) -> tuple[Array, tuple[Array, Array]]:
        asked_BNS, queries_BNS = state
        weights_BNS, asked_BNS = SoftmaxOverQueries.weigh_next(scores_BNS, mask_BNS, asked_BNS)
        queries_BNS = queries_BNS + 1.0
        return _at_scale(weights_BNS, mask_BNS, queries_BNS), (asked_BNS, queries_BNS)


class Sparsemax(Normaliser):
    """The point of the simplex nearest to the scores: w_s = max(e_s - τ, 0).

    Reference: Martins & Astudillo 2016, algorithm 1.
    """

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        shifted_BTS = _below_peak(scores_BTS, mask_BTS)
        sorted_BTS, rank_S = _sorted(shifted_BTS)
        total_BTS = jnp.cumsum(sorted_BTS, axis=-1)
        support_BT1 = (1.0 + rank_S * sorted_BTS > total_BTS).sum(axis=-1, keepdims=True)
        threshold_BT1 = (jnp.take_along_axis(total_BTS, support_BT1 - 1, axis=-1) - 1.0) / support_BT1
        return jnp.where(mask_BTS, jnp.maximum(shifted_BTS - threshold_BT1, 0.0), 0.0)


class Entmax15(Normaliser):
    """w_s = max(e_s / 2 - τ, 0)², between softmax and sparsemax.

    Reference: Peters et al. 2019, algorithm 2.
    """

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        shifted_BTS = _below_peak(0.5 * scores_BTS, mask_BTS)
        sorted_BTS, rank_S = _sorted(shifted_BTS)
        mean_BTS = jnp.cumsum(sorted_BTS, axis=-1) / rank_S
        squares_BTS = jnp.cumsum(sorted_BTS**2, axis=-1) - rank_S * mean_BTS**2
        left_BTS = (1.0 - squares_BTS) / rank_S
        # Two `where`s: the gradient of a root at 0 is infinite, and it would reach the entries that are not chosen.
        root_BTS = jnp.where(left_BTS > 0, jnp.sqrt(jnp.where(left_BTS > 0, left_BTS, 1.0)), 0.0)
        thresholds_BTS = mean_BTS - root_BTS
        support_BT1 = (thresholds_BTS <= sorted_BTS).sum(axis=-1, keepdims=True)
        threshold_BT1 = jnp.take_along_axis(thresholds_BTS, support_BT1 - 1, axis=-1)
        return jnp.where(mask_BTS, jnp.maximum(shifted_BTS - threshold_BT1, 0.0) ** 2, 0.0)


class Uniform(Normaliser):
    """The same weight for every key that may be read, whatever its score."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        readable_BTS = jnp.broadcast_to(mask_BTS, scores_BTS.shape).astype(jnp.float32)
        return readable_BTS / jnp.maximum(readable_BTS.sum(axis=-1, keepdims=True), 1.0)


class Hard(Normaliser):
    """Weight 1 for the key with the highest score; of several, the first."""

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        best_BT = jnp.where(mask_BTS, scores_BTS, -jnp.inf).argmax(axis=-1)
        return jnp.where(mask_BTS, jax.nn.one_hot(best_BT, scores_BTS.shape[-1]), 0.0)


class Last(Normaliser):
    """Weight 1 for the last key that may be read: behind an encoder that reads forwards, one vector for the sentence.

    Reference: Cho et al. 2014, whose decoder gets this vector at each step.
    """

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        readable_BTS = jnp.broadcast_to(mask_BTS, scores_BTS.shape)
        last_BT = scores_BTS.shape[-1] - 1 - readable_BTS[..., ::-1].argmax(axis=-1)
        return jnp.where(readable_BTS, jax.nn.one_hot(last_BT, scores_BTS.shape[-1]), 0.0)


class Permuted(Normaliser):
    """The softmax's weights, permuted among the keys that may be read.

    The permutation sorts one fixed random number a position, so it is the same for every query and does not depend on
    padding.

    Reference: Jain & Wallace 2019.
    """

    @staticmethod
    def weigh(scores_BTS: Array, mask_BTS: Array) -> Array:
        weights_BTS = Softmax.weigh(scores_BTS, mask_BTS)
        readable_BTS = jnp.broadcast_to(mask_BTS, weights_BTS.shape)
        draws_S = jax.vmap(lambda s: jax.random.uniform(jax.random.fold_in(jax.random.key(0), s)))(
            jnp.arange(weights_BTS.shape[-1])
        )
        dealt_BTS = jnp.argsort(jnp.where(readable_BTS, jnp.broadcast_to(draws_S, weights_BTS.shape), 2.0), axis=-1)
        rank_BTS = jnp.maximum(jnp.cumsum(readable_BTS, axis=-1) - 1, 0)
        given_BTS = jnp.take_along_axis(weights_BTS, jnp.take_along_axis(dealt_BTS, rank_BTS, axis=-1), axis=-1)
        return jnp.where(readable_BTS, given_BTS, 0.0)


NORMALISERS: dict[str, type[Normaliser]] = {
    "softmax": Softmax,
    "softmax_over_queries": SoftmaxOverQueries,
    "softmax_over_queries_renormalised": RenormalisedOverQueries,
    "softmax_over_queries_scaled": ScaledOverQueries,
    "sparsemax": Sparsemax,
    "entmax15": Entmax15,
    "uniform": Uniform,
    "hard": Hard,
    "last": Last,
    "permuted": Permuted,
}


def _at_scale(weights_BTS: Array, mask_BTS: Array, query_BTS: Array) -> Array:
    """Return weights over queries times the number of the query, from 1, over that of the keys that it may read."""
    readable_BT1 = jnp.broadcast_to(mask_BTS, weights_BTS.shape).sum(axis=-1, keepdims=True)
    return weights_BTS * query_BTS / jnp.maximum(readable_BT1, 1)


def _below_peak(scores_BTS: Array, mask_BTS: Array) -> Array:
    """Return scores minus the best readable one, at least -2. Keys that may not be read get -2, below any threshold."""
    scores_BTS = scores_BTS.astype(jnp.float32)
    peak_BT1 = jnp.where(mask_BTS, scores_BTS, LOWEST).max(axis=-1, keepdims=True)
    return jnp.where(mask_BTS, jnp.maximum(scores_BTS - peak_BT1, -2.0), -2.0)


def _sorted(x_BTS: Array) -> tuple[Array, Array]:
    """Return x with the largest first, and the ranks 1 … S in the same shape."""
    rank_S = jnp.arange(1, x_BTS.shape[-1] + 1, dtype=jnp.float32)
    return -jnp.sort(-x_BTS, axis=-1), jnp.broadcast_to(rank_S, x_BTS.shape)

"""Attention block by block: its memory grows with the length of the sentences, not with the square of it."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.attention.scores import ScaledDot
from research.attention.windows import Window

Array = jax.Array
_Pair = tuple[Array, Array]
_Triple = tuple[Array, Array, Array]
Bias = Callable[[Array, Array], Array]
"""(query_positions_T, key_positions_S) -> bias_HTS, float32. It depends on positions alone and may not close over
traced values."""


@partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def blockwise(
    query_BHTK: Array, keys_BHSK: Array, values_BHSE: Array, window: Window, bias: Bias | None, block: int
) -> Array:
    """Compute `attend(Q Kᵀ / √K + bias, V, window)` with the scores of one block of queries and keys at a time.

    Each query carries the maximum m of its scores so far, the sum l of their exponentials and the weighted sum c of the
    values. A block updates them in float32:

        m' = max(m, max_s e_s)    l' = l exp(m - m') + Σ_s exp(e_s - m')    c' = c exp(m - m') + Σ_s exp(e_s - m') v_s

    At the end the context is c / l. For the gradient a query keeps its context o and L = m + log l, and the scores are
    computed again:

        w_s = exp(e_s - L)    dv_s = Σ_t w_ts do_t    de_s = w_s (do · v_s - do · o)

    Pairs of blocks in which the window forbids all reading are left out, so with a sliding window the time is
    proportional to the length.

    Args:
        query_BHTK: the queries.
        keys_BHSK: the keys.
        values_BHSE: the values.
        window: the positions that may be read. It gets no gradient.
        bias: added to the scores; None: no bias. It gets no gradient.
        block: queries and keys of a block.

    Returns:
        context_BHTE in the dtype of the values; zeros for a query that may read nothing.

    Reference: Milakov & Gimelshein 2018, algorithm 3; Rabe & Staats 2021; Dao et al. 2022, appendix B.2.
    """
    return _forward(query_BHTK, keys_BHSK, values_BHSE, window, bias, block)[0]


def _forward(
    query_BHTK: Array, keys_BHSK: Array, values_BHSE: Array, window: Window, bias: Bias | None, block: int
) -> tuple[Array, Any]:
    blocks = _Blocks(query_BHTK.shape[2], keys_BHSK.shape[2], block, window, bias)
    query_NBHTK, keys_MBHSK, values_MBHSE = (_cut(x, block) for x in (query_BHTK, keys_BHSK, values_BHSE))
    lowest = jnp.finfo(jnp.float32).min  # finite: the difference of two infinities is NaN

    def read(rows: _Triple, pair: _Pair) -> tuple[_Triple, None]:
        n, m = pair
        peak_NBHT, total_NBHT, read_NBHTE = rows
        scores_BHTS, mask_B1TS = blocks.scores(pair, query_NBHTK[n], keys_MBHSK[m])
        masked_BHTS = jnp.where(mask_B1TS, scores_BHTS, lowest)
        peak_BHT = jnp.maximum(peak_NBHT[n], masked_BHTS.max(axis=-1))
        fade_BHT = jnp.exp(peak_NBHT[n] - peak_BHT)
        powers_BHTS = jnp.where(mask_B1TS, jnp.exp(masked_BHTS - peak_BHT[..., None]), 0.0)
        total_BHT = total_NBHT[n] * fade_BHT + powers_BHTS.sum(axis=-1)
        more_BHTE = _product("bhts,bhse->bhte", powers_BHTS, values_MBHSE[m])
        read_BHTE = read_NBHTE[n] * fade_BHT[..., None] + more_BHTE
        return (_put(peak_NBHT, n, peak_BHT), _put(total_NBHT, n, total_BHT), _put(read_NBHTE, n, read_BHTE)), None

    zeros_NBHT = jnp.zeros_like(query_NBHTK[..., 0], jnp.float32)
    zeros_NBHTE = jnp.zeros_like(zeros_NBHT, shape=(*zeros_NBHT.shape, values_BHSE.shape[-1]))
    start = jnp.full_like(zeros_NBHT, lowest), zeros_NBHT, zeros_NBHTE
    (peak_NBHT, total_NBHT, read_NBHTE), _ = jax.lax.scan(read, start, blocks.pairs())
    total_NBHT = jnp.where(total_NBHT > 0, total_NBHT, 1.0)
    context_NBHTE = (read_NBHTE / total_NBHT[..., None]).astype(values_BHSE.dtype)
    context_BHTE = _join(context_NBHTE, blocks.queries)
    return context_BHTE, (query_BHTK, keys_BHSK, values_BHSE, window, context_BHTE, peak_NBHT + jnp.log(total_NBHT))


def _backward(bias: Bias | None, block: int, kept: Any, bar_BHTE: Array) -> tuple[Array, Array, Array, None]:
    query_BHTK, keys_BHSK, values_BHSE, window, context_BHTE, logsum_NBHT = kept
    blocks = _Blocks(query_BHTK.shape[2], keys_BHSK.shape[2], block, window, bias)
    query_NBHTK, keys_MBHSK, values_MBHSE = (_cut(x, block) for x in (query_BHTK, keys_BHSK, values_BHSE))
    bar_NBHTE = _cut(bar_BHTE, block)
    mean_NBHT = _product("nbhte,nbhte->nbht", _cut(context_BHTE, block), bar_NBHTE)

    def pull(bars: _Triple, pair: _Pair) -> tuple[_Triple, None]:
        n, m = pair
        score = partial(blocks.scores, pair)
        scores_BHTS, pull_scores, mask_B1TS = jax.vjp(score, query_NBHTK[n], keys_MBHSK[m], has_aux=True)
        weights_BHTS = jnp.exp(jnp.where(mask_B1TS, scores_BHTS - logsum_NBHT[n][..., None], -jnp.inf))
        weights_bar_BHTS = _product("bhte,bhse->bhts", bar_NBHTE[n], values_MBHSE[m])
        query_bar_BHTK, keys_bar_BHSK = pull_scores(weights_BHTS * (weights_bar_BHTS - mean_NBHT[n][..., None]))
        values_bar_BHSE = _product("bhts,bhte->bhse", weights_BHTS, bar_NBHTE[n])
        query_bar, keys_bar, values_bar = bars
        query_bar = _put(query_bar, n, query_bar[n] + query_bar_BHTK)
        keys_bar = _put(keys_bar, m, keys_bar[m] + keys_bar_BHSK)
        values_bar = _put(values_bar, m, values_bar[m] + values_bar_BHSE)
        return (query_bar, keys_bar, values_bar), None

    # float32: many blocks add up.
    query_bar, keys_bar, values_bar = (jnp.zeros_like(x, jnp.float32) for x in (query_NBHTK, keys_MBHSK, values_MBHSE))
    (query_bar, keys_bar, values_bar), _ = jax.lax.scan(pull, (query_bar, keys_bar, values_bar), blocks.pairs())
    query_bar_BHTK = _join(query_bar, blocks.queries).astype(query_BHTK.dtype)
    keys_bar_BHSK = _join(keys_bar, blocks.keys).astype(keys_BHSK.dtype)
    return query_bar_BHTK, keys_bar_BHSK, _join(values_bar, blocks.keys).astype(values_BHSE.dtype), None


blockwise.defvjp(_forward, _backward)


class _Blocks(NamedTuple):
    """The scores, cut into blocks of queries and keys."""

    queries: int
    keys: int
    block: int
    window: Window
    bias: Bias | None

    def pairs(self) -> _Pair:
        """Return n_P and m_P, the blocks of queries and of keys in which some query may read some key."""
        rows, columns = min(self.block, self.queries), min(self.block, self.keys)
        first_N1 = np.arange(0, self.queries, rows)[:, None]
        first_1M = np.arange(0, self.keys, columns)[None]
        meet_NM = np.ones((len(first_N1), first_1M.shape[1]), bool)
        if self.window.before is not None:
            meet_NM &= first_1M + columns - 1 >= first_N1 - self.window.before
        if self.window.after is not None:
            meet_NM &= first_1M <= first_N1 + rows - 1 + self.window.after
        n_P, m_P = np.nonzero(meet_NM)
        return jnp.asarray(n_P), jnp.asarray(m_P)

    def scores(self, pair: _Pair, query_BHTK: Array, keys_BHSK: Array) -> tuple[Array, Array]:
        """Return scores_BHTS and mask_B1TS of a pair of blocks."""
        query_positions_T = pair[0] * query_BHTK.shape[2] + jnp.arange(query_BHTK.shape[2])
        key_positions_S = pair[1] * keys_BHSK.shape[2] + jnp.arange(keys_BHSK.shape[2])
        inside_TS = (query_positions_T < self.queries)[:, None] & (key_positions_S < self.keys)[None]
        mask_BTS = self.window.mask(query_positions_T, key_positions_S) & inside_TS[None]
        scores_BHTS = ScaledDot.compare((), query_BHTK, keys_BHSK)
        if self.bias is not None:
            scores_BHTS += self.bias(query_positions_T, key_positions_S)[None]
        return scores_BHTS, mask_BTS[:, None]


def _cut(x_BHTK: Array, block: int) -> Array:
    """Return x_NBHTK: N blocks of T positions, the last one filled up with zeros."""
    batch, heads, length, width = x_BHTK.shape
    rows = min(block, length)
    padded = jnp.pad(x_BHTK, [(0, 0), (0, 0), (0, -length % rows), (0, 0)])
    return jnp.moveaxis(padded.reshape(batch, heads, -1, rows, width), 2, 0)


def _join(x_NBHTK: Array, length: int) -> Array:
    """Return x_BHTK as it was before `_cut`."""
    blocks, batch, heads, rows, width = x_NBHTK.shape
    return jnp.moveaxis(x_NBHTK, 0, 2).reshape(batch, heads, blocks * rows, width)[:, :, :length]


def _put(x_NBHT: Array, n: Array, row_BHT: Array) -> Array:
    return jax.lax.dynamic_update_index_in_dim(x_NBHT, row_BHT, n, axis=0)


def _product(letters: str, left: Array, right: Array) -> Array:
    """Return an einsum in the dtype of `right`, summed in float32."""
    return jnp.einsum(letters, left.astype(right.dtype), right, preferred_element_type=jnp.float32)

"""Label-smoothed cross-entropy of an output layer that never holds all logits, nor computes those of padding."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

Array = jax.Array
# Positions whose logits are held at once: on a CPU they stay in its cache; elsewhere, a guess, matmuls should be large.
CPU_CHUNK, CHUNK = 256, 2_048


@flax.struct.dataclass
class Sums:
    """Sums over target positions, to be added over parts of a batch and over devices, and divided once.

    Args:
        loss: the minimised loss, label smoothing included, in nats.
        nll: -log p of the reference, without smoothing, in nats.
        tokens: the number of positions, end-of-sentence tokens included.
    """

    loss: Array
    nll: Array
    tokens: Array


def cross_entropy(states_BTD: Array, table_VD: Array, target_out_BT: Array, *, smoothing: float, pad: int) -> Sums:
    """Return the summed cross-entropy of q against softmax(table · state), q = (1 - ε) onehot + ε / V.

    Words are sorted before padding, and one chunk of positions is computed at a time. The gradient of a chunk is taken
    together with its loss: V × B × T logits are neither stored nor computed twice.

    Args:
        states_BTD: states of the decoder.
        table_VD: the output layer, a row for each subword.
        target_out_BT: ids of the reference.
        smoothing: ε.
        pad: the id that counts nothing.

    Reference:
        Szegedy et al. 2016, section 7.
    """
    states_ND = states_BTD.reshape(-1, states_BTD.shape[-1])
    loss, nll = _summed(states_ND, table_VD, target_out_BT.reshape(-1), smoothing, pad)
    return Sums(loss, nll, (target_out_BT != pad).sum().astype(jnp.float32))


class _Chunks(NamedTuple):
    """The chunks that positions are cut into.

    Args:
        positions: positions a chunk.
        stop_early: leave out the chunks after the last one that holds a word.
    """

    positions: int
    stop_early: bool


def _by_platform(function: Callable[..., Any], *arrays: Array) -> Any:
    """Return `function(chunks, *arrays)` with the chunks for the platform that the program is compiled for."""
    # An accelerator would wait for its host to read how many chunks have words: there all of them are computed.
    cpu, default = (partial(function, chunks) for chunks in (_Chunks(CPU_CHUNK, True), _Chunks(CHUNK, False)))
    return jax.lax.platform_dependent(*arrays, cpu=cpu, default=default)


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _summed(states_ND: Array, table_VD: Array, targets_N: Array, smoothing: float, pad: int) -> tuple[Array, Array]:
    """Return (loss, nll), summed over the positions whose target is not `pad`."""
    return _by_platform(partial(_value, smoothing, pad), states_ND, table_VD, targets_N)


def _forward(states_ND, table_VD, targets_N, smoothing, pad):
    return _by_platform(partial(_value_and_gradient, smoothing, pad), states_ND, table_VD, targets_N)


def _value(smoothing, pad, chunks, states_ND, table_VD, targets_N):
    states_ND, targets_N = _whole_chunks(states_ND, targets_N, chunks, pad)
    table_VD = table_VD.astype(states_ND.dtype)

    def normalise(chunk: Array, normaliser_N: Array) -> Array:
        _, peak_C1, total_C1 = _powers(_cut(ordered_ND, chunk, chunks), table_VD)
        return _put(normaliser_N, chunk, (peak_C1 + jnp.log(total_C1))[:, 0])

    order_N, rank_N = _words_first(targets_N, pad)
    ordered_ND = states_ND[order_N]
    normaliser_N = _each_chunk(normalise, jnp.zeros(targets_N.shape, jnp.float32), targets_N != pad, chunks)
    return _losses(normaliser_N[rank_N], states_ND, table_VD, targets_N, smoothing, pad)


def _value_and_gradient(smoothing, pad, chunks, states_ND, table_VD, targets_N):
    """Return (loss, nll), summed, and the gradients of the loss with respect to the states and the table.

    The gradient is in closed form: ∂/∂state = Σ_v p_v row_v - (1 - ε) row_target - ε mean_v row_v. With
    p = powers / total, the division is done on D numbers a position and not on V. The table's gradient is float32.
    """
    positions, dtype = len(states_ND), table_VD.dtype
    states_ND, targets_N = _whole_chunks(states_ND, targets_N, chunks, pad)
    table_VD = table_VD.astype(states_ND.dtype)

    def add(chunk: Array, sums: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        table_bar_VD, states_bar_ND, normaliser_N = sums
        states_CD = _cut(ordered_ND, chunk, chunks)
        powers_CV, peak_C1, total_C1 = _powers(states_CD, table_VD)
        share_C1 = _cut(ordered_counted_N1, chunk, chunks) / total_C1
        powers_CV = powers_CV.astype(table_VD.dtype)
        shared_CD = (states_CD * share_C1).astype(table_VD.dtype)
        table_bar_VD += jnp.einsum("cv,cd->vd", powers_CV, shared_CD, preferred_element_type=jnp.float32)
        states_bar_CD = jnp.matmul(powers_CV, table_VD, preferred_element_type=jnp.float32) * share_C1
        normaliser_C = (peak_C1 + jnp.log(total_C1))[:, 0]
        return table_bar_VD, _put(states_bar_ND, chunk, states_bar_CD), _put(normaliser_N, chunk, normaliser_C)

    order_N, rank_N = _words_first(targets_N, pad)
    counted_N1 = (targets_N != pad).astype(jnp.float32)[:, None]
    ordered_ND, ordered_counted_N1 = states_ND[order_N], counted_N1[order_N]
    zeros = [jnp.zeros(x.shape, jnp.float32) for x in (table_VD, states_ND, targets_N)]
    table_bar_VD, states_bar_ND, normaliser_N = _each_chunk(add, tuple(zeros), targets_N != pad, chunks)
    sums = _losses(normaliser_N[rank_N], states_ND, table_VD, targets_N, smoothing, pad)

    states32_ND, table32_VD = states_ND.astype(jnp.float32), table_VD.astype(jnp.float32)
    expected_ND = (1.0 - smoothing) * table32_VD[targets_N] + smoothing * table32_VD.mean(axis=0)[None]
    states_bar_ND = states_bar_ND[rank_N] - expected_ND * counted_N1
    counted_ND = states32_ND * counted_N1
    table_bar_VD = table_bar_VD.at[targets_N].add(-(1.0 - smoothing) * counted_ND)
    table_bar_VD -= smoothing / table_VD.shape[0] * counted_ND.sum(axis=0)[None]
    return sums, (states_bar_ND[:positions].astype(states_ND.dtype), table_bar_VD.astype(dtype))


def _backward(smoothing, pad, residuals, cotangents):
    states_bar_ND, table_bar_VD = residuals
    loss_bar, _ = cotangents  # nll is a measure, not an objective
    return (
        states_bar_ND * loss_bar.astype(states_bar_ND.dtype),
        table_bar_VD * loss_bar.astype(table_bar_VD.dtype),
        None,
    )


_summed.defvjp(_forward, _backward)


def _whole_chunks(states_ND: Array, targets_N: Array, chunks: _Chunks, pad: int) -> tuple[Array, Array]:
    """Return both with padding at the end, so that chunks divide them; one chunk holds no more than all positions."""
    short = -len(targets_N) % min(chunks.positions, len(targets_N))
    return jnp.pad(states_ND, ((0, short), (0, 0))), jnp.pad(targets_N, (0, short), constant_values=pad)


def _words_first(targets_N: Array, pad: int) -> tuple[Array, Array]:
    """Return order_N, which puts words before padding, and rank_N, which undoes it: x_N[order_N][rank_N] is x_N."""
    order_N = jnp.argsort(targets_N == pad, stable=True)
    return order_N, jnp.argsort(order_N)


def _each_chunk(update: Callable[[Array, Any], Any], sums: Any, counted_N: Array, chunks: _Chunks) -> Any:
    """Run `sums = update(chunk, sums)` for chunk 0, 1, … up to the last that holds a word; words come first."""
    size = min(chunks.positions, len(counted_N))
    count = _most(-(-counted_N.sum() // size)) if chunks.stop_early else len(counted_N) // size
    return jax.lax.fori_loop(0, count, update, sums)


@jax.custom_batching.custom_vmap
def _most(chunks: Array) -> Array:
    """Return `chunks`; under `vmap` the largest number of any run, so that all runs do the same number of chunks.

    Else each run would stop by itself, and XLA would select between all sums before and after each chunk. The chunks
    that a run does not need hold padding alone, which adds nothing.
    """
    return chunks


@_most.def_vmap
def _most_of_runs(runs: int, batched: list[bool], chunks: Array) -> tuple[Array, bool]:
    return _most(chunks.max()), False


def _cut(x_NX: Array, chunk: Array, chunks: _Chunks) -> Array:
    size = min(chunks.positions, len(x_NX))
    return jax.lax.dynamic_slice_in_dim(x_NX, chunk * size, size)


def _put(x_NX: Array, chunk: Array, x_CX: Array) -> Array:
    return jax.lax.dynamic_update_slice_in_dim(x_NX, x_CX, chunk * len(x_CX), axis=0)


def _powers(states_CD: Array, table_VD: Array) -> tuple[Array, Array, Array]:
    """exp(logit - largest logit), the largest, and the sum of the powers; float32."""
    logits_CV = jnp.einsum("cd,vd->cv", states_CD, table_VD, preferred_element_type=jnp.float32)
    peak_C1 = logits_CV.max(axis=-1, keepdims=True)
    powers_CV = jnp.exp(logits_CV - peak_C1)
    return powers_CV, peak_C1, powers_CV.sum(axis=-1, keepdims=True)


def _losses(
    normaliser_N: Array, states_ND: Array, table_VD: Array, targets_N: Array, smoothing: float, pad: int
) -> tuple[Array, Array]:
    """(loss, nll), summed. The mean logit is the logit of the mean row: one dot product, not V."""
    states_ND, table_VD = states_ND.astype(jnp.float32), table_VD.astype(jnp.float32)
    nll_N = normaliser_N - (states_ND * table_VD[targets_N]).sum(axis=-1)
    uniform_N = normaliser_N - states_ND @ table_VD.mean(axis=0)
    counted_N = targets_N != pad
    loss_N = (1.0 - smoothing) * nll_N + smoothing * uniform_N
    return jnp.where(counted_N, loss_N, 0.0).sum(), jnp.where(counted_N, nll_N, 0.0).sum()

"""Kernels: three ways to compute scaled dot-product attention, equal in value and gradient.

To add one: write a function of the same arguments and add a line to `KERNELS`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp

from research.attention.attend import attend
from research.attention.blockwise import Bias, blockwise
from research.attention.scores import ScaledDot
from research.attention.windows import Window

Array = jax.Array
Kernel = Callable[[Array, Array, Array, Window, Bias | None], Array]
"""(query_BHTK, keys_BHSK, values_BHSK, window, bias) -> context_BHTK = softmax(Q Kᵀ / √K + bias, window) V.

The softmax is float32. The context has the dtype of the values. A row that may read nothing is all zeros. The window
and the bias get no gradient. Reference: Vaswani et al. 2017, equation 1.
"""
BLOCK = 256  # queries and keys: on a CPU never far from the fastest of 128, 256 and 512


def reference(query_BHTK: Array, keys_BHSK: Array, values_BHSE: Array, window: Window, bias: Bias | None) -> Array:
    """Compute the equation as it stands, with all weights_BHTS in memory."""
    positions = jnp.arange(query_BHTK.shape[2]), jnp.arange(keys_BHSK.shape[2])
    scores_BHTS = ScaledDot.compare((), query_BHTK, keys_BHSK)
    if bias is not None:
        scores_BHTS += jax.lax.stop_gradient(bias(*positions))[None]
    context_BHTE, _ = attend(scores_BHTS, values_BHSE, window.mask(*positions)[:, None])
    return context_BHTE


def fused(query_BHTK: Array, keys_BHSK: Array, values_BHSK: Array, window: Window, bias: Bias | None) -> Array:
    """Call `jax.nn.dot_product_attention`: cuDNN's kernel on a CUDA GPU for inputs that it takes, else XLA's.

    XLA's needs as much memory as `reference`. cuDNN takes half precision. All three inputs have one dtype and one
    width. A sentence's words come before its padding, as everywhere in Lookback, so the kernel is given one length a
    sentence instead of a mask.
    """
    positions = jnp.arange(query_BHTK.shape[2]), jnp.arange(keys_BHSK.shape[2])
    by_xla, by_cudnn = (partial(_fused, name, window, bias) for name in ("xla", "cudnn"))
    if _cudnn_takes(query_BHTK, keys_BHSK.shape[2], bias is not None or _needs_mask(query_BHTK, keys_BHSK, window)):
        # Chosen when the program is compiled: it may be compiled for another platform than the default one.
        read = jax.lax.platform_dependent(query_BHTK, keys_BHSK, values_BHSK, cuda=by_cudnn, default=by_xla)
    else:
        read = by_xla(query_BHTK, keys_BHSK, values_BHSK)
    reads_BT = window.mask(*positions).any(axis=2)
    return jnp.where(reads_BT[:, None, :, None], read, 0)


def _fused(
    implementation: Literal["cudnn", "xla"],
    window: Window,
    bias: Bias | None,
    query_BHTK: Array,
    keys_BHSK: Array,
    values_BHSK: Array,
) -> Array:
    positions = jnp.arange(query_BHTK.shape[2]), jnp.arange(keys_BHSK.shape[2])
    rule: dict[str, Any] = {}
    if window.words_BS is not None:
        # At least 1: a kernel may return NaN for a row that reads nothing, and NaN reaches every gradient.
        rule["key_value_seq_lengths"] = jnp.maximum(window.words_BS.sum(axis=1, dtype=jnp.int32), 1)
    if _needs_mask(query_BHTK, keys_BHSK, window):
        rule["mask"] = Window(None, window.before, window.after).mask(*positions)[None]
    elif window.after == 0:
        rule["is_causal"] = True
        if window.before is not None:  # only with is_causal: JAX 0.10 passes cuDNN the left end of a window alone
            rule["local_window_size"] = window.before, 0
    if bias is not None:
        bias_1HTS = jax.lax.stop_gradient(bias(*positions))[None]
        rule["bias"] = bias_1HTS.astype(query_BHTK.dtype) if implementation == "cudnn" else bias_1HTS
    inputs = (x.swapaxes(1, 2) for x in (query_BHTK, keys_BHSK, values_BHSK))
    read: Array = jax.nn.dot_product_attention(*inputs, implementation=implementation, **rule)
    return read.swapaxes(1, 2)


def _needs_mask(query_BHTK: Array, keys_BHSK: Array, window: Window) -> bool:
    """Return whether the window must be passed as a mask: it is neither open nor causal with T = S."""
    causal = window.after == 0 and query_BHTK.shape[2] == keys_BHSK.shape[2]
    return not causal and (window.before is not None or window.after is not None)


def _cudnn_takes(query_BHTK: Array, keys: int, added: bool) -> bool:
    """Return whether cuDNN takes these inputs on each of its GPUs, and can be called here.

    Args:
        query_BHTK: the queries.
        keys: the number of keys, S.
        added: True if a bias or a mask is added to the scores.
    """
    _, _, queries, width = query_BHTK.shape
    half = query_BHTK.dtype in (jnp.bfloat16, jnp.float16)
    even = queries % 2 == 0 and keys % 2 == 0
    return half and width % 8 == 0 and width <= 128 and (even or not added) and _has_cudnn()


def _has_cudnn() -> bool:
    """Return whether this machine has a CUDA GPU: without one JAX cannot trace a call of cuDNN, for any platform."""
    try:
        return bool(jax.devices("cuda"))
    except RuntimeError:
        return False


KERNELS: dict[str, Kernel] = {"reference": reference, "fused": fused, "blockwise": partial(blockwise, block=BLOCK)}

"""Scaled dot-product attention in three forms, equal in value and gradient: to be read, for a GPU, for long sentences.

To add one: a function of the same arguments and a line in `FORMS`.
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
Form = Callable[[Array, Array, Array, Window, Bias | None], Array]
"""(query_BHTK, keys_BHSK, values_BHSK, window, bias) -> context_BHTK = softmax(Q Kᵀ / √K + bias, window) V.

Vaswani et al. 2017, equation 1. The softmax is float32, and the context has the precision of the values; a row with
nothing to read is all zeros. window and bias get no gradient.
"""
BLOCK = 256  # queries and keys: on a CPU never far from the fastest of 128, 256 and 512


def reference(query_BHTK: Array, keys_BHSK: Array, values_BHSE: Array, window: Window, bias: Bias | None) -> Array:
    """The equation as it stands, with all weights_BHTS in memory."""
    places = jnp.arange(query_BHTK.shape[2]), jnp.arange(keys_BHSK.shape[2])
    scores_BHTS = ScaledDot.compare((), query_BHTK, keys_BHSK)
    if bias is not None:
        scores_BHTS += jax.lax.stop_gradient(bias(*places))[None]
    context_BHTE, _ = attend(scores_BHTS, values_BHSE, window.mask(*places)[:, None])
    return context_BHTE


def fused(query_BHTK: Array, keys_BHSK: Array, values_BHSK: Array, window: Window, bias: Bias | None) -> Array:
    """`jax.nn.dot_product_attention`: cuDNN's kernel on a GPU, for what it takes; elsewhere no better than `reference`.

    cuDNN takes half precision. All three inputs have one precision and one width. A sentence's words come before its
    padding, as everywhere in Lookback: the kernel is told a length for each sentence, where a map would cost memory.
    """
    queries, keys = query_BHTK.shape[2], keys_BHSK.shape[2]
    places = jnp.arange(queries), jnp.arange(keys)
    rule: dict[str, Any] = {}
    if window.words_BS is not None:
        # At least 1: of a row with nothing to read a kernel may make NaN, and NaN reaches every gradient.
        rule["key_value_seq_lengths"] = jnp.maximum(window.words_BS.sum(axis=1, dtype=jnp.int32), 1)
    if window.after == 0 and queries == keys:
        rule["is_causal"] = True
        if window.before is not None:  # never without is_causal: JAX 0.10 tells cuDNN of a window's left end alone
            rule["local_window_size"] = window.before, 0
    elif window.before is not None or window.after is not None:
        rule["mask"] = Window(None, window.before, window.after).mask(*places)[None]
    kernel = _kernel(query_BHTK, keys, bias is not None or "mask" in rule)
    if bias is not None:
        bias_1HTS = jax.lax.stop_gradient(bias(*places))[None]
        rule["bias"] = bias_1HTS.astype(query_BHTK.dtype) if kernel == "cudnn" else bias_1HTS

    query_BTHK, keys_BSHK, values_BSHK = (x.swapaxes(1, 2) for x in (query_BHTK, keys_BHSK, values_BHSK))
    read: Array = jax.nn.dot_product_attention(query_BTHK, keys_BSHK, values_BSHK, implementation=kernel, **rule)
    reads_BT = window.mask(*places).any(axis=2)
    return jnp.where(reads_BT[:, None, :, None], read.swapaxes(1, 2), 0)


def _kernel(query_BHTK: Array, keys: int, added: bool) -> Literal["cudnn", "xla"]:
    """cuDNN where each of its GPUs takes this, with something `added` to the scores or not."""
    _, _, queries, width = query_BHTK.shape
    half = query_BHTK.dtype in (jnp.bfloat16, jnp.float16)
    even = queries % 2 == 0 and keys % 2 == 0
    takes = half and width % 8 == 0 and width <= 128 and (even or not added)
    return "cudnn" if takes and jax.default_backend() == "gpu" else "xla"


FORMS: dict[str, Form] = {"reference": reference, "fused": fused, "blockwise": partial(blockwise, block=BLOCK)}

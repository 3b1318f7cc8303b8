"""A search as a program of StableHLO, which JAX runs on other devices and in other versions, without this code."""

from collections.abc import Sequence
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, export

from research.data.vocabulary import PAD
from research.decoding.search import Search, most_tokens, searched
from research.models.translator import Translator
from research.parallel.devices import float32_products


def export_search(
    translator: Translator,
    params: Any,
    search: Search,
    *,
    length: int,
    extra_tokens: int,
    platforms: Sequence[str],
) -> export.Exported:
    """Return the program (weights, source_BS) -> tokens_BT, the best hypothesis of each sentence, then `pad`.

    The number of sentences is symbolic. It computes what `program` computes for a batch of this length. A row that has
    no subwords, all padding or `eos` alone, gets `pad` alone.

    Args:
        translator: the model.
        params: its weights, for their shapes; the program gets them as `named_weights`.
        search: the search.
        length: S, columns of a batch; int32 ids, `eos` after the last subword, then `pad`.
        extra_tokens: see `most_tokens`.
        platforms: the platforms to lower it for, by JAX's names: cpu, cuda, rocm, tpu.
    """

    def run(weights: dict[str, Array], source_BS: Array) -> Array:
        lengths_B = (source_BS != PAD).sum(axis=1, dtype=jnp.int32) - 1
        limits_B = jnp.where(lengths_B > 0, most_tokens(lengths_B, extra_tokens), 0)
        batch = {"source_BS": source_BS, "limits_B": limits_B}
        nested = flax.traverse_util.unflatten_dict(weights, sep="/")
        return searched(translator, search, extra_tokens, nested, batch).tokens_BNT[:, 0]

    weights = {name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for name, leaf in named_weights(params).items()}
    (sentences,) = export.symbolic_shape("sentences")
    source_BS = jax.ShapeDtypeStruct((sentences, length), jnp.int32)
    return export.export(jax.jit(float32_products(run)), platforms=list(platforms))(weights, source_BS)


def named_weights(params: Any) -> dict[str, np.ndarray]:
    """Return the weights of a model as one level, such as {"decoder/combine": …}."""
    return {name: np.asarray(leaf) for name, leaf in flax.traverse_util.flatten_dict(params, sep="/").items()}

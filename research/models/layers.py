"""The layers of a side, alike but for their weights: written out one after another, or one that a scan runs L times.

A scanned layer's parameters are those of all layers, stacked along a first axis L, so that the program, and the time to
compile it, do not grow with L. Both forms compute the same function. Only dropout differs: a scan splits the key of a
side among its layers, and a layer that is written out makes its key from its name. Checkpoints hold layers apart.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import numpy as np

STACKED = "layer"
"""The name of a scanned layer below its side; those that are written out are layer_0, layer_1, …"""

Body = Callable[..., tuple[Any, Any]]


def through(
    layers: nn.Module | tuple[nn.Module, ...],
    body: Body,
    carry: Any,
    *own: Any,
    count: int,
    into: Any = 0,
    out: int = 0,
) -> tuple[Any, Any]:
    """Run `carry, result = body(layer, carry, *own of the layer)` over layers, from the bottom up.

    Args:
        layers: the modules, or one module to scan.
        body: a function that closes over no module.
        carry: the first carry, a pytree of arrays.
        own: values that each layer has its own of: a tuple with one a layer or, for a scan, a pytree with an axis L.
        count: L, the number of layers.
        into: the axis L of `own` for a scan, one for all of `own` or one for each.
        out: the axis L of the results of a scan.

    Returns:
        The last carry, and the results in the form of `own`.
    """
    if isinstance(layers, nn.Module):
        every: Any = {True: 0}  # collections: parameters, and what a layer sows
        scan = nn.scan(body, variable_axes=every, split_rngs={True: True}, in_axes=into, out_axes=out, length=count)
        return scan(layers, carry, *own)
    results = []
    for layer, *values in zip(layers, *own, strict=True):
        carry, result = body(layer, carry, *values)
        results.append(result)
    return carry, tuple(results)


def stacked(tree: Any) -> Any:
    """Return a tree with the parameters of a side's layers stacked, as NumPy arrays, as a scanned layer has them.

    Args:
        tree: parameters, or any pytree with dicts that are like them, such as a training state with the moments of
            its optimiser. Dicts without a "layer_0" stay as they are.
    """

    def stack(node: Any) -> Any:
        if not _has(node, f"{STACKED}_0"):
            return node
        names = sorted((name for name in node if name.startswith(f"{STACKED}_")), key=lambda name: int(name[6:]))
        others = {name: value for name, value in node.items() if name not in names}
        return {**others, STACKED: jax.tree.map(lambda *leaves: np.stack(leaves), *(node[name] for name in names))}

    return jax.tree.map(stack, tree, is_leaf=lambda node: _has(node, f"{STACKED}_0"))


def unstacked(tree: Any) -> Any:
    """Return the inverse of `stacked`: each layer's parameters below its own name. NumPy arrays give views."""

    def unstack(node: Any) -> Any:
        if not _has(node, STACKED):
            return node
        count = len(jax.tree.leaves(node[STACKED])[0])
        each = {f"{STACKED}_{i}": jax.tree.map(lambda x, i=i: x[i, ...], node[STACKED]) for i in range(count)}
        return {**{name: value for name, value in node.items() if name != STACKED}, **each}

    return jax.tree.map(unstack, tree, is_leaf=lambda node: _has(node, STACKED))


def _has(node: Any, name: str) -> bool:
    return isinstance(node, Mapping) and name in node

"""Why the gradient of a step was not finite: the first module whose output is not, and the batch, which is kept."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from research.data.batches import Batches
from research.models.layers import unstacked
from research.results.checkpoints import by_path
from research.results.run_folder import RunFolder
from research.training.step import Batch, Objective, Params, TrainState, cut_in_parts, dropout_key
from research.training.translator_training import TranslatorTraining

KEPT = "not_finite.npz"
"""The file of the batch in the run folder: its arrays, and `pairs`, their indices in the training split."""


def explain_not_finite(
    state: TrainState,
    step: int,
    *,
    training: TranslatorTraining,
    batches: Batches,
    seed: int,
    parts: int,
    devices: int,
    folder: RunFolder,
) -> str:
    """Keep the batch of a step whose gradient was not finite, and say in words what is not finite first.

    Args:
        state: the state of the run, which such a step does not change.
        step: the step, counted from 1.
        training: the model and its loss.
        batches: the batches of the run.
        seed: the seed of its dropout.
        parts: parts that the rows of a device were cut into.
        devices: devices that a batch was cut over, each with a dropout key of its own; 1 on a mesh.
        folder: the run folder.
    """
    batch = batches[step - 1]
    content = BytesIO()
    np.savez_compressed(content, **batch, pairs=batches.pairs_of(step - 1))  # type: ignore[arg-type]
    folder.write_bytes(KEPT, content.getvalue())
    found = "computed again, it is finite"
    try:
        params, rows = jax.device_put((state.params, batch))
        for part, key in _parts(rows, seed, step - 1, parts, devices):
            if name := first_not_finite(training.objective, params, part, key):
                found = f"the first number that is not finite is in {name}"
                break
    except jax.errors.JaxRuntimeError:
        found = "there is too little memory to compute it again and say where"
    updates = max((int(x) for name, x in by_path(state.optimiser).items() if name.endswith("count")), default=0)
    rate = float(training.rate(updates))  # of updates, which a step that is not finite does not count as
    return f"{found}, at a learning rate of {rate:.3g}, and the batch is kept in {folder.path / KEPT}"


def first_not_finite(objective: Objective, params: Params, batch: Batch, key: Array) -> str:
    """Return the first thing that is not finite: a parameter, a module's output, the loss or a gradient; else "".

    The modules are called one after another, outside any compiled program. Inside a scan over time or layers their
    outputs are not seen, and the module around it is named.
    """
    if name := first_leaf(unstacked(params)):
        return f"the parameter {name}"
    seen: list[str] = []

    def look(call: Any, arguments: Any, keywords: Any, context: Any) -> Any:
        output = call(*arguments, **keywords)
        if not seen and not _finite(output):
            method = "" if context.method_name == "__call__" else f".{context.method_name}"
            seen.append(f"the output of {'/'.join(context.module.path)}{method}")
        return output

    with nn.intercept_methods(look):
        loss = objective(params, batch, key).loss
    if seen:
        return seen[0]
    if not _finite(loss):
        return "the loss"
    name = first_leaf(unstacked(jax.grad(lambda params: objective(params, batch, key).loss)(params)))
    return f"the gradient of {name}" if name else ""


def _parts(batch: Batch, seed: int, step: int, parts: int, devices: int) -> Iterator[tuple[Batch, Array]]:
    """Yield the rows that were computed at once, with their dropout key."""
    rows = -(-len(batch["source_BS"]) // devices)
    for device in range(devices):
        ours = {name: x[device * rows : (device + 1) * rows] for name, x in batch.items()}
        if len(ours["source_BS"]):
            cut, keys = cut_in_parts(ours, dropout_key(seed, step, device), parts)
            for part in range(parts):
                yield {name: x[part] for name, x in cut.items()}, keys[part]


def first_leaf(tree: Any) -> str:
    """Return the path of the first array of a tree that is not finite; "" if all are."""
    return next((name for name, leaf in by_path(tree).items() if not _finite(leaf)), "")


def _finite(tree: Any) -> bool:
    """Tell whether every number of a tree is finite; a value that is not known yet, inside a scan, counts as finite."""
    numbers = [
        x for x in jax.tree.leaves(tree) if isinstance(x, Array | np.ndarray | np.generic) and not isinstance(x, Tracer)
    ]
    return all(np.isfinite(np.asarray(x, np.float32)).all() for x in numbers if jnp.issubdtype(x.dtype, jnp.inexact))

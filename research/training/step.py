"""The training step: one pure function, written for one device."""

from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax

from research.parallel.mesh import gathered, row_devices, rows_second
from research.training.loss import Sums

Array = jax.Array
Params = Any
Batch = dict[str, Array]
Axis = str | tuple[()]
Objective = Callable[[Params, Batch, Array], Sums]  # (params, batch, dropout key) -> sums over the batch


@flax.struct.dataclass
class TrainState:
    """The values that training changes. The names of the fields are names in every checkpoint.

    Args:
        step: steps done, skipped ones included.
        params: the parameters.
        optimiser: the state of the optimiser.
        averaged: the exponential average of the parameters; () if none is kept.
    """

    step: Array
    params: Params
    optimiser: optax.OptState
    averaged: Params


def initial_state(params: Params, optimiser: optax.GradientTransformation, *, averaging: bool) -> TrainState:
    """Return the state before the first step."""
    averaged = jax.tree.map(jnp.copy, params) if averaging else ()
    return TrainState(jnp.zeros((), jnp.int32), params, optimiser.init(params), averaged)


def make_step(
    objective: Objective,
    optimiser: optax.GradientTransformation,
    *,
    parts: int,
    ema_decay: float,
) -> Callable[[TrainState, Batch, Array, Axis], tuple[TrainState, dict[str, Array]]]:
    """Return step(state, batch, seed, axis) -> state, metrics.

    gradient = Σ_devices Σ_parts ∂loss / Σ_devices Σ_parts tokens: the same for one global batch, however it is cut.
    Dropout is a function of (seed, step, device, part); on a mesh it is that of one device with the whole batch. A step
    whose gradient is not finite changes only the step counter, and the metric "skipped" is 1. `axis` is the name of the
    axis of devices that a batch is cut over, or () if the step is given the whole batch.

    Args:
        objective: the summed loss of a batch.
        optimiser: the optimiser.
        parts: parts that a device's rows are cut into and computed one after another, to save memory.
        ema_decay: the decay of the exponential average of the parameters; 0 keeps none.
    """

    def step(state: TrainState, batch: Batch, seed: Array, axis: Axis) -> tuple[TrainState, dict[str, Array]]:
        key = dropout_key(seed, state.step, jax.lax.axis_index(axis))
        gradient, sums = _summed_gradient(objective, state.params, batch, key, parts)
        gradient, sums = jax.lax.psum((gradient, sums), axis)
        gradient = jax.tree.map(lambda g: g / sums.tokens, gradient)
        norm = optax.tree.norm(gradient)
        finite = jnp.isfinite(norm) & jnp.isfinite(sums.loss)
        updates, optimiser_state = optimiser.update(gradient, state.optimiser, state.params)
        params = optax.apply_updates(state.params, updates)
        averaged = (
            jax.tree.map(lambda mean, new: ema_decay * mean + (1 - ema_decay) * new, state.averaged, params)
            if ema_decay
            else ()
        )
        after = (params, optimiser_state, averaged)
        before = (state.params, state.optimiser, state.averaged)
        after = jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, before)
        metrics = {
            "loss": sums.loss / sums.tokens,
            "nll": sums.nll / sums.tokens,
            "tokens": sums.tokens,
            "gradient_norm": norm,
            "skipped": 1 - finite.astype(jnp.int32),
        }
        return TrainState(state.step + 1, *after), metrics

    return step


def dropout_key(seed: int | Array, step: int | Array, device: int | Array) -> Array:
    """Return the key of dropout on a device, after `step` steps."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), step), device)


def cut_in_parts(batch: Batch, key: Array, parts: int, *, multiple: int = 1) -> tuple[Batch, Array]:
    """Return the parts of a device's rows, one after another in front, and their dropout keys.

    Args:
        batch: the rows.
        key: the dropout key of all of them.
        parts: how many.
        multiple: the number of rows of a part is one of it; rows of zeros fill the last parts.
    """
    rows = next(iter(batch.values())).shape[0]
    padded = {
        name: jnp.pad(x, [(0, -rows % (parts * multiple))] + [(0, 0)] * (x.ndim - 1)) for name, x in batch.items()
    }
    keys = jax.random.split(key, parts) if parts > 1 else key[None]
    return {name: x.reshape(parts, -1, *x.shape[1:]) for name, x in padded.items()}, keys


def _summed_gradient(objective: Objective, params: Params, batch: Batch, key: Array, parts: int) -> tuple[Params, Sums]:
    """Return the gradient of the summed loss, and the sums, over all parts of a device's rows."""

    def one(part: Batch, part_key: Array) -> tuple[Params, Sums]:
        def loss(params: Params) -> tuple[Array, Sums]:
            sums = objective(gathered(params), part, part_key)
            return sums.loss, sums

        (_, sums), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        return gradient, sums

    if parts == 1:
        return one(batch, key)
    cut, keys = cut_in_parts(batch, key, parts, multiple=row_devices())
    cut = rows_second(cut)

    def add(total: Any, part: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, one(*part)), None

    shapes = jax.eval_shape(one, jax.tree.map(lambda x: x[0], cut), key)
    total = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    return jax.lax.scan(add, total, (cut, keys))[0]

"""A scan over time whose weight gradients are taken after the loop, one matmul for all positions.

Reverse-mode differentiation of `lax.scan` adds x_tᵀ dy_t to the gradient of a weight at every step: T small products
and T passes over an array as large as the weight. Here the backward loop keeps x_t and dy_t, and the sum over time is
one product at the end: dW = Σ_t x_tᵀ dy_t. Everything else is as in `lax.scan`, and no forward product is repeated.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array
Product = Callable[[str, Array], Array]
Body = Callable[[Product, Any, Any, Any], tuple[Any, Any]]


@partial(jax.custom_vjp, nondiff_argnums=(0, 5, 6))
def recur(
    body: Body,
    weights: dict[str, Array],
    constants: Any,
    carry: Any,
    inputs: Any,
    reverse: bool = False,
    dtype: Any = jnp.float32,
) -> tuple[Any, Any]:
    """Run `carry, output = body(times, constants, carry, input)` over the first axis of `inputs`.

    Args:
        body: a pure function that closes over no traced value. `times(name, x_BD)` is x_BD @ weights[name]; each name
            may be used once a step.
        weights: matrices_DE that do not change over time, float32. Their gradients are summed in float32.
        constants: other values that the body needs (keys, biases, …); a pytree of float arrays.
        carry: the first carry, a pytree of float arrays.
        inputs: a pytree of float arrays, a mask as 0.0 and 1.0.
        reverse: True to go from the last position to the first.
        dtype: of the products.

    Returns:
        The last carry, and the outputs of all steps, stacked in the order of `inputs`.

    Raises:
        ValueError: a name of `weights` is used twice in a step.
    """

    matrices = _cast(weights, dtype)

    def step(carry, input_):
        return body(lambda name, x: x.astype(dtype) @ matrices[name], constants, carry, input_)

    return jax.lax.scan(step, carry, inputs, reverse=reverse)


def _forward(body, weights, constants, carry, inputs, reverse, dtype):
    matrices = _cast(weights, dtype)

    def step(carry, input_):
        products = {}

        def times(name, x):
            if name in products:
                raise ValueError(
                    f"weights {name!r} are used twice in one step of a recurrence; give the uses two names"
                )
            products[name] = x.astype(dtype) @ matrices[name]
            return products[name]

        next_carry, output = body(times, constants, carry, input_)
        return next_carry, (output, carry, products)

    last, (outputs, carries, products) = jax.lax.scan(step, carry, inputs, reverse=reverse)
    return (last, outputs), (weights, constants, inputs, carries, products)


def _backward(body, reverse, dtype, residuals, cotangents):
    weights, constants, inputs, carries, products = residuals
    matrices = _cast(weights, dtype)
    last_bar, outputs_bar = cotangents

    def step(state, slices):
        carry_bar, constants_bar = state
        carry, input_, known, output_bar = slices

        def replay(constants, carry, input_, taps):
            operands = {}

            def times(name, x):
                operands[name] = x.astype(dtype)
                return _replayed(operands[name], matrices[name], known[name], taps[name])

            return body(times, constants, carry, input_), operands

        taps = jax.tree.map(jnp.zeros_like, known)
        _, pull, operands = jax.vjp(replay, constants, carry, input_, taps, has_aux=True)
        step_bar, carry_bar, input_bar, taps_bar = pull((carry_bar, output_bar))
        constants_bar = jax.tree.map(lambda total, part: total + part.astype(total.dtype), constants_bar, step_bar)
        return (carry_bar, constants_bar), (input_bar, operands, taps_bar)

    (carry_bar, constants_bar), (inputs_bar, operands, taps_bar) = jax.lax.scan(
        step,
        (last_bar, jax.tree.map(lambda x: jnp.zeros(x.shape, jnp.float32), constants)),
        (carries, inputs, products, outputs_bar),
        reverse=not reverse,
    )
    weights_bar = {
        name: _summed(operands[name], taps_bar[name], weight.dtype) if name in operands else jnp.zeros_like(weight)
        for name, weight in weights.items()
    }
    constants_bar = jax.tree.map(lambda total, constant: total.astype(constant.dtype), constants_bar, constants)
    return weights_bar, constants_bar, carry_bar, inputs_bar


def _summed(operands_TBD: Array, products_bar_TBE: Array, dtype: jnp.dtype) -> Array:
    """Return Σ_t x_tᵀ dy_t, summed in float32 whatever the dtype of x and dy is."""
    total_DE = jnp.einsum("tbd,tbe->de", operands_TBD, products_bar_TBE, preferred_element_type=jnp.float32)
    return total_DE.astype(dtype)


def _cast(weights: dict[str, Array], dtype: Any) -> dict[str, Array]:
    return {name: weight.astype(dtype) for name, weight in weights.items()}


recur.defvjp(_forward, _backward)


@jax.custom_vjp
def _replayed(x: Array, weight: Array, product: Array, tap: Array) -> Array:
    """Return `product`, which equals x @ weight; its cotangent goes to x and, unchanged, to `tap`."""
    return product


def _replayed_forward(x, weight, product, tap):
    return product, weight


def _replayed_backward(weight, bar):
    return bar @ weight.T, None, None, bar


_replayed.defvjp(_replayed_forward, _replayed_backward)

"""`recur` against `lax.scan`, which JAX differentiates itself: values and every cotangent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.recurrence import recur

T, B, D, E = 5, 2, 3, 7
NAMES = ("weights", "constants", "carry", "inputs")


def body(times, constants, carry, input_):
    """Use two weights but not the third, constants, masks, and a carry that is not an output."""
    state, total = carry
    vector, mask = input_
    hidden = jnp.tanh(times("state", state) + times("input", vector * state) + constants["bias"] * mask)
    state = jnp.where(mask > 0, hidden, state) * constants["scale"]
    return (state, total + state.sum()), {"state": state, "both": hidden * total}


def plain(body, weights, constants, carry, inputs, reverse):
    def step(carry, input_):
        return body(lambda name, x: x @ weights[name], constants, carry, input_)

    return jax.lax.scan(step, carry, inputs, reverse=reverse)


def arguments():
    random = np.random.default_rng(0)

    def normal(*shape):
        return random.normal(size=shape).astype(np.float32)

    weights = {"state": normal(D, D), "input": normal(D, D), "unused": normal(E, D)}
    constants = {"bias": normal(B, D), "scale": normal(B, D)}
    mask = (random.random((T, B, 1)) < 0.7).astype(np.float32)
    return weights, constants, (normal(B, D), normal()), (normal(T, B, D), mask)


@pytest.mark.parametrize("reverse", [False, True])
def test_recur_is_scan_in_value_and_gradient(reverse):
    def objective(loop):
        def scalar(*arguments):
            last, outputs = loop(body, *arguments, reverse)
            leaves = jax.tree.leaves((last, outputs))
            # Each number has a weight of its own, so that no two errors cancel.
            return sum((leaf * jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape)).sum() for leaf in leaves), (
                last,
                outputs,
            )

        return jax.jit(jax.value_and_grad(scalar, argnums=(0, 1, 2, 3), has_aux=True))

    (_, ours), our_gradients = objective(recur)(*arguments())
    (_, theirs), their_gradients = objective(plain)(*arguments())
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), ours, theirs)
    for name, one, other in zip(NAMES, our_gradients, their_gradients, strict=True):
        for (path, a), b in zip(jax.tree_util.tree_flatten_with_path(one)[0], jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=f"{name} {path}")
    assert np.abs(our_gradients[0]["state"]).max() > 1e-3
    assert not np.asarray(our_gradients[0]["unused"]).any()


def test_recur_is_scan_without_a_gradient():
    last, outputs = jax.jit(recur, static_argnums=(0, 5))(body, *arguments(), False)
    expected = jax.jit(plain, static_argnums=(0, 5))(body, *arguments(), False)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6), (last, outputs), expected)


def test_a_weight_used_twice_in_a_step_is_an_error():
    """The second use would overwrite the operand of the first, and the gradient would be silently wrong."""

    def twice(times, constants, carry, input_):
        return times("state", times("state", carry)), None

    def scalar(weights):
        return recur(twice, weights, (), jnp.ones((B, D)), jnp.zeros((T, B, 1)))[0].sum()

    with pytest.raises(
        ValueError, match="weights 'state' are used twice in one step of a recurrence; give the uses two names"
    ):
        jax.grad(scalar)({"state": jnp.eye(D)})

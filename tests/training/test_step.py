"""The training step: one global batch gives one update, however it is cut; a gradient not finite changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.parallel.devices import STRATEGIES, Devices
from research.training.loss import Sums, cross_entropy
from research.training.step import TrainState, initial_state, make_step

ROWS, T, V, D = 11, 5, 7, 3  # rows that no number of devices divides


def params():
    random = np.random.default_rng(0)
    return {name: random.normal(size=(V, D)).astype(np.float32) for name in ("embedding", "table")}


def batch(rows=ROWS):
    """Rows of very different lengths: a mean per device, averaged over devices, would differ a lot."""
    random = np.random.default_rng(1)
    lengths = np.array([5, 1, 1, 1, 5, 5, 1, 2, 1, 1, 4])[:rows]
    tokens_BT = random.integers(1, V, (2, rows, T)) * (np.arange(T) < lengths[:, None])
    return {"in_BT": tokens_BT[0].astype(np.int32), "out_BT": tokens_BT[1].astype(np.int32)}


def objective(params, batch, key):
    return cross_entropy(
        jnp.tanh(params["embedding"][batch["in_BT"]]), params["table"], batch["out_BT"], smoothing=0.1, pad=0
    )


def noisy(params, batch, key):
    """Return an objective that depends on its key."""
    sums = objective(params, batch, key)
    return sums.replace(loss=sums.loss * jax.random.uniform(key))


def make(objective=objective, optimiser=None, **fields):
    fields = {"parts": 1, "ema_decay": 0.0, **fields}
    return make_step(objective, optimiser or optax.sgd(1.0), **fields)


def one_step(step, strategy="pmap", count=1, batches=None, *, optimiser=None, averaging=False, start=None, seed=0):
    """Return the state and the metrics after `batches`, as NumPy arrays."""
    devices = Devices(strategy, jax.devices()[:count])
    state = initial_state(params(), optimiser or optax.sgd(1.0), averaging=averaging) if start is None else start
    # Through NumPy: the step reuses the memory of its state.
    state, spread = devices.place(jax.tree.map(np.asarray, state)), devices.spread(step)
    for each in batches or [batch()]:
        state, metrics = spread(state, each, seed)
    return devices.unreplicate(state), {name: float(value) for name, value in metrics.items()}


def mean_gradient(params, batch):
    """Return loss and gradient of the whole batch at once: all logits, no axis, no chunks."""

    def loss(params):
        log_p = jax.nn.log_softmax(jnp.tanh(params["embedding"][batch["in_BT"]]) @ params["table"].T)
        q = 0.9 * jax.nn.one_hot(batch["out_BT"], V) + 0.1 / V
        counted = batch["out_BT"] != 0
        return -(q * log_p).sum(-1, where=counted[..., None]).sum() / counted.sum()

    return jax.jit(jax.value_and_grad(loss))(params)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_the_update_does_not_depend_on_the_devices(strategy, count):
    """With SGD at a rate of 1 the update is the gradient itself; Adam would hide a wrong factor."""
    loss, gradient = mean_gradient(params(), batch())
    state, metrics = one_step(make(), strategy, count)
    for name, before in params().items():
        np.testing.assert_allclose(before - state.params[name], gradient[name], rtol=1e-4, atol=1e-6)
    assert metrics["gradient_norm"] == pytest.approx(float(optax.tree.norm(gradient)), rel=1e-5)
    assert metrics["loss"] == pytest.approx(float(loss), rel=1e-5)
    assert metrics["tokens"] == (batch()["out_BT"] != 0).sum()
    assert metrics["skipped"] == 0
    assert state.step == 1


@pytest.mark.parametrize("count", [1, 2])
def test_accumulation_changes_nothing(count):
    """Three parts of eleven rows, or of the six rows on each of two devices."""
    whole, whole_metrics = one_step(make(), count=count)
    parts, parts_metrics = one_step(make(parts=3), count=count)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), whole.params, parts.params)
    assert parts_metrics == pytest.approx(whole_metrics, rel=1e-5)


def poisoned(params, batch, key):
    """Return a NaN loss if a batch holds the token V - 1 alone."""
    sums = objective(params, batch, key)
    return sums.replace(loss=sums.loss * jnp.where((batch["in_BT"] == V - 1).all(), jnp.nan, 1.0))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_batch_that_is_not_finite_changes_nothing_but_the_counter(strategy):
    """Adam's moments and the exponential average stay too."""
    optimiser = optax.adam(0.1)
    step = make(poisoned, optimiser, ema_decay=0.5)
    fields = {"optimiser": optimiser, "averaging": True}
    bad = {name: np.full_like(x, V - 1) for name, x in batch(8).items()}
    before, _ = one_step(step, strategy, 2, [batch(8)], **fields)
    after, metrics = one_step(step, strategy, 2, [bad], start=before, **fields)
    assert metrics["skipped"] == 1
    assert after.step == before.step + 1
    kept = after.replace(step=before.step)
    jax.tree.map(np.testing.assert_array_equal, kept, before)
    assert optax.tree.norm(jax.tree.map(np.subtract, before.params, params())) > 0.01


def test_a_batch_of_padding_alone_is_skipped():
    nothing = {name: np.zeros_like(x) for name, x in batch().items()}
    state, metrics = one_step(make(), batches=[nothing])
    assert metrics["skipped"] == 1
    jax.tree.map(np.testing.assert_array_equal, state.params, params())


def test_the_average_is_exponential():
    """mean_n = d mean_{n-1} + (1 - d) params_n, from the initial weights."""
    step, averaging = make(ema_decay=0.9), {"averaging": True}
    first, _ = one_step(step, **averaging)
    second, _ = one_step(step, batches=[batch(), batch()], **averaging)
    for name, start in params().items():
        mean = 0.9 * (0.9 * start + 0.1 * first.params[name]) + 0.1 * second.params[name]
        np.testing.assert_allclose(second.averaged[name], mean, rtol=1e-5, atol=1e-6)


def test_without_averaging_there_is_no_average():
    state, _ = one_step(make())
    assert jax.tree.leaves(state.averaged) == []


def test_dropout_is_a_function_of_seed_and_step():
    one, _ = one_step(make(noisy))
    jax.tree.map(np.testing.assert_array_equal, one_step(make(noisy))[0], one)
    later = TrainState(np.int32(1), params(), optax.sgd(1.0).init(params()), ())
    for other in (one_step(make(noisy), seed=1)[0], one_step(make(noisy), start=later)[0]):
        assert not np.allclose(other.params["table"], one.params["table"], atol=1e-4)


@pytest.mark.parametrize("cut", [{"count": 2}, {"parts": 2}])
def test_each_device_and_part_has_its_own_key(cut):
    """Two copies of the same rows, one for each device or part."""
    seen = []

    def objective(params, batch, key):
        zero = jnp.zeros(())
        draw = jax.random.uniform(key)
        seen.append(draw)
        return Sums(params["w"] * 0.0, jnp.where(batch["x"].sum() > 1.5, draw, -draw), zero + 2.0)

    step = make(objective, parts=cut.get("parts", 1))
    devices = Devices("pmap", jax.devices()[: cut.get("count", 1)])
    state = devices.place(initial_state({"w": np.float32(1)}, optax.sgd(1.0), averaging=False))
    _, metrics = devices.spread(step)(state, {"x": np.array([1.0, 2.0], np.float32)}, 0)
    assert seen
    assert abs(float(metrics["nll"])) > 1e-4  # with one key for both, the two draws would cancel

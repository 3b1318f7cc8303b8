"""Rows over devices: all of them, once, in order, whatever their number; and one copy back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.parallel.devices import STRATEGIES, Devices

pytestmark = pytest.mark.parametrize("strategy", STRATEGIES)


def scaled(params, batch):
    return {"rows": batch["x"] * params["scale"], "sums": batch["x"].sum(axis=1)}


@pytest.mark.parametrize("rows", [1, 8, 13])
def test_run_gives_every_row_once_and_in_order(strategy, rows):
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    run = Devices(strategy).run(scaled)
    out = run({"scale": np.float32(2)}, {"x": x})
    np.testing.assert_array_equal(out["rows"], 2 * x)
    np.testing.assert_array_equal(out["sums"], x.sum(axis=1))
    assert all(isinstance(value, np.ndarray) for value in out.values())


def test_other_parameters_are_used_and_not_those_of_before(strategy):
    run = Devices(strategy).run(scaled)
    for scale in (2.0, 3.0, 2.0):
        out = run({"scale": np.float32(scale)}, {"x": np.ones((3, 2), np.float32)})
        np.testing.assert_array_equal(out["rows"], np.full((3, 2), scale))


@pytest.mark.parametrize("count", [1, 3])
def test_replicate_and_unreplicate_are_a_roundtrip(strategy, count):
    devices = Devices(strategy, jax.devices()[:count])
    tree = {"a": np.arange(5, dtype=np.float32), "b": (np.int32(7), np.ones((2, 3), bool))}
    back = devices.unreplicate(devices.replicate(tree))
    assert devices.count == count
    jax.tree.map(np.testing.assert_array_equal, back, tree)
    assert jax.tree.map(lambda x: x.dtype, back) == jax.tree.map(lambda x: np.asarray(x).dtype, tree)


def test_rows_beyond_the_last_are_padding(strategy):
    """A step sees zeros there, which is PAD, and every row exactly once."""

    def step(state, batch, seed, axis):
        return state, {
            "total": jax.lax.psum(batch["x"].sum(), axis),
            "rows": jax.lax.psum(batch["x"].shape[0], axis),
        }

    devices = Devices(strategy)
    _, metrics = devices.spread(step)(devices.place({"w": np.zeros(2)}), {"x": np.ones((11, 2), np.float32)}, 0)
    assert float(metrics["total"]) == 22
    assert int(metrics["rows"]) == 16


def test_the_program_that_is_lowered_by_shapes_is_that_of_a_step(strategy):
    """Run with the arrays that `spread` makes: the same numbers, of 11 rows as of 16."""
    devices, shapes = Devices(strategy), {"x": jax.ShapeDtypeStruct((11, 4), np.float32)}
    state = {"w": np.arange(3, dtype=np.float32)}
    program = devices.lowered(empty_step, jax.eval_shape(lambda: jax.tree.map(jnp.asarray, state)), shapes).compile()
    batch = {"x": np.concatenate([BATCH["x"][:11], np.zeros((5, 4), np.float32)])}
    after, metrics = program(devices.place(state), devices._strategy.cut_batch(batch), np.int32(0))
    expected, expected_metrics = devices.spread(empty_step)(devices.place(state), {"x": BATCH["x"][:11]}, 0)
    jax.tree.map(np.testing.assert_array_equal, devices.unreplicate(after), devices.unreplicate(expected))
    assert float(metrics["loss"].addressable_data(0)) == float(expected_metrics["loss"]) == 44


def test_an_unknown_strategy_is_answered(strategy):
    with pytest.raises(
        ValueError, match=f"training.strategy='{strategy}s' is unknown; choose one of pmap, shard_map, mesh"
    ):
        Devices(f"{strategy}s")


def empty_step(state, batch, seed, axis):
    """Compute almost nothing, and return as many metrics as training does."""
    total = jax.lax.psum(batch["x"].sum(), axis)
    return jax.tree.map(lambda x: x + 1, state), dict.fromkeys(("loss", "nll", "tokens", "gradient_norm"), total)


BATCH = {"x": np.ones((16, 4), np.float32)}


def test_metrics_are_scalars_on_the_first_device(strategy):
    """They are copied to the host one step later, so that no step waits for them."""
    devices = Devices(strategy)
    _, metrics = devices.spread(empty_step)(devices.place({"w": np.zeros(2)}), BATCH, 0)
    for metric in metrics.values():
        assert isinstance(metric, jax.Array)
        assert (metric.shape, metric.devices()) == ((), {jax.devices()[0]})
        assert float(metric) == 64


@pytest.mark.parametrize(("count", "runs"), [(1, 1), (8, 1), (1, 3), (2, 3)])
def test_a_state_on_the_host_stays_as_it_was_after_the_next_step(count, runs, strategy):
    program = Devices(strategy, jax.devices()[:count]).program(empty_step, runs)
    placed = program.place([{"w": np.full(1_000, run, np.float32)} for run in range(runs)])
    kept = []
    for _ in range(3):
        placed, _ = program.step(placed, [BATCH] * runs, range(runs))
        kept.append(list(program.states(placed)))
    for step, states in enumerate(kept, start=1):
        for run, state in enumerate(states):
            np.testing.assert_array_equal(state["w"], np.full(1_000, run + step))
            assert state["w"].flags.owndata


def test_whatever_is_compiled_has_float32_products(strategy):
    """The three ways to have a function compiled; JAX's own default leaves it to the backend."""
    traced_with = []

    def step(state, batch, seed, axis):
        traced_with.append(jax.config.jax_default_matmul_precision)
        return state, batch["x_BD"].sum()

    devices, batch = Devices(strategy, jax.local_devices()[:1]), {"x_BD": np.ones((2, 3), np.float32)}
    devices.run(lambda params, batch: step(batch["x_BD"], batch, 0, ())[0])(1.0, batch)
    for runs in (1, 2):
        program = devices.program(step, runs)
        program.step(program.place([np.zeros(3)] * runs), [batch] * runs, list(range(runs)))
    assert set(traced_with) == {"highest"}
    assert jax.config.jax_default_matmul_precision is None


def test_equal_devices_find_each_others_programs(strategy):
    one, four = jax.devices()[:1], jax.devices()[:4]
    other = next(name for name in STRATEGIES if name != strategy)
    assert Devices(strategy, one) == Devices(strategy, one)
    assert hash(Devices(strategy, one)) == hash(Devices(strategy, one))
    assert len({Devices(strategy, one), Devices(other, one), Devices(strategy, four)}) == 3


def test_parameters_are_sent_again_without_another_program(strategy):
    """Validations send theirs again and again: a program for each would be compiled, and would stay in memory."""
    devices, compiled = Devices(strategy, jax.devices()[:2]), []

    def listen(event, seconds, **_):
        compiled.append(event)

    run = devices.run(scaled)
    for scale in range(3):
        run({"scale": np.float32(scale)}, {"x": np.ones((3, 2), np.float32)})
        if scale == 0:
            jax.monitoring.register_event_duration_secs_listener(listen)
    jax.monitoring.unregister_event_duration_listener(listen)
    assert not [event for event in compiled if "compile" in event or "trace" in event]

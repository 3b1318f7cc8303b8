"""Rows over devices: all of them, once, in order, whatever their number; and one copy back."""

import jax
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
    _, metrics = devices.spread(step)(devices.replicate({"w": np.zeros(2)}), {"x": np.ones((11, 2), np.float32)}, 0)
    assert float(metrics["total"]) == 22
    assert int(metrics["rows"]) == 16


def test_an_unknown_strategy_is_answered(strategy):
    with pytest.raises(ValueError, match=f"training.strategy='{strategy}s' is unknown; choose one of pmap, shard_map"):
        Devices(f"{strategy}s")

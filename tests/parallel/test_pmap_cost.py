"""The cost of a step and of a copy of the state under pmap, compared with shard_map, on eight fake devices."""

import time

import jax
import numpy as np
import pytest

from research.parallel.devices import Devices

BATCH = {"x": np.ones((16, 4), np.float32)}


def empty_step(state, batch, seed, axis):
    """Compute almost nothing, and return as many metrics as training does."""
    total = jax.lax.psum(batch["x"].sum(), axis)
    return state, dict.fromkeys(("loss", "nll", "tokens", "gradient_norm"), total)


def step_and_wait(devices):
    """Return a function that does one empty step."""
    spread, held = devices.spread(empty_step), [devices.place({"w": np.zeros(2, np.float32)})]

    def once():
        held[0], metrics = spread(held[0], BATCH, 0)
        jax.block_until_ready((held[0], metrics))

    return once


def copy_four_megabytes(devices):
    """Return a function that takes one copy of a state of 4 MB."""
    state = jax.block_until_ready(devices.replicate({"w": np.zeros(2**20, np.float32)}))
    return lambda: devices.unreplicate(state)


@pytest.mark.parametrize("make", [step_and_wait, copy_four_megabytes])
def test_pmap_costs_no_more_than_shard_map(make):
    """`x[0]` of an array under pmap is a collective: a step took 4 times as long, and a copy of the state 100 times.

    The fastest of many repetitions, in turn, since other programs may use the same cores.
    """
    once = {strategy: make(Devices(strategy)) for strategy in ("pmap", "shard_map")}
    seconds = {strategy: [] for strategy in ("pmap", "shard_map")}
    for _ in range(40):
        for strategy, function in once.items():
            start = time.perf_counter()
            function()
            seconds[strategy].append(time.perf_counter() - start)
    assert min(seconds["pmap"][1:]) < 3 * min(seconds["shard_map"][1:])

"""How a step is spread over devices. The only file that knows: `pmap` by default, or `shard_map` over a mesh.

Both run one function, written for one device, which is told the axis that a batch is cut over. Of one run, the state is
the same on every device, and a batch is cut along its rows, padded with rows of zeros (all padding, which counts
nothing) where the devices do not divide it. Of several runs side by side, each is whole on one device, and those on one
device are one `vmap`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "data"
LANES = "lanes"
Rows = dict[str, np.ndarray]
Step = Callable[..., tuple[Any, Any]]
"""(state, batch, seed, axis) -> state, metrics. axis: `AXIS`, over which the step adds up, or () of a batch that is
whole on its device."""


class _Pmap:
    """A leading axis of devices on everything; the function is compiled for one of them."""

    def __init__(self, devices: list[jax.Device], axis: str):
        self.devices, self.axis = devices, axis

    def replicate(self, tree: Any) -> Any:
        copy = jax.pmap(lambda _, tree: tree, in_axes=(0, None), devices=self.devices)
        return copy(np.zeros(len(self.devices)), tree)

    def one_copy(self, tree: Any) -> Any:
        # Not `x[0]`, which is a program over all devices that gathers the whole array.
        return jax.tree.map(lambda x: np.array(x[0]), jax.device_get(_first_shards(tree)))

    def cut(self, rows: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(len(self.devices), -1, *x.shape[1:]), rows)

    def joined(self, rows: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), jax.device_get(rows))

    def step(self, fn: Step) -> Step:
        return jax.pmap(fn, self.axis, in_axes=(0, 0, None), out_axes=(0, None), devices=self.devices, donate_argnums=0)

    def lanes(self, fn: Step) -> Step:
        return jax.pmap(fn, axis_name=self.axis, devices=self.devices, donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.pmap(fn, axis_name=self.axis, devices=self.devices)


class _ShardMap:
    """Global arrays over a mesh of one axis; the function sees its shard."""

    def __init__(self, devices: list[jax.Device], axis: str):
        self.mesh, self.cut_spec = Mesh(np.array(devices), (axis,)), PartitionSpec(axis)

    def replicate(self, tree: Any) -> Any:
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec()))

    def one_copy(self, tree: Any) -> Any:
        return jax.tree.map(np.array, jax.device_get(_first_shards(tree)))

    def cut(self, rows: Any) -> Any:
        sharding = NamedSharding(self.mesh, self.cut_spec)
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), rows)

    def joined(self, rows: Any) -> Any:
        return jax.device_get(rows)

    def step(self, fn: Step) -> Step:
        whole = PartitionSpec()
        return jax.jit(self._mapped(fn, (whole, self.cut_spec, whole), whole), donate_argnums=0)

    def lanes(self, fn: Step) -> Step:
        return jax.jit(self._mapped(fn, (self.cut_spec,) * 3, self.cut_spec), donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.jit(self._mapped(fn, (PartitionSpec(), self.cut_spec), self.cut_spec))

    def _mapped(self, fn: Any, specs: tuple[PartitionSpec, ...], out: PartitionSpec) -> Any:
        # check_vma=False: with the check, shard_map sums gradients of replicated parameters by itself, a second time.
        return jax.shard_map(fn, mesh=self.mesh, in_specs=specs, out_specs=out, check_vma=False)


STRATEGIES: dict[str, type[_Pmap] | type[_ShardMap]] = {"pmap": _Pmap, "shard_map": _ShardMap}


class Devices:
    """Some devices of this process (all by default) and a strategy.

    spread(step): (state, batch, seed) -> state, metrics, over all devices; state as `replicate` gives it.
    program(step, runs): the same for one run or for several side by side, whose states and batches are lists.
    run(fn): fn(params, batch) -> rows, over all devices; plain arrays in and NumPy arrays out, rows in order.
    """

    def __init__(self, strategy: str = "pmap", devices: Sequence[jax.Device] | None = None):
        if strategy not in STRATEGIES:
            raise ValueError(f"training.strategy={strategy!r} is unknown; choose one of {', '.join(STRATEGIES)}")
        self._devices = list(jax.local_devices() if devices is None else devices)
        self.count, self.kind = len(self._devices), self._devices[0].device_kind
        self._strategy = STRATEGIES[strategy](self._devices, AXIS)
        self._replicated: tuple[Any, Any] | None = None
        self._programs: dict[tuple[Step, int], Program] = {}

    def replicate(self, tree: Any) -> Any:
        """`tree` on every device."""
        return self._strategy.replicate(tree)

    def unreplicate(self, tree: Any) -> Any:
        """Return one copy of a replicated tree as NumPy arrays, for a checkpoint.

        The arrays are copies, never views of a device's memory: the next step reuses that memory.
        """
        return self._strategy.one_copy(tree)

    def spread(self, step: Step) -> Callable[[Any, Rows, Any], tuple[Any, Any]]:
        """`step` over all devices. The state given is used up; metrics are one copy, still on the device.

        `step` sums over its axis itself, so whatever it returns must be the same on every device. seed: no constant of
        the program, so that one compilation serves all.
        """
        compiled = self._strategy.step(partial(step, axis=AXIS))

        def run(state: Any, batch: Rows, seed: Any) -> tuple[Any, Any]:
            state, metrics = compiled(state, self._cut(batch), _seed(seed))
            return state, _first_shards(metrics)

        return run

    def program(self, step: Step, runs: int) -> "Program":
        """`step` for so many runs at once; asked for again, the same one, with all that it has compiled."""
        if (step, runs) not in self._programs:
            each = -(-runs // self.count)
            strategy = type(self._strategy)(self._devices[: -(-runs // each)], LANES)
            self._programs[step, runs] = OneRun(self, step) if runs == 1 else SideBySide(strategy, step, runs, each)
        return self._programs[step, runs]

    def run(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Rows], Any]:
        """`fn(params, batch)`, whose outputs have a row for each row of the batch, over all devices."""
        compiled = self._strategy.rows(fn)

        def run(params: Any, batch: Rows) -> Any:
            rows = next(iter(batch.values())).shape[0]
            outputs = self._strategy.joined(compiled(self._resident(params), self._cut(batch)))
            return jax.tree.map(lambda x: x[:rows], outputs)

        return run

    def _resident(self, params: Any) -> Any:
        """`params` on every device, sent once for as long as the same object is asked for."""
        if self._replicated is None or self._replicated[0] is not params:
            self._replicated = (params, self.replicate(params))
        return self._replicated[1]

    def _cut(self, batch: Rows) -> Any:
        """Rows cut over the devices, after padding."""

        def padded(x: np.ndarray) -> np.ndarray:
            short = -x.shape[0] % self.count
            return np.pad(x, [(0, short)] + [(0, 0)] * (x.ndim - 1)) if short else x

        return self._strategy.cut({name: padded(np.asarray(x)) for name, x in batch.items()})


class OneRun:
    """`Devices.program` of one run: its batches are cut over all devices."""

    def __init__(self, devices: Devices, step: Step):
        self._devices, self._spread = devices, devices.spread(step)

    def place(self, states: Sequence[Any]) -> Any:
        """The states of all runs, where `step` takes them from."""
        return self._devices.replicate(states[0])

    def step(self, placed: Any, batches: Sequence[Rows], seeds: Sequence[int]) -> tuple[Any, Any]:
        """A step of every run, sent off. What was placed is used up."""
        return self._spread(placed, batches[0], seeds[0])

    def states(self, placed: Any) -> Iterator[Any]:
        """Yield the state of each run as NumPy arrays of its own."""
        yield self._devices.unreplicate(placed)

    def metrics(self, metrics: Any) -> list[Any]:
        """The metrics of each run, on the host; waits for the step that they are of."""
        return [jax.device_get(metrics)]


class SideBySide:
    """`Devices.program` of several runs: `each` of them on a device, none of whose batches is cut.

    Where the devices do not divide the runs, copies of the first fill the gap: they take no time, and are not read.
    """

    def __init__(self, strategy: _Pmap | _ShardMap, step: Step, runs: int, each: int):
        self._strategy, self._runs = strategy, runs
        self._filling = -runs % each
        self._compiled = strategy.lanes(jax.vmap(partial(step, axis=())))

    def place(self, states: Sequence[Any]) -> Any:
        # Stacked by JAX: the step uses the result up, and it must not be anybody's memory.
        return self._strategy.cut(jax.tree.map(lambda *leaves: jnp.stack(leaves), *self._filled(states)))

    def step(self, placed: Any, batches: Sequence[Rows], seeds: Sequence[int]) -> tuple[Any, Any]:
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *self._filled(batches))
        seeds_R = np.stack([_seed(seed) for seed in self._filled(seeds)])
        return self._compiled(placed, self._strategy.cut(stacked), self._strategy.cut(seeds_R))

    def states(self, placed: Any) -> Iterator[Any]:
        host = self._strategy.joined(placed)
        for run in range(self._runs):  # a copy: on one device, `host` is a view of memory that the next step reuses
            yield jax.tree.map(lambda x, run=run: np.array(x[run]), host)

    def metrics(self, metrics: Any) -> list[Any]:
        return list(self.states(metrics))

    def _filled(self, of_runs: Sequence[Any]) -> list[Any]:
        return [*of_runs, *[of_runs[0]] * self._filling]


Program = OneRun | SideBySide


def _first_shards(tree: Any) -> Any:
    """Return the part of each array that lies on the first device; no device computes or waits."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


def _seed(seed: Any) -> np.ndarray:
    """As `jax.random.key` takes a seed: its lower 32 bits."""
    return np.asarray(seed, np.int64).astype(np.int32)

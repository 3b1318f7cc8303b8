"""Spreading a function over devices: by `pmap`, which is the default, by `shard_map`, or by `jit` over a mesh.

All strategies compile one function, which is written for one device and receives the name of the axis that a batch is
cut over. For one run, every device holds some rows of each batch, and the whole state or, on a mesh, its part of it;
rows of zeros, which are padding and count nothing, fill the batch up to a multiple of the devices. For several runs
side by side, each run is whole on one device, and the runs on one device are one `vmap`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from research.parallel import host
from research.parallel.mesh import MeshStrategy, shapes_on

AXIS = "data"
RUNS = "runs"
STOP = "asked_to_stop"
"""The metric by which several processes stop after the same step; 0: no process was asked to."""
Rows = dict[str, np.ndarray]
StepFunction = Callable[..., tuple[Any, Any]]
"""(state, batch, seed, axis) -> state, metrics. axis: `AXIS`, over which the step takes sums, or () if the whole batch
is on one device."""


def float32_products(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, traced so that a matrix product of float32 numbers is float32 on every backend.

    JAX's default is TF32 on recent GPUs and bfloat16 passes on TPUs. Products of bfloat16 numbers stay what they are.
    """

    @wraps(function)
    def traced(*arguments: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return function(*arguments)

    return traced


class _Pmap:
    """A strategy whose arrays have a leading axis of devices; the function is compiled for one device.

    Of several processes, each has the arrays of its own devices.
    """

    def __init__(self, devices: list[jax.Device], axis: str):
        self.devices, self.axis, self.step_axis, self.pieces = devices, axis, axis, len(devices)
        self.here = len(_of_this_process(devices))
        # Once: every pmap of a function that is new is a program that is compiled anew, and stays in memory.
        self._copies = jax.pmap(lambda _, tree: tree, in_axes=(0, None), devices=devices)

    def replicate(self, tree: Any) -> Any:
        return self._copies(np.zeros(self.here), tree)

    place = replicate

    def one_copy(self, tree: Any) -> Any:
        # Not `x[0]`, which is a program over all devices that gathers the whole array.
        return jax.tree.map(lambda x: np.array(x[0]), jax.device_get(_first_shards(tree)))

    def cut(self, rows: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(self.here, -1, *x.shape[1:]), rows)

    cut_batch = cut

    def joined(self, rows: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), jax.device_get(rows))

    def step(self, fn: StepFunction) -> StepFunction:
        return self._step(fn)

    def lowered(self, fn: StepFunction, state: Any, batch: Any, seed: Any) -> jax.stages.Lowered:
        if self.here < self.pieces:  # pmap compiles for other processes only where they are there: the same program
            return _ShardMap(self.devices, self.axis).lowered(fn, state, batch, seed)
        state = jax.tree.map(lambda x: jax.ShapeDtypeStruct((self.here, *x.shape), x.dtype), state)
        batch = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((self.here, x.shape[0] // self.pieces, *x.shape[1:]), x.dtype), batch
        )
        return self._step(fn).lower(state, batch, seed)

    def _step(self, fn: StepFunction) -> Any:
        return jax.pmap(fn, self.axis, in_axes=(0, 0, None), out_axes=(0, None), devices=self.devices, donate_argnums=0)

    def side_by_side(self, fn: StepFunction) -> StepFunction:
        return jax.pmap(fn, axis_name=self.axis, devices=self.devices, donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.pmap(fn, axis_name=self.axis, devices=self.devices)


class _ShardMap:
    """A strategy whose arrays are those of all processes, over a mesh of one axis; the function sees its shard."""

    def __init__(self, devices: list[jax.Device], axis: str):
        self.mesh, self.cut_spec = Mesh(np.array(devices), (axis,)), PartitionSpec(axis)
        self.step_axis, self.pieces = axis, len(devices)

    def replicate(self, tree: Any) -> Any:
        whole = NamedSharding(self.mesh, PartitionSpec())
        if jax.process_count() > 1:  # device_put would compare the values of all processes
            return jax.tree.map(lambda x: jax.make_array_from_process_local_data(whole, np.asarray(x)), tree)
        return jax.device_put(tree, whole)

    place = replicate

    def one_copy(self, tree: Any) -> Any:
        return jax.tree.map(np.array, jax.device_get(_first_shards(tree)))

    def cut(self, rows: Any) -> Any:
        sharding = NamedSharding(self.mesh, self.cut_spec)
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), rows)

    cut_batch = cut

    def joined(self, rows: Any) -> Any:
        return _rows_here(rows) if jax.process_count() > 1 else jax.device_get(rows)

    def step(self, fn: StepFunction) -> StepFunction:
        return self._step(fn)

    def lowered(self, fn: StepFunction, state: Any, batch: Any, seed: Any) -> jax.stages.Lowered:
        whole, cut = (NamedSharding(self.mesh, spec) for spec in (PartitionSpec(), self.cut_spec))
        return self._step(fn).lower(*(shapes_on(*each) for each in ((state, whole), (batch, cut), (seed, whole))))

    def _step(self, fn: StepFunction) -> Any:
        whole = PartitionSpec()
        return jax.jit(self._mapped(fn, (whole, self.cut_spec, whole), whole), donate_argnums=0)

    def side_by_side(self, fn: StepFunction) -> StepFunction:
        return jax.jit(self._mapped(fn, (self.cut_spec,) * 3, self.cut_spec), donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.jit(self._mapped(fn, (PartitionSpec(), self.cut_spec), self.cut_spec))

    def _mapped(self, fn: Any, specs: tuple[PartitionSpec, ...], out: PartitionSpec) -> Any:
        # check_vma=False: with the check, shard_map sums gradients of replicated parameters itself, a second time.
        return jax.shard_map(fn, mesh=self.mesh, in_specs=specs, out_specs=out, check_vma=False)


Strategy = _Pmap | _ShardMap | MeshStrategy
STRATEGIES = ("pmap", "shard_map", "mesh")


def _strategy(name: str, devices: list[jax.Device], axis: str, fsdp: int = 1, tensor: int = 1) -> Strategy:
    if name == "pmap":
        return _Pmap(devices, axis)
    flat = _ShardMap(devices, axis)
    return flat if name == "shard_map" else MeshStrategy(flat, devices, fsdp, tensor)


class Devices:
    """Devices, of this process or of all that work together, and the strategy that spreads functions over them.

    Every process gives the same batches, and computes the rows of its own devices.

    Two with one strategy and the same devices are equal, so that a program that is cached for one serves the other.

    Args:
        strategy: a name in `STRATEGIES`.
        devices: the devices, those of a process side by side; None takes all.
        fsdp: devices that parameters and optimiser are cut over in training; "mesh" only, as the next.
        tensor: devices that the widths of layers are cut over in training.

    Raises:
        ValueError: the strategy is unknown, or there is no such mesh.
    """

    def __init__(
        self,
        strategy: str = "pmap",
        devices: Sequence[jax.Device] | None = None,
        *,
        fsdp: int = 1,
        tensor: int = 1,
    ):
        if strategy not in STRATEGIES:
            raise ValueError(f"training.strategy={strategy!r} is unknown; choose one of {', '.join(STRATEGIES)}")
        if strategy != "mesh" and fsdp * tensor > 1:
            raise ValueError(
                f"training.fsdp={fsdp} and training.tensor={tensor} need training.strategy='mesh', not {strategy!r}, "
                "which holds all parameters on every device: choose 'mesh', or leave both at 1"
            )
        self._devices = list(host.all_devices() if devices is None else devices)
        here = _of_this_process(self._devices)
        self._first, self._here = self._devices.index(here[0]), len(here)
        self._shared = self._here < len(self._devices)
        self.count, self.kind = len(self._devices), self._devices[0].device_kind
        self._name, self.cuts_state = strategy, fsdp * tensor > 1
        self._strategy = _strategy(strategy, self._devices, AXIS, fsdp, tensor)
        self._key = strategy, tuple(self._devices), fsdp, tensor
        self._replicated: tuple[Any, Any] | None = None
        self._programs: dict[tuple[StepFunction, int], TrainingProgram] = {}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def dropout_keys(self) -> int:
        """The number of keys of dropout of a step: one a device, but one for the whole batch on a mesh."""
        return 1 if isinstance(self._strategy, MeshStrategy) else self.count

    def made(self, initial: Callable[[Any], Any], seed: int) -> Any:
        """Return `initial(seed)`, the state of a run, which no device has to hold whole if parameters are cut."""
        if isinstance(self._strategy, MeshStrategy) and self.cuts_state:
            return self._strategy.made(initial, _seed(seed))
        return initial(seed)

    def place(self, state: Any) -> Any:
        """Return a state as the step of `spread` takes it: whole on every device, or cut over the mesh."""
        return self._strategy.place(state)

    def replicate(self, tree: Any) -> Any:
        """Return `tree` with a copy on every device."""
        return self._strategy.replicate(tree)

    def unreplicate(self, tree: Any) -> Any:
        """Return one whole copy of a placed or replicated tree as NumPy arrays, for a checkpoint.

        The arrays are copies, never views of a device's memory: the next step reuses that memory.
        """
        return self._strategy.one_copy(tree)

    def spread(self, step: StepFunction) -> Callable[..., tuple[Any, Any]]:
        """Return (state, batch, seed, stop=False) -> state, metrics: `step` over all devices.

        The state must come from `place` or from the step before; its memory is reused. The metrics are one copy,
        still on the first device. The seed is an argument of the program, so one compilation serves all seeds. Where
        several processes take the step, the metric `STOP` is 1 in all of them if one was given `stop`.

        Args:
            step: a step that takes its own sums over its axis, so that it returns the same on every device.
        """
        strategy = self._strategy
        compiled = strategy.step(self._on_a_device(step))

        def run(state: Any, batch: Rows, seed: Any, stop: bool = False) -> tuple[Any, Any]:
            if self._shared:
                batch = {**batch, STOP: np.full(len(next(iter(batch.values()))), stop, np.int32)}
            batch = strategy.cut_batch(self._own_rows(batch, strategy.pieces))
            state, metrics = compiled(state, batch, _seed(seed))
            return state, _first_shards(metrics)

        return run

    def lowered(self, step: StepFunction, state: Any, batch: Mapping[str, jax.ShapeDtypeStruct]) -> jax.stages.Lowered:
        """Return the program of `spread`, lowered for these devices, which may be those of a machine that is not here.

        Args:
            step: the step.
            state: the shapes of the state, whole.
            batch: the shapes of the whole batch.
        """
        strategy, shapes = self._strategy, dict(batch)
        rows = next(iter(shapes.values())).shape[0]
        if self._shared:
            shapes[STOP] = jax.ShapeDtypeStruct((rows,), jnp.int32)
        rows += -rows % strategy.pieces
        shapes = {name: jax.ShapeDtypeStruct((rows, *x.shape[1:]), x.dtype) for name, x in shapes.items()}
        return strategy.lowered(self._on_a_device(step), state, shapes, jax.ShapeDtypeStruct((), jnp.int32))

    def _on_a_device(self, step: StepFunction) -> StepFunction:
        """Return the step as a strategy takes it: (state, batch, seed) -> state, metrics."""
        asking = _asking(step) if self._shared else step
        return float32_products(partial(asking, axis=self._strategy.step_axis))

    def program(self, step: StepFunction, runs: int) -> "TrainingProgram":
        """Return the program that trains so many runs at once; the same object, compiled code included, every time.

        Raises:
            ValueError: several runs, each of which would be whole on one device, where `cuts_state` is True.
        """
        if runs > 1 and self.cuts_state:
            raise ValueError(
                "runs that are trained side by side are each whole on one device, which training.fsdp and "
                "training.tensor rule out: train them one by one, or leave both at 1"
            )
        if (step, runs) not in self._programs:
            each = -(-runs // self.count)
            strategy = _strategy(self._name, self._devices[: -(-runs // each)], RUNS)
            self._programs[step, runs] = OneRun(self, step) if runs == 1 else SideBySide(strategy, step, runs, each)
        return self._programs[step, runs]

    def run(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Rows], Any]:
        """Return `fn(params, batch)` over all devices: arrays in, NumPy arrays out, with rows in order.

        Args:
            fn: a function whose outputs have one row for each row of the batch.
        """
        compiled = self._strategy.rows(float32_products(fn))

        def run(params: Any, batch: Rows) -> Any:
            rows = next(iter(batch.values())).shape[0]
            cut = self._strategy.cut(self._own_rows(batch, self.count))
            outputs = self._strategy.joined(compiled(self._resident(params), cut))
            if self._shared:
                outputs = jax.tree.map(np.asarray, multihost_utils.process_allgather(outputs, tiled=True))
            return jax.tree.map(lambda x: x[:rows], outputs)

        return run

    def _resident(self, params: Any) -> Any:
        """Return `params` on every device, sent once for as long as the same object is asked for."""
        if self._replicated is None or self._replicated[0] is not params:
            self._replicated = (params, self.replicate(params))
        return self._replicated[1]

    def _own_rows(self, batch: Rows, pieces: int) -> Rows:
        """Return the rows of a batch that the devices of this process take, with rows of zeros after the last.

        Args:
            batch: the whole batch.
            pieces: parts that its rows are cut into, the same number of devices for each.
        """
        devices_each = self.count // pieces
        first, last = self._first // devices_each, (self._first + self._here - 1) // devices_each

        def own(x: np.ndarray) -> np.ndarray:
            short = -x.shape[0] % pieces
            x = np.pad(x, [(0, short)] + [(0, 0)] * (x.ndim - 1)) if short else x
            rows_each = x.shape[0] // pieces
            return x[first * rows_each : (last + 1) * rows_each] if self._shared else x

        return {name: own(np.asarray(x)) for name, x in batch.items()}


class OneRun:
    """The program of one run, whose batches are cut over all devices."""

    def __init__(self, devices: Devices, step: StepFunction):
        self._devices, self._spread = devices, devices.spread(step)

    def place(self, states: Sequence[Any]) -> Any:
        """Return the states of all runs, placed on the devices for `step`."""
        return self._devices.place(states[0])

    def step(
        self, placed: Any, batches: Sequence[Rows], seeds: Sequence[int], *, stop: bool = False
    ) -> tuple[Any, Any]:
        """Start a step of every run, and return new states and metrics. The memory of `placed` is reused.

        Args:
            placed, batches, seeds: of each run.
            stop: this process was asked to stop, which the metrics tell the others.
        """
        return self._spread(placed, batches[0], seeds[0], stop)

    def states(self, placed: Any) -> Iterator[Any]:
        """Yield the state of each run as NumPy arrays of its own."""
        yield self._devices.unreplicate(placed)

    def metrics(self, metrics: Any) -> list[Any]:
        """Return the metrics of each run as NumPy arrays; waits for their step."""
        return [jax.device_get(metrics)]


class SideBySide:
    """The program of several runs, with the methods of `OneRun`. `each` of them are on one device, with whole batches.

    Of one process alone: several train runs one by one.

    If the runs do not fill the last device, copies of the first run do: they take no extra time and are not read.
    """

    def __init__(self, strategy: Strategy, step: StepFunction, runs: int, each: int):
        self._strategy, self._runs = strategy, runs
        self._filling = -runs % each
        self._compiled = strategy.side_by_side(float32_products(jax.vmap(partial(step, axis=()))))

    def place(self, states: Sequence[Any]) -> Any:
        # Stacked by JAX, not by NumPy: the step reuses the memory, which must belong to nothing else.
        return self._strategy.cut(jax.tree.map(lambda *leaves: jnp.stack(leaves), *self._filled(states)))

    def step(
        self, placed: Any, batches: Sequence[Rows], seeds: Sequence[int], *, stop: bool = False
    ) -> tuple[Any, Any]:
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


TrainingProgram = OneRun | SideBySide


def _of_this_process(devices: Sequence[jax.Device]) -> list[jax.Device]:
    return [device for device in devices if device.process_index == jax.process_index()]


def _asking(step: StepFunction) -> StepFunction:
    """Return `step` with a metric that says in every process whether one was asked to stop."""

    def asking(state: Any, batch: Any, seed: Any, axis: Any) -> tuple[Any, Any]:
        batch = dict(batch)
        asked = jax.lax.pmax(jnp.max(batch.pop(STOP)), axis)
        state, metrics = step(state, batch, seed, axis)
        return state, {**metrics, STOP: asked}

    return asking


def _rows_here(tree: Any) -> Any:
    """Return the rows of this process's devices, in order, as NumPy arrays."""

    def rows(x: jax.Array) -> np.ndarray:
        shards = sorted(x.addressable_shards, key=lambda shard: shard.index[0].start or 0)
        return np.concatenate([np.asarray(shard.data) for shard in shards])

    return jax.tree.map(rows, tree)


def _first_shards(tree: Any) -> Any:
    """Return the part of each array that lies on the first device; no device computes or waits."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


def _seed(seed: Any) -> np.ndarray:
    """Return the lower 32 bits of a seed, as `jax.random.key` takes it."""
    return np.asarray(seed, np.int64).astype(np.int32)

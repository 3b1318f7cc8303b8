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

from research.parallel import host
from research.parallel.mesh import MeshStrategy
from research.parallel.strategies import DeviceStep, PmapStrategy, ShardMapStrategy, first_shards, of_this_process

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


Strategy = PmapStrategy | ShardMapStrategy | MeshStrategy
STRATEGIES = ("pmap", "shard_map", "mesh")


def _strategy(name: str, devices: list[jax.Device], axis: str, fsdp: int = 1, tensor: int = 1) -> Strategy:
    if name == "pmap":
        return PmapStrategy(devices, axis)
    flat = ShardMapStrategy(devices, axis)
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
        here = of_this_process(self._devices)
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
            return state, first_shards(metrics)

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

    def _on_a_device(self, step: StepFunction) -> DeviceStep:
        """Return the step as a strategy takes it."""
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


def _asking(step: StepFunction) -> StepFunction:
    """Return `step` with a metric that says in every process whether one was asked to stop."""

    def asking(state: Any, batch: Any, seed: Any, axis: Any) -> tuple[Any, Any]:
        batch = dict(batch)
        asked = jax.lax.pmax(jnp.max(batch.pop(STOP)), axis)
        state, metrics = step(state, batch, seed, axis)
        return state, {**metrics, STOP: asked}

    return asking


def _seed(seed: Any) -> np.ndarray:
    """Return the lower 32 bits of a seed, as `jax.random.key` takes it."""
    return np.asarray(seed, np.int64).astype(np.int32)

"""Two strategies that give every device rows of a batch and the whole state: `pmap` and `shard_map`.

A strategy places trees on devices and compiles functions over them; `mesh.MeshStrategy` is the third.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from research.parallel.mesh import shapes_on

DeviceStep = Callable[..., tuple[Any, Any]]
"""(state, batch, seed) -> state, metrics, as each device computes it."""


class PmapStrategy:
    """A strategy whose arrays have a leading axis of devices; the function is compiled for one device.

    Of several processes, each has the arrays of its own devices.
    """

    def __init__(self, devices: list[jax.Device], axis: str):
        self.devices, self.axis, self.step_axis, self.pieces = devices, axis, axis, len(devices)
        self.here = len(of_this_process(devices))
        # Once: every pmap of a function that is new is a program that is compiled anew, and stays in memory.
        self._copies = jax.pmap(lambda _, tree: tree, in_axes=(0, None), devices=devices)

    def replicate(self, tree: Any) -> Any:
        return self._copies(np.zeros(self.here), tree)

    place = replicate

    def one_copy(self, tree: Any) -> Any:
        # Not `x[0]`, which is a program over all devices that gathers the whole array.
        return jax.tree.map(lambda x: np.array(x[0]), jax.device_get(first_shards(tree)))

    def cut(self, rows: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(self.here, -1, *x.shape[1:]), rows)

    cut_batch = cut

    def joined(self, rows: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), jax.device_get(rows))

    def step(self, fn: DeviceStep) -> DeviceStep:
        return self._step(fn)

    def lowered(self, fn: DeviceStep, state: Any, batch: Any, seed: Any) -> jax.stages.Lowered:
        if self.here < self.pieces:  # pmap compiles for other processes only where they are there: the same program
            return ShardMapStrategy(self.devices, self.axis).lowered(fn, state, batch, seed)
        state = jax.tree.map(lambda x: jax.ShapeDtypeStruct((self.here, *x.shape), x.dtype), state)
        batch = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((self.here, x.shape[0] // self.pieces, *x.shape[1:]), x.dtype), batch
        )
        return self._step(fn).lower(state, batch, seed)

    def _step(self, fn: DeviceStep) -> Any:
        return jax.pmap(fn, self.axis, in_axes=(0, 0, None), out_axes=(0, None), devices=self.devices, donate_argnums=0)

    def side_by_side(self, fn: DeviceStep) -> DeviceStep:
        return jax.pmap(fn, axis_name=self.axis, devices=self.devices, donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.pmap(fn, axis_name=self.axis, devices=self.devices)


class ShardMapStrategy:
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
        return jax.tree.map(np.array, jax.device_get(first_shards(tree)))

    def cut(self, rows: Any) -> Any:
        sharding = NamedSharding(self.mesh, self.cut_spec)
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), rows)

    cut_batch = cut

    def joined(self, rows: Any) -> Any:
        return _rows_here(rows) if jax.process_count() > 1 else jax.device_get(rows)

    def step(self, fn: DeviceStep) -> DeviceStep:
        return self._step(fn)

    def lowered(self, fn: DeviceStep, state: Any, batch: Any, seed: Any) -> jax.stages.Lowered:
        whole, cut = (NamedSharding(self.mesh, spec) for spec in (PartitionSpec(), self.cut_spec))
        return self._step(fn).lower(*(shapes_on(*each) for each in ((state, whole), (batch, cut), (seed, whole))))

    def _step(self, fn: DeviceStep) -> Any:
        whole = PartitionSpec()
        return jax.jit(self._mapped(fn, (whole, self.cut_spec, whole), whole), donate_argnums=0)

    def side_by_side(self, fn: DeviceStep) -> DeviceStep:
        return jax.jit(self._mapped(fn, (self.cut_spec,) * 3, self.cut_spec), donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.jit(self._mapped(fn, (PartitionSpec(), self.cut_spec), self.cut_spec))

    def _mapped(self, fn: Any, specs: tuple[PartitionSpec, ...], out: PartitionSpec) -> Any:
        # check_vma=False: with the check, shard_map sums gradients of replicated parameters itself, a second time.
        return jax.shard_map(fn, mesh=self.mesh, in_specs=specs, out_specs=out, check_vma=False)


def of_this_process(devices: Sequence[jax.Device]) -> list[jax.Device]:
    return [device for device in devices if device.process_index == jax.process_index()]


def _rows_here(tree: Any) -> Any:
    """Return the rows of this process's devices, in order, as NumPy arrays."""

    def rows(x: jax.Array) -> np.ndarray:
        shards = sorted(x.addressable_shards, key=lambda shard: shard.index[0].start or 0)
        return np.concatenate([np.asarray(shard.data) for shard in shards])

    return jax.tree.map(rows, tree)


def first_shards(tree: Any) -> Any:
    """Return the part of each array that lies on the first device; no device computes or waits."""
    return jax.tree.map(lambda x: x.addressable_data(0), tree)

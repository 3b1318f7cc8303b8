"""A strategy that cuts parameters, optimiser and layers over a mesh, so that a model may be bigger than a chip.

`jax.jit` compiles the step for the whole batch, as it would be for one device, and XLA's partitioner divides it: rows
over the axes "data" and "fsdp", parameters and optimiser as `sharding_rules` says. So dropout is that of one device.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from research.parallel.sharding_rules import DATA, FSDP, TENSOR, computed, stored

ROWS = (DATA, FSDP)


class MeshStrategy:
    """A strategy with a mesh of (data, fsdp, tensor) for training.

    Args:
        flat: the strategy of all that is whole on each device: validation, translation, runs side by side.
        devices: the devices.
        fsdp: devices that each parameter, its moments and its average are cut over.
        tensor: devices that the widths of a layer are cut over.

    Raises:
        ValueError: `fsdp` · `tensor` does not divide the number of devices.
    """

    step_axis = ()

    def __init__(self, flat: Any, devices: Sequence[jax.Device], fsdp: int, tensor: int):
        if len(devices) % (fsdp * tensor):
            raise ValueError(
                f"training.fsdp={fsdp} times training.tensor={tensor} does not divide the number of devices, "
                f"{len(devices)}: make their product one of {', '.join(map(str, _divisors(len(devices))))}"
            )
        self.fsdp, self.tensor = fsdp, tensor
        self.mesh = Mesh(np.array(devices).reshape(-1, fsdp, tensor), (DATA, FSDP, TENSOR))
        self.pieces = len(devices) // tensor
        self.replicate, self.cut, self.joined, self.rows = flat.replicate, flat.cut, flat.joined, flat.rows
        self.side_by_side = flat.side_by_side

    def shardings(self, state: Any) -> Any:
        """Return how each array of a state is cut."""
        return jax.tree.map(self._sharding, _specs(state, partial(stored, fsdp=self.fsdp, tensor=self.tensor)))

    def place(self, state: Any) -> Any:
        if jax.process_count() == 1:
            return jax.device_put(state, self.shardings(state))

        def own(x: Any, sharding: NamedSharding) -> jax.Array:
            if isinstance(x, jax.Array) and not x.is_fully_addressable:  # by `made`, in its parts
                return x
            return jax.make_array_from_callback(np.shape(x), sharding, np.asarray(x).__getitem__)

        return jax.tree.map(own, state, self.shardings(state))

    def made(self, initial: Callable[[Any], Any], seed: Any) -> Any:
        return jax.jit(initial, out_shardings=self.shardings(jax.eval_shape(initial, seed)))(seed)

    def one_copy(self, state: Any) -> Any:
        if jax.process_count() > 1:  # one array after the other: each is whole on every device for a moment
            return jax.tree.map(lambda x: np.array(multihost_utils.process_allgather(x, tiled=True)), state)
        return jax.tree.map(np.array, jax.device_get(state))

    def cut_batch(self, batch: Any) -> Any:
        sharding = self._sharding(PartitionSpec(ROWS))
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), batch)

    def step(self, fn: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
        compiled: dict[Any, Callable[..., tuple[Any, Any]]] = {}

        def run(state: Any, batch: Any, seed: Any) -> tuple[Any, Any]:
            structure = jax.tree.structure(state)
            if structure not in compiled:
                compiled[structure] = self._step(fn, state)
            with jax.set_mesh(self.mesh):  # which `rows_second` and `summed_over_rows` look for
                return compiled[structure](state, batch, seed)

        return run

    def lowered(self, fn: Callable[..., tuple[Any, Any]], state: Any, batch: Any, seed: Any) -> jax.stages.Lowered:
        whole, rows = self._sharding(PartitionSpec()), self._sharding(PartitionSpec(ROWS))
        given = jax.tree.map(shapes_on, state, self.shardings(state)), shapes_on(batch, rows), shapes_on(seed, whole)
        with jax.set_mesh(self.mesh):
            return self._step(fn, state).lower(*given)

    def _step(self, fn: Callable[..., tuple[Any, Any]], state: Any) -> Any:
        """Return the compiled step for states of this structure."""
        whole, rows, cut = self._sharding(PartitionSpec()), self._sharding(PartitionSpec(ROWS)), self.shardings(state)
        return jax.jit(fn, in_shardings=(cut, rows, whole), out_shardings=(cut, whole), donate_argnums=0)

    def _sharding(self, spec: PartitionSpec) -> NamedSharding:
        return NamedSharding(self.mesh, spec)


def shapes_on(tree: Any, sharding: NamedSharding) -> Any:
    """Return the shapes of a tree with a sharding, as `lower` of `jax.jit` takes them."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), tree)


def gathered(params: Any) -> Any:
    """Return parameters as `sharding_rules.computed` cuts them, to be computed with; no change without a mesh.

    The gradient is cut again as the parameters were. Without this the partitioner may gather rows, whose number grows
    with the batch, instead of parameters.
    """
    if not _traced_for_a_mesh():
        return params
    sizes = jax.sharding.get_abstract_mesh().shape
    used = partial(computed, tensor=sizes[TENSOR])
    kept = partial(stored, fsdp=sizes[FSDP], tensor=sizes[TENSOR])

    @jax.custom_vjp
    def whole(params: Any) -> Any:
        return jax.lax.with_sharding_constraint(params, _specs(params, used))

    def backward(_: None, gradient: Any) -> tuple[Any]:
        for rule in (used, kept):  # one after the other, else the gradient of a table of vectors gathers all rows
            gradient = jax.lax.with_sharding_constraint(gradient, _specs(gradient, rule))
        return (gradient,)

    whole.defvjp(lambda params: (whole(params), None), backward)
    return whole(params)


def row_devices() -> int:
    """Return over how many devices a mesh cuts the rows of a batch; 1 without a mesh."""
    sizes = jax.sharding.get_abstract_mesh().shape
    return math.prod(sizes[axis] for axis in ROWS) if _traced_for_a_mesh() else 1


def rows_second(tree: Any) -> Any:
    """Return arrays whose second axis is that of rows, each device keeping rows of its own; no change without a mesh.

    The first axis may be parts that are computed one after another: every device then has rows of every part.
    """
    if not _traced_for_a_mesh():
        return tree
    return jax.tree.map(lambda x: jax.lax.with_sharding_constraint(x, PartitionSpec(None, ROWS)), tree)


def summed_over_rows(function: Callable[[Any, Any], Any], rows: Any, shared: Any) -> Any:
    """Return `function(rows, shared)`, a tree of sums over rows; on a mesh each device computes those of its own rows.

    For a function that the partitioner would compute for all rows on every device, such as one that sorts them.

    Args:
        function: a function whose outputs are scalars, and sums over rows.
        rows: a tree of arrays with rows in front.
        shared: a tree of arrays that all rows need.
    """
    sizes = jax.sharding.get_abstract_mesh().shape
    axes = tuple(axis for axis in ROWS if sizes.get(axis, 1) > 1)  # XLA refuses a sum over an axis of one device
    if not (_traced_for_a_mesh() and axes):
        return function(rows, shared)

    def own(rows: Any, shared: Any) -> Any:
        return jax.tree.map(lambda x: x[None], function(rows, shared))

    cut, whole = PartitionSpec(axes), PartitionSpec()
    # check_vma=False, as in `ShardMapStrategy`: the sum over devices is taken below, once, of one number a device.
    each = jax.shard_map(own, in_specs=(cut, whole), out_specs=cut, axis_names=set(axes), check_vma=False)
    return jax.tree.map(lambda x: x.sum(axis=0), each(rows, shared))


def _specs(tree: Any, rule: Callable[[str, Sequence[int]], PartitionSpec]) -> Any:
    """Return how each array of a tree is cut, by a rule of `sharding_rules`."""

    def of_leaf(path: Any, leaf: Any) -> PartitionSpec:
        return rule(jax.tree_util.keystr(path, simple=True, separator="/"), np.shape(leaf))

    return jax.tree_util.tree_map_with_path(of_leaf, tree)


def _traced_for_a_mesh() -> bool:
    return FSDP in jax.sharding.get_abstract_mesh().axis_names


def _divisors(number: int) -> list[int]:
    return [each for each in range(1, number + 1) if number % each == 0]

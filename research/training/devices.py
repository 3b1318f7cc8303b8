"""How a step is spread over devices. The only file that knows: `pmap` by default, or `shard_map` over a mesh.

Both run one function, written for one device with the axis `AXIS`. State is the same on every device, a batch is cut
along its rows, padded with rows of zeros (all padding, which counts nothing) where the devices do not divide it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "data"
Rows = dict[str, np.ndarray]


class _Pmap:
    """A leading axis of devices on everything; the function is compiled for one of them."""

    def __init__(self, devices: list[jax.Device]):
        self.devices = devices

    def replicate(self, tree: Any) -> Any:
        copy = jax.pmap(lambda _, tree: tree, in_axes=(0, None), devices=self.devices)
        return copy(np.zeros(len(self.devices)), tree)

    def one_copy(self, tree: Any) -> Any:
        return jax.tree.map(lambda x: x[0], tree)

    def cut(self, batch: Rows) -> Any:
        return {name: x.reshape(len(self.devices), -1, *x.shape[1:]) for name, x in batch.items()}

    def joined(self, rows: Any) -> Any:
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), jax.device_get(rows))

    def step(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.pmap(fn, axis_name=AXIS, devices=self.devices, donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.pmap(fn, axis_name=AXIS, devices=self.devices)


class _ShardMap:
    """Global arrays over a mesh of one axis; the function sees its shard."""

    def __init__(self, devices: list[jax.Device]):
        self.mesh = Mesh(np.array(devices), (AXIS,))

    def replicate(self, tree: Any) -> Any:
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec()))

    def one_copy(self, tree: Any) -> Any:
        return jax.tree.map(lambda x: x.addressable_data(0), tree)

    def cut(self, batch: Rows) -> Any:
        sharding = NamedSharding(self.mesh, PartitionSpec(AXIS))
        return {name: jax.make_array_from_process_local_data(sharding, x) for name, x in batch.items()}

    def joined(self, rows: Any) -> Any:
        return jax.device_get(rows)

    def step(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.jit(self._mapped(fn, PartitionSpec()), donate_argnums=0)

    def rows(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return jax.jit(self._mapped(fn, PartitionSpec(AXIS)))

    def _mapped(self, fn: Callable[[Any, Any], Any], out: PartitionSpec) -> Callable[[Any, Any], Any]:
        specs = (PartitionSpec(), PartitionSpec(AXIS))
        # check_vma=False: with the check, shard_map sums gradients of replicated parameters by itself, a second time.
        return jax.shard_map(fn, mesh=self.mesh, in_specs=specs, out_specs=out, check_vma=False)


STRATEGIES: dict[str, type[_Pmap] | type[_ShardMap]] = {"pmap": _Pmap, "shard_map": _ShardMap}


class Devices:
    """Some devices of this process (all by default) and a strategy.

    spread(step): step(state, batch) -> state, metrics, over all devices; state as `replicate` gives it.
    run(fn): fn(params, batch) -> rows, over all devices; plain arrays in and NumPy arrays out, rows in order.
    """

    def __init__(self, strategy: str = "pmap", devices: Sequence[jax.Device] | None = None):
        if strategy not in STRATEGIES:
            raise ValueError(f"training.strategy={strategy!r} is unknown; choose one of {', '.join(STRATEGIES)}")
        chosen = list(jax.local_devices() if devices is None else devices)
        self.count, self.kind = len(chosen), chosen[0].device_kind
        self._strategy = STRATEGIES[strategy](chosen)
        self._replicated: tuple[Any, Any] | None = None

    def replicate(self, tree: Any) -> Any:
        """`tree` on every device."""
        return self._strategy.replicate(tree)

    def unreplicate(self, tree: Any) -> Any:
        """One copy of a replicated tree, as NumPy arrays: what a checkpoint holds."""
        return jax.device_get(self._strategy.one_copy(tree))

    def spread(self, step: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any, Rows], tuple[Any, Any]]:
        """`step` over all devices. The state given is used up; metrics are one copy, still on the device.

        `step` sums over `AXIS` itself, so whatever it returns must be the same on every device.
        """
        compiled = self._strategy.step(step)

        def run(state: Any, batch: Rows) -> tuple[Any, Any]:
            state, metrics = compiled(state, self._cut(batch))
            return state, self._strategy.one_copy(metrics)

        return run

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

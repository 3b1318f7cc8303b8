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
STRATEGIES = ("pmap", "shard_map")


class Devices:
    """Some devices of this process (all by default) and a strategy.

    spread(step): step(state, batch) -> state, metrics, over all devices; state as `replicate` gives it.
    run(fn): fn(params, batch) -> rows, over all devices; plain arrays in and NumPy arrays out, rows in order.
    """

    def __init__(self, strategy: str = "pmap", devices: Sequence[jax.Device] | None = None):
        if strategy not in STRATEGIES:
            raise ValueError(f"training.strategy={strategy!r} is unknown; choose one of {', '.join(STRATEGIES)}")
        self.strategy = strategy
        self.devices = list(jax.local_devices() if devices is None else devices)
        self._mesh = Mesh(np.array(self.devices), (AXIS,))
        self._replicated: tuple[Any, Any] | None = None

    @property
    def count(self) -> int:
        """How many devices take part."""
        return len(self.devices)

    def replicate(self, tree: Any) -> Any:
        """`tree` on every device."""
        if self.strategy == "shard_map":
            sharding = NamedSharding(self._mesh, PartitionSpec())
            return jax.device_put(tree, sharding)
        return jax.pmap(lambda _, tree: tree, in_axes=(0, None), devices=self.devices)(np.zeros(self.count), tree)

    def unreplicate(self, tree: Any) -> Any:
        """One copy of a replicated tree, as NumPy arrays: what a checkpoint holds."""
        if self.strategy == "shard_map":
            return jax.device_get(jax.tree.map(lambda x: x.addressable_data(0), tree))
        return jax.device_get(jax.tree.map(lambda x: x[0], tree))

    def spread(
        self, step: Callable[[Any, Any], tuple[Any, Any]]
    ) -> Callable[[Any, dict[str, np.ndarray]], tuple[Any, Any]]:
        """`step` over all devices. The state given is used up; metrics are one copy, still on the device.

        `step` sums over `AXIS` itself, so whatever it returns must be the same on every device.
        """
        if self.strategy == "shard_map":
            compiled = jax.jit(self._mapped(step, PartitionSpec()), donate_argnums=0)
            return lambda state, batch: compiled(state, self._shard(batch))
        compiled = jax.pmap(step, axis_name=AXIS, devices=self.devices, donate_argnums=0)

        def run(state: Any, batch: dict[str, np.ndarray]) -> tuple[Any, Any]:
            state, metrics = compiled(state, self._shard(batch))
            return state, jax.tree.map(lambda x: x[0], metrics)

        return run

    def run(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, dict[str, np.ndarray]], Any]:
        """`fn(params, batch)`, whose outputs have a row for each row of the batch, over all devices."""
        if self.strategy == "shard_map":
            compiled = jax.jit(self._mapped(fn, PartitionSpec(AXIS)))
        else:
            compiled = jax.pmap(fn, axis_name=AXIS, devices=self.devices)

        def run(params: Any, batch: dict[str, np.ndarray]) -> Any:
            rows = next(iter(batch.values())).shape[0]
            outputs = jax.device_get(compiled(self._resident(params), self._shard(batch)))
            if self.strategy == "pmap":
                outputs = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), outputs)
            return jax.tree.map(lambda x: x[:rows], outputs)

        return run

    def _mapped(self, fn: Callable[[Any, Any], Any], out: PartitionSpec) -> Callable[[Any, Any], Any]:
        """shard_map of fn(the same everywhere, rows)."""
        specs = (PartitionSpec(), PartitionSpec(AXIS))
        # check_vma=False: with the check, shard_map sums gradients of replicated parameters by itself, a second time.
        return jax.shard_map(fn, mesh=self._mesh, in_specs=specs, out_specs=out, check_vma=False)

    def _resident(self, params: Any) -> Any:
        """`params` on every device, sent once for as long as the same object is asked for."""
        if self._replicated is None or self._replicated[0] is not params:
            self._replicated = (params, self.replicate(params))
        return self._replicated[1]

    def _shard(self, batch: dict[str, np.ndarray]) -> Any:
        """Rows cut over the devices, after padding."""

        def padded(x: np.ndarray) -> np.ndarray:
            short = -x.shape[0] % self.count
            return np.pad(x, [(0, short)] + [(0, 0)] * (x.ndim - 1)) if short else x

        batch = {name: padded(np.asarray(x)) for name, x in batch.items()}
        if self.strategy == "shard_map":
            sharding = NamedSharding(self._mesh, PartitionSpec(AXIS))
            return {name: jax.make_array_from_process_local_data(sharding, x) for name, x in batch.items()}
        return {name: x.reshape(self.count, -1, *x.shape[1:]) for name, x in batch.items()}

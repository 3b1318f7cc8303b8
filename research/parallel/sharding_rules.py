"""The table that says how an array of a training state is cut over a mesh, by the end of its path and its shape alone.

An optimiser's moments and an exponential average have the shape of their parameter and a path that ends like its path,
so one rule serves all of them. The parameters of a scanned layer have those of all layers in front: that axis stays
whole, since a device computes every layer, and the others are cut as those of one layer.
"""

import re
from collections.abc import Mapping, Sequence

from jax.sharding import PartitionSpec

DATA, FSDP, TENSOR = "data", "fsdp", "tensor"
SCANNED = "(encoder|decoder)/layer/"
"""In the path of a scanned layer's parameters; see `research.models.layers`."""

COMPUTED_CUT: dict[str, int] = {
    "embeddings/(source|target|output)": 0,  # the vocabulary
    "(self_attention|cross)/(query|key|value)/kernel": 1,  # heads: the columns of a projection
    "(self_attention|cross)/(query|key|value)/bias": 0,
    "(self_attention|cross)/output/kernel": 0,  # heads: the rows of the projection that joins them
    "(self_attention|cross)/scorer/(query|key|scale)": 0,  # heads
    "position_wise/inner/kernel": 1,  # the hidden layer of the feed-forward layer
    "position_wise/inner/bias": 0,
    "position_wise/outer/kernel": 0,
}
"""The end of a path, a regular expression -> the axis that is cut over "tensor", in memory and when it is computed."""

STORED_CUT: dict[str, int] = {
    "(stack[_0-9]*|future)/(input|recurrent)": 1,  # gates
    "(stack[_0-9]*|future)/(bias|recurrent_bias)": 0,
    "decoder/(combine|beside|context|fed)": 1,
    "read/scorer/(query|key)": 0,
}
"""The same for parameters that are cut in memory and whole when they are computed: devices that share the gates of a
recurrence would have to exchange them at every position (18 exchanges a position in a layer of an LSTM and its
gradient)."""


def stored(path: str, shape: Sequence[int], *, fsdp: int, tensor: int) -> PartitionSpec:
    """Return how an array lies over a mesh of (data, fsdp, tensor). An axis that a size does not divide stays whole.

    "tensor" cuts the axis that a table names, if any; "fsdp" the longest of the other axes that it divides.

    Args:
        path: the path of the array in the state, with "/" between its names.
        shape: its shape.
        fsdp: the size of the axis "fsdp" of the mesh.
        tensor: the size of the axis "tensor".
    """
    cut = _cut(COMPUTED_CUT | STORED_CUT, path, shape, tensor)
    of_layer = range(_axes_of_layers(path), len(shape))
    left = [axis for axis in of_layer if cut[axis] is None and shape[axis] % fsdp == 0]
    if fsdp > 1 and left:
        cut[max(left, key=lambda axis: shape[axis])] = FSDP
    return PartitionSpec(*cut)


def computed(path: str, shape: Sequence[int], *, tensor: int) -> PartitionSpec:
    """Return how a parameter is cut when a batch is computed with it; see `stored`."""
    return PartitionSpec(*_cut(COMPUTED_CUT, path, shape, tensor))


def _cut(table: Mapping[str, int], path: str, shape: Sequence[int], tensor: int) -> list[str | None]:
    cut: list[str | None] = [None] * len(shape)
    found = next((axis for end, axis in table.items() if re.search(f"(^|/)({end})$", path)), None)
    axis = None if found is None else found + _axes_of_layers(path)
    if tensor > 1 and axis is not None and axis < len(shape) and shape[axis] % tensor == 0:
        cut[axis] = TENSOR
    return cut


def _axes_of_layers(path: str) -> int:
    """Return how many axes an array has in front of those of one layer."""
    return 1 if re.search(f"(^|/){SCANNED}", path) else 0

"""The distance between the heads of a layer: how differently they read the source.

    d = mean over layers l, pairs of heads g < h and target positions t of ½ Σ_s |w_lgts - w_lhts|

It is the total variation between the weights of two heads: 0 if they are the same, 1 if no position is read by both.
Positions are subwords and end-of-sentence tokens, so a head that reads the end-of-sentence token differs from one that
reads a word. Rows that do not sum to 1, as with a local window, are compared as they are.
"""

from collections.abc import Mapping

import numpy as np


def head_distance(layers: Mapping[str, np.ndarray]) -> np.ndarray:
    """Sum the distances between the heads of one sentence.

    Args:
        layers: weights_HTS of each layer.

    Returns:
        The sum of the distances and how many were summed; (0, 0) if no layer has two heads.
    """
    sums_2 = np.zeros(2)
    for weights_HTS in layers.values():
        heads, positions, _ = weights_HTS.shape
        for head in range(heads):  # against the heads after it
            sums_2[0] += np.abs(weights_HTS[head + 1 :] - weights_HTS[head]).sum(dtype=np.float64) / 2
        sums_2[1] += positions * heads * (heads - 1) / 2
    return sums_2

"""How differently the heads of a layer read the source: are they as many as they are counted, or one?

    d = mean over layers l, pairs of heads g < h and target positions t of ½ Σ_s |w_lgts - w_lhts|,

the total variation between two heads' rows of weights: 0 where they are the same, 1 where neither reads what the other
does. Positions are subwords and end marks: a head that rests on the end mark is unlike one that reads a word. Rows that
do not sum to 1, as with a local window, are compared as they are.
"""

from collections.abc import Mapping

import numpy as np


def head_distance(layers: Mapping[str, np.ndarray]) -> np.ndarray:
    """(sum of distances, how many) of a sentence, from weights_HTS of each layer; (0, 0) for single heads."""
    sums_2 = np.zeros(2)
    for weights_HTS in layers.values():
        heads, positions, _ = weights_HTS.shape
        for head in range(heads):  # against those after it
            sums_2[0] += np.abs(weights_HTS[head + 1 :] - weights_HTS[head]).sum(dtype=np.float64) / 2
        sums_2[1] += positions * heads * (heads - 1) / 2
    return sums_2

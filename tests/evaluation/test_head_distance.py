"""The distance between heads against its equation, and at its limits."""

from itertools import combinations

import numpy as np
import pytest

from research.evaluation.head_distance import head_distance
from research.results.sums import mean_distance

H, T, S = 3, 5, 7
WEIGHTS_HTS = np.random.default_rng(0).dirichlet(np.ones(S), (H, T)).astype(np.float32)


def test_equals_the_equation():
    layers = {"layer_0": WEIGHTS_HTS, "layer_1": WEIGHTS_HTS[:2, ::-1], "layer_2": WEIGHTS_HTS[:1]}
    distances = [
        sum(abs(float(p) - float(q)) for p, q in zip(one[t], other[t], strict=True)) / 2
        for weights_HTS in layers.values()
        for one, other in combinations(weights_HTS, 2)
        for t in range(T)
    ]
    assert len(distances) == 4 * T
    total, compared = head_distance(layers)
    assert (total, compared) == (pytest.approx(sum(distances)), 4 * T)
    assert mean_distance(total, compared) == pytest.approx(np.mean(distances))


def test_known_limits():
    alike_HTS = np.repeat(WEIGHTS_HTS[:1], H, axis=0)
    assert head_distance({"layer_0": alike_HTS}).tolist() == [0, T * 3]
    disjoint_HTS = np.repeat(np.eye(H, S)[:, None], T, axis=1)  # each head reads a word of its own
    assert mean_distance(*head_distance({"layer_0": disjoint_HTS})) == 1
    assert mean_distance(*head_distance({"layer_0": WEIGHTS_HTS[:1]})) is None
    assert mean_distance(*head_distance({})) is None

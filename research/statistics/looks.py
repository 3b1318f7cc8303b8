"""Looks: the share of a test's α that each of several looks at a growing number of seeds may spend.

By the spending function of Lan & DeMets 1983 that is close to O'Brien & Fleming 1979, after n_k of n_K seeds

    A(n_k / n_K),   A(t) = 2 - 2 Φ(z_{α/2} / √t)

is spent, little at first, and look k tests at α_k = A(n_k / n_K) - A(n_{k-1} / n_K). The shares add up to α, so that
the chance of a false verdict at any look is α at most, whatever the looks have in common (Bonferroni).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from scipy import special


def shares(looks: Sequence[int], alpha: float) -> list[float]:
    """Return α_k of each look.

    Args:
        looks: how many seeds there are at each, from fewer to more.
        alpha: that all looks spend together.
    """
    quantile = float(special.ndtri(1 - alpha / 2))
    spent = [0.0] + [2 * float(special.ndtr(-quantile / math.sqrt(seeds / looks[-1]))) for seeds in looks]
    return [later - earlier for earlier, later in pairwise(spent)]

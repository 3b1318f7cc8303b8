"""Power: the chance that a design shows an effect that is there, and how many seeds it would take.

The interval of an estimate d at level 1 - 2α reaches h = √((t_{ν,α} s)² + (z_α u)²) to each side (see `contrasts`). A
claim that d lies beyond a bound is shown where d - h does. If the true value lies r beyond the bound, the chance is

    P(d - h > bound) = F_ν((r - h) / √(s² + u²))

with F_ν the distribution of Student's t. A claim that d lies within ±r is shown where both ends do; if the true value
is 0 the chance is 2 F_ν((r - h) / √(s² + u²)) - 1. With R' seeds for R, s² is R / R' as large, and u² stays.
"""

import math
from typing import NamedTuple

from scipy import special

from research.statistics.contrasts import Estimate

ENOUGH = 0.8
MOST_SEEDS = 1_000


class Design(NamedTuple):
    """The claim that a design is to show.

    Attributes:
        room: how far the true value is thought to lie beyond its bound; for `alike`, the margin.
        level: of the interval that has to lie beyond the bound.
        alike: True if the claim is that the value lies within ±room of 0.
    """

    room: float
    level: float
    alike: bool


def power(found: Estimate, design: Design) -> float:
    """Return the chance that a claim like this is shown, with the errors of an estimate."""
    low, high = found.interval(design.level)
    if not found.varies:
        return float(design.room > 0)
    if math.isinf(found.seed_error):
        return 0.0
    reach = (design.room - (high - low) / 2) / found.error
    below = float(special.stdtr(found.freedom, reach)) if math.isfinite(found.freedom) else float(special.ndtr(reach))
    return max(0.0, 2 * below - 1) if design.alike else below


def detectable(found: Estimate, design: Design) -> float:
    """Return the smallest room at which the power is `ENOUGH`; infinite where nothing shows how much d varies."""
    low, high = found.interval(design.level)
    if math.isinf(found.seed_error):
        return math.inf
    tail = (1 + ENOUGH) / 2 if design.alike else ENOUGH
    far = special.stdtrit(found.freedom, tail) if math.isfinite(found.freedom) else special.ndtri(tail)
    return (high - low) / 2 + float(far) * found.error


def seeds_needed(found: Estimate, design: Design, seeds: int) -> int | None:
    """Return how many seeds an arm give a power of `ENOUGH`; None where no number does: sentences are too few.

    Args:
        found: the estimate with `seeds` seeds an arm.
        design: what is to be shown.
        seeds: how many there are.
    """
    if math.isinf(found.seed_error) or seeds < 2:
        return None

    def with_seeds(number: int) -> Estimate:
        share, freedom = seeds / number, found.freedom * (number - 1) / (seeds - 1)
        return found._replace(seed_error=found.seed_error * math.sqrt(share), freedom=freedom)

    return next((n for n in range(2, MOST_SEEDS + 1) if power(with_seeds(n), design) >= ENOUGH), None)

"""Calibration: a corpus's config declares its baseline, so that models are compared where they can differ."""

from typing import NamedTuple

EVIDENCE = "docs/evidence/calibration"
"""The folder of the evidence of all baselines."""


class Calibration(NamedTuple):
    """The number that a corpus's baseline has to reach before anything is said of other models.

    A config file names it CALIBRATION, and a question whose knobs make another corpus has its own. `ablate --confirm`
    says *not calibrated* until runs in `evidence` reach it.

    Attributes:
        baseline: an architecture of the config file, trained as it stands there, or as the question changes all arms.
        measure: a name of `research.results.measures.MEASURES`.
        number: what it has to reach, on the first test split.
        tolerance: how far it may fall short of that, in the measure's unit.
        evidence: the folder of its runs, or of their evidence.
    """

    baseline: str
    measure: str
    number: float
    tolerance: float
    evidence: str

"""Has the baseline of a corpus reached its number? Before that, a corpus can flatter every other model."""

from collections.abc import Callable
from pathlib import Path

from ml_collections import ConfigDict

from research.ablation.measured import read_run
from research.results.answers import AnswerCalibration
from research.results.calibration import Calibration
from research.results.run_folder import RunFolder


def calibrate(
    declared: Calibration | None, digest: str, digest_of: Callable[[ConfigDict], str], *, split: str, search: str
) -> AnswerCalibration | None:
    """Return what the kept runs of a corpus's baseline came to; None where its config declares none.

    Args:
        declared: by the config file.
        digest: the identity of the baseline's runs but for their seed.
        digest_of: config -> such a digest.
        split, search: what is judged.
    """
    if declared is None:
        return None
    runs = [
        read_run(path, split, search, [declared.measure]).values[declared.measure]
        for path in sorted(Path(declared.evidence).glob("*/"))
        if RunFolder(path).is_evaluated(split, search) and digest_of(RunFolder(path).config()) == digest
    ]
    found = [value for value in runs if value is not None]
    return AnswerCalibration(
        baseline=declared.baseline,
        measure=declared.measure,
        number=declared.number,
        tolerance=declared.tolerance,
        found=sum(found) / len(found) if found else None,
        seeds=len(found),
    )

"""Has the baseline of a corpus reached its number? Before that, a corpus can flatter every other model."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from ml_collections import ConfigDict

from research.ablation.measured import read_run
from research.results.answers import AnswerCalibration
from research.results.calibration import Calibration
from research.results.identity import config_as_json, differing_fields
from research.results.measures import SEARCHED
from research.results.run_folder import RunFolder


def calibrate(
    declared: Calibration,
    baseline: ConfigDict,
    arms: Iterable[ConfigDict],
    varied: Collection[str],
    digest_of: Callable[[ConfigDict], str],
    *,
    split: str,
    search: str,
) -> AnswerCalibration:
    """Return what the kept runs of a corpus's baseline came to.

    Args:
        declared: by the config file, or by the question for a corpus of its own.
        baseline: the config of the baseline.
        arms: the configs of the arms.
        varied: the fields that the question is about; in others the arms' corpus has to be the baseline's.
        digest_of: config -> the identity of its runs but for their seed.
        split, search: what is judged.
    """
    wanted = digest_of(baseline)
    runs = [
        read_run(path, split, search, [declared.measure]).values[declared.measure]
        for path in sorted(Path(declared.evidence).glob("*/"))
        if _is_measured(RunFolder(path), declared.measure, split, search)
        and digest_of(RunFolder(path).config()) == wanted
    ]
    found = [value for value in runs if value is not None]
    return AnswerCalibration(
        baseline=declared.baseline,
        measure=declared.measure,
        number=declared.number,
        tolerance=declared.tolerance,
        found=sum(found) / len(found) if found else None,
        seeds=len(found),
        differs=tuple(sorted({name for arm in arms for name in _other_data(arm, baseline)} - {*varied})),
    )


def _is_measured(run: RunFolder, measure: str, split: str, search: str) -> bool:
    """Return whether a run has the measure; only those of translations are of one search."""
    return run.is_evaluated(split, search) if measure in SEARCHED else split in run.result().get("splits", {})


def _other_data(config: ConfigDict, baseline: ConfigDict) -> list[str]:
    """Return the fields in which the corpus of a config is not that of the baseline."""
    differing = differing_fields(config_as_json(config), config_as_json(baseline))
    return [name for name in differing if name.startswith("data.")]

"""A question as it is run: its plan, and the folders of the runs that its answer is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from research.ablation.experiment import Experiment
from research.ablation.measured import MeasuredRun, read_run
from research.results.answers import AnswerCalibration, AnswerLock, Request
from research.results.message import Message
from research.results.run_folder import RunFolder
from research.results.tunings import Tuning
from research.statistics.hypotheses import LEVEL


@dataclass(frozen=True)
class Asked:
    """An experiment as it is run.

    Attributes:
        name: the question.
        corpus: the stem of the config file.
        command: how a person asks it again.
        folders: arm -> seed -> run folder.
        request: what another answer must have in common with this one to replace it.
        halves: arm -> seed -> run folder of half as many steps, where a plan is confirmed.
        tuning: the learning rates that were tried; None where arms have those of their configs.
        calibration: of the corpus; None where its config declares none.
        lock: of the plan that is confirmed; None where the answer explores.
        earlier_seeds: of the plans that it has replaced.
        level: 1 - α of its tests, α being what this look may spend.
        looks: after how many seeds the plan looks, where it does so more than once.
        gold: the SHA-256 of the file of alignments that attention is compared with; "": those of the corpus, if any.
        too_small: what the arms are too small for, so that a plan needs no runs to say that nothing is tested here.
    """

    name: str
    experiment: Experiment
    corpus: str
    command: str
    split: str
    search: str
    folders: Mapping[str, Mapping[int, Path]]
    request: Request
    halves: Mapping[str, Mapping[int, Path]] = field(default_factory=dict)
    tuning: Tuning | None = None
    calibration: AnswerCalibration | None = None
    lock: AnswerLock | None = None
    earlier_seeds: Sequence[int] = ()
    level: float = LEVEL
    looks: Sequence[int] = ()
    gold: str = ""
    too_small: Sequence[Message] = ()

    @property
    def finished(self) -> dict[str, dict[int, Path]]:
        """The run folders in which nothing is left to do."""
        return self._finished(self.folders)

    @property
    def finished_halves(self) -> dict[str, dict[int, Path]]:
        """The same, of the runs of half as many steps."""
        return self._finished(self.halves)

    def read(self, folders: Mapping[str, Mapping[int, Path]], measures: Sequence[str]) -> dict[str, list[MeasuredRun]]:
        """Read the runs of each arm."""
        return {
            arm: [read_run(path, self.split, self.search, measures) for path in of.values()]
            for arm, of in folders.items()
        }

    def _finished(self, folders: Mapping[str, Mapping[int, Path]]) -> dict[str, dict[int, Path]]:
        return {
            arm: {
                seed: path
                for seed, path in of.items()
                if RunFolder(path).is_evaluated(self.split, self.search, self.gold)
            }
            for arm, of in folders.items()
        }


Failures = Mapping[str, Mapping[int, tuple[list[str], Path]]]
"""arm -> seed -> the last lines of the log, and the log."""

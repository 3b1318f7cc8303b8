"""The runs of a question's arms: where each of them is, and the jobs that make those that are missing."""

import hashlib
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ml_collections import ConfigDict

from research.ablation import kept_runs
from research.ablation.experiment import Experiment, architecture_of
from research.ablation.launching.jobs import Job, Launcher, Outcome
from research.ablation.work import Task
from research.evaluation.gold import gold_digest
from research.results.identity import NO_EFFECT_ON_RESULTS, config_as_json, config_digest, flat
from research.results.run_folder import RunFolder

ArmConfigs = Iterable[tuple[str, ConfigDict]]

MOST_NAMED = 12  # seeds in the name of a job: names of files have an end
MODULE = ("-m", "research.ablation.work")


class ArmRuns:
    """Runs below OUT/trained, or made elsewhere; logs/ has the output of their jobs.

    Runs are named by their identity, so questions that need the same run share it, and no run is made twice.
    """

    def __init__(
        self,
        name: str,
        experiment: Experiment,
        get_config: Callable[[str], ConfigDict],
        *,
        config_file: str,
        command: str,
        out: Path,
        split: str,
        search: str,
        gold: Path | None,
        made_elsewhere: Sequence[Path],
    ):
        """Find runs; nothing is launched.

        Args:
            name, experiment: the question.
            get_config: architecture -> its config, as `config_file` gives it.
            config_file: the config file that a person names.
            command: how a person asks the question again.
            out: the folder of the question.
            split, search: what is judged.
            gold: a Pharaoh file with the alignments of the split, where the corpus has none.
            made_elsewhere: folders of runs or of their evidence, which are taken before any is trained.

        Raises:
            ValueError: there is no file `gold`.
        """
        self._name, self._experiment, self._get_config = name, experiment, get_config
        self._config_file, self._command, self._out = config_file, command, out
        self._split, self._search, self._made_elsewhere = split, search, tuple(made_elsewhere)
        if gold and not gold.is_file():
            raise ValueError(f"there is no file {gold}, which --gold names")
        self._gold, self.gold = gold, gold_digest(gold) if gold else ""

    def digest(self, config: ConfigDict, *without: str) -> str:
        """Return the identity of an arm's runs but for the seed; of files without a digest, with their folder."""
        nothing = NO_EFFECT_ON_RESULTS | {"seed", *without}
        if config.data.source == "text" and not config.data.sha256:
            nothing -= {"data.root"}
        return config_digest(config, without=nothing, beside=(self._experiment.work,))[:10]

    def folder(self, arm: str, config: ConfigDict, seed: int) -> Path:
        """Return the run folder of an arm and seed, or its evidence; `config` has the rate that it trains with.

        Raises:
            ValueError: see `kept_runs.find`.
        """
        name = f"{architecture_of(self._experiment, arm)}-{self.digest(config)}.{seed}"
        ours = self._out / "trained"
        if not self._made_elsewhere:
            return ours / name
        places = [ours, *self._made_elsewhere]
        return (
            kept_runs.find(name, places, self.digest, split=self._split, search=self._search, gold=self.gold)
            or ours / name
        )

    def is_ours(self, folder: Path) -> bool:
        """Return whether a run is trained here; of one that was made elsewhere nothing is left to do."""
        return folder.parent == self._out / "trained"

    def is_evaluated(self, folder: Path, split: str) -> bool:
        return RunFolder(folder).is_evaluated(split, self._search, self.gold if split == self._split else None)

    def launches(self, arms: ArmConfigs, seeds: Sequence[int], split: str) -> list[list[Job]]:
        """Return what `train` would launch, in such groups."""
        return self._apart([job for _, job, _ in self._jobs(arms, seeds, split)])

    def train(
        self,
        launcher: Launcher,
        arms: ArmConfigs,
        seeds: Sequence[int],
        split: str,
        trunks: Mapping[str, ConfigDict] = {},
    ) -> Iterator[tuple[str, Outcome]]:
        """Train and evaluate what is missing, report what fails, and yield each arm with its outcome when it ends.

        Args:
            launcher: runs the jobs.
            arms: arms with their configs; an arm may come with several.
            seeds: of each.
            split: what is evaluated.
            trunks: arm -> the config of shorter runs that its runs begin with.
        """
        arm_of, launched = {}, []
        for arm, job, task in self._jobs(arms, seeds, split, trunks):
            RunFolder(self._out).write_text(f"logs/{job.name}.job.json", task.as_json())
            arm_of[job.name] = arm
            launched.append(job)
        for together in self._apart(launched):
            for outcome in launcher.launch(together):
                if not outcome.ok:
                    print(_failed(arm_of[outcome.job.name], outcome), file=sys.stderr)
                yield arm_of[outcome.job.name], outcome

    def _apart(self, jobs: list[Job]) -> list[list[Job]]:
        """Group jobs that may run at the same time: timed steps run alone, as jobs beside them would slow them down."""
        return [[job] for job in jobs] if jobs and self._experiment.work == "time" else [jobs]

    def _jobs(
        self, arms: ArmConfigs, seeds: Sequence[int], split: str, trunks: Mapping[str, ConfigDict] = {}
    ) -> Iterator[tuple[str, Job, Task]]:
        """Yield for each arm the job that trains the seeds that it lacks; the same run is in no two jobs."""
        taken: set[Path] = set()
        for arm, config in arms:
            folders = {seed: self.folder(arm, config, seed) for seed in seeds}
            folders = {seed: path for seed, path in folders.items() if path not in taken and self.is_ours(path)}
            taken |= set(folders.values())
            gold = self._gold if split == self._split else None
            if all(self.is_evaluated(path, split) for path in folders.values()):
                continue
            seeds_of_job = "-".join(map(str, folders)) if len(folders) <= MOST_NAMED else _in_short(folders)
            name = f"{self._name}.{self.digest(config)}.{split}.{self._search}.{seeds_of_job}"
            task = Task(
                work=self._experiment.work,
                config=config_as_json(config),
                folders={seed: str(path.absolute()) for seed, path in folders.items()},
                trunks={
                    seed: str(shorter.absolute())
                    for seed in folders
                    if arm in trunks and RunFolder(shorter := self.folder(arm, trunks[arm], seed)).trunk_checkpoints()
                },
                split=split,
                search=self._search,
                command=self._train_command(arm, config) if self._experiment.work == "train" else self._command,
                gold=str(gold.absolute()) if gold else "",
            )
            logs = (self._out / "logs").absolute()
            command = (sys.executable, *MODULE, str(logs / f"{name}.job.json"))
            yield arm, Job(name, command, logs / f"{name}.log", task.as_json()), task

    def _train_command(self, arm: str, config: ConfigDict) -> str:
        """Return the command that trains this arm alone: its architecture, and every field that differs from it."""
        architecture = architecture_of(self._experiment, arm)
        plain, wanted = (
            flat(each.copy_and_resolve_references().to_dict()) for each in (self._get_config(architecture), config)
        )
        changed = [f"--config.{name}={value}" for name, value in wanted.items() if plain[name] != value]
        return shlex.join(["python", "run.py", "train", f"--config={self._config_file}:{architecture}", *changed])


def _in_short(seeds: Iterable[int]) -> str:
    """Return a name for many seeds."""
    listed = list(seeds)
    digest = hashlib.sha256(",".join(map(str, listed)).encode()).hexdigest()
    return f"{listed[0]}-and-{len(listed) - 1}-more-{digest[:8]}"


def _failed(arm: str, outcome: Outcome) -> str:
    lines = "\n".join(f"    {line}" for line in outcome.last_lines)
    return f"{arm} failed (exit code {outcome.code}); the others go on. Its last lines, of {outcome.job.log}:\n{lines}"

"""Answer a question: launch the runs that are missing, and write the answer anew after every job."""

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from research import models
from research.ablation import kept_runs
from research.ablation.answer import Asked, Failures, make_answer
from research.ablation.calibration import calibrate
from research.ablation.experiment import Experiment, architecture_of
from research.ablation.launching.jobs import Job, Launcher, Outcome
from research.ablation.matching import match
from research.ablation.verdict import NOT_TESTED, REFUTED, SUPPORTED
from research.ablation.work import Task
from research.evaluation.gold import gold_digest
from research.results.answer_files import read_answer, write_answer
from research.results.answers import Answer, AnswerCalibration, AnswerLock, Request
from research.results.calibration import Calibration
from research.results.identity import NO_EFFECT_ON_RESULTS, config_as_json, config_digest, config_from_json, flat
from research.results.locks import Lock
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder
from research.results.tunings import Tuning, read_tuning
from research.statistics.hypotheses import LEVEL
from research.statistics.looks import shares

ArmConfigs = Iterable[tuple[str, ConfigDict]]

MODULE = ("-m", "research.ablation.work")


class Look(NamedTuple):
    """The first seeds of a plan, after which it may give a verdict; level: 1 - α of the tests of this look."""

    seeds: Sequence[int]
    level: float


class Ablation:
    """An experiment on one corpus, in a folder.

    trained/ has the runs, logs/ their output, tuning/NAME.json the rates that were tried, NAME.json the answer.
    Runs are named by their identity, so questions that need the same run share it, and no run is made twice.
    """

    def __init__(
        self,
        name: str,
        experiment: Experiment,
        get_config: Callable[[str], ConfigDict],
        *,
        override: Callable[[ConfigDict], object],
        config_file: str,
        command: str,
        seeds: Sequence[int],
        out: Path,
        search: str,
        by: str | None = None,
        tuned: bool = True,
        lock: Lock | None = None,
        only: str = "*",
        made_elsewhere: Sequence[Path] = (),
        calibration: Calibration | None = None,
        looks: Sequence[int] = (),
        gold: Path | None = None,
    ):
        """Prepare the arms; nothing is launched.

        Args:
            name: the question.
            experiment: what is asked.
            get_config: architecture -> its config, as `config_file` gives it.
            override: what a person changes in every arm.
            config_file: the config file that a person names; its stem is the corpus.
            command: how a person asks this again.
            seeds: one run of each arm for each.
            out: the folder.
            search: such as "beam1", which is greedy.
            by: what arms are matched by; None: as the experiment says.
            tuned: arms have the learning rates and steps of tuning/NAME.json, if it is there, else of their configs.
            lock: the plan that is confirmed, whose learning rates and steps arms have; None explores.
            only: the arms to ask of, as a shell's pattern or several with | between them; the others are left out.
            made_elsewhere: folders of runs or of their evidence, which are taken before any is trained.
            calibration: what the corpus's config declares of its baseline.
            looks: after how many seeds a plan may give its verdict, from fewer to all of them; (): after all. A lock
                has its own.
            gold: a Pharaoh file with the alignments of the test split, where the corpus has none.

        Raises:
            ValueError: an arm cannot be built, none is asked of, or other arms or these seeds were tuned.
        """
        if len(set(seeds)) < len(seeds) or not seeds:
            raise ValueError(f"seeds {list(seeds)}: give each once, such as 0,1,2")
        self.name, self.experiment, self.out = name, experiment, Path(out)
        self.config_file, self.command, self.seeds, self.search = config_file, command, list(seeds), search
        if calibration and getattr(MEASURES.get(calibration.measure), "better", 0) == 0:
            raise ValueError(
                f"{config_file} calibrates by {calibration.measure!r}, of which neither more nor less is better: take "
                "nats or bleu"
            )
        self.get_config, self._made_elsewhere, self._calibration = get_config, tuple(made_elsewhere), calibration
        self._gold, self.gold = gold, gold_digest(gold) if gold else ""
        self.match = by or experiment.match
        every = self._matched(self.match, experiment.configs(get_config, override, corpus=self.corpus))
        patterns = only.split("|")
        self.arms = {arm: each for arm, each in every.items() if any(fnmatchcase(arm, p) for p in patterns)}
        if not self.arms:
            raise ValueError(f"no arm of {name} is like {only!r}; there are {', '.join(experiment.arms)}")
        for config in self.arms.values():  # better now than in the middle of the night
            models.build(config.model, source_vocabulary=8, target_vocabulary=8)
        kept_runs.check(made_elsewhere, self.arms.values())
        self.plan = lock.plan if lock else None
        if self.plan:
            self.tuning = self.plan.tuning
        else:
            self.tuning = read_tuning(self.tuning_file) if tuned else None
        if self.tuning:
            self.arms = {arm: self._as_tuned(self.tuning, arm, config) for arm, config in self.arms.items()}
            if twice := sorted(set(self.tuning.seeds) & set(seeds)):
                raise ValueError(f"seed {twice[0]} was used to tune the learning rates: judge by others, such as 0,1,2")
        self.lock: AnswerLock | None = None
        self.looks = _looks(self.seeds, self.plan.looks if self.plan else looks)
        self.look = self.looks[0]
        self.split = next(iter(next(iter(self.arms.values())).data.tests), "test")
        self.request = Request(
            search=search,
            arms={arm: self._digest(config) for arm, config in self.arms.items()},
            seeds=tuple(self.seeds),
        )

    @property
    def file(self) -> Path:
        """The file of the answer."""
        return self.out / f"{self.name}.json"

    @property
    def corpus(self) -> str:
        """The stem of the config file."""
        return Path(self.config_file).stem

    @cached_property
    def calibration(self) -> AnswerCalibration | None:
        """The number that the baseline of the corpus came to; None where its config declares none."""
        if (declared := self._calibration) is None:
            return None
        return calibrate(
            declared,
            self.get_config(declared.baseline),
            self.arms.values(),
            self.experiment.factors,
            self._digest,
            split=self.split,
            search=self.search,
        )

    @property
    def tuning_file(self) -> Path:
        """The file of the learning rates that were tried."""
        return self.out / "tuning" / f"{self.name}.json"

    @property
    def looks_after(self) -> tuple[int, ...]:
        """How many seeds there are at each look; () where there is only one."""
        return tuple(len(look.seeds) for look in self.looks) if len(self.looks) > 1 else ()

    @property
    def halves(self) -> dict[str, ConfigDict]:
        """The arms at half their steps, which show whether they had done learning; none where nothing is trained."""
        return {arm: halved(config) for arm, config in self.arms.items() if self.experiment.work == "train"}

    def asked(self) -> Asked:
        """Return the question with the runs that its answer is made of, at the look that `run` has come to."""

        def folders(arms: Mapping[str, ConfigDict]) -> dict[str, dict[int, Path]]:
            return {arm: {seed: self.folder(arm, of, seed) for seed in self.look.seeds} for arm, of in arms.items()}

        return Asked(
            name=self.name,
            experiment=self.experiment,
            corpus=self.corpus,
            command=self.command,
            split=self.split,
            search=self.search,
            folders=folders(self.arms),
            request=self.request,
            halves=folders(self.halves if self.lock else {}),
            tuning=self.tuning,
            calibration=self.calibration,
            lock=self.lock,
            earlier_seeds=self.plan.earlier_seeds if self.plan else (),
            level=self.look.level,
            looks=self.looks_after if self.lock else (),
            gold=self.gold,
            too_small=list(self.experiment.too_small(self.arms)),
        )

    def run(self, launcher: Launcher, *, resume: bool, lock: AnswerLock | None = None) -> Answer:
        """Launch what is missing, and return the answer. A job that fails is reported, and the others go on.

        Args:
            launcher: runs the jobs.
            resume: go on with what was stopped.
            lock: of the plan that is confirmed; None gives an exploratory answer.

        Raises:
            ValueError: the folder has an answer that was asked in another way, or an unfinished one without `resume`.
        """
        self.lock = lock
        self._refuse_another_answer(resume)
        failures: dict[str, dict[int, tuple[list[str], Path]]] = {}
        trunks = self.halves if self.lock else {}
        for look in self.looks:
            self.look = look
            found = self.write(failures)
            if self.lock and found.verdict == NOT_TESTED:
                break  # whatever runs came to
            for _ in self.train(launcher, trunks.items(), look.seeds, self.split):
                found = self.write(failures)
            for arm, outcome in self.train(launcher, self.arms.items(), look.seeds, self.split, trunks):
                if not outcome.ok:
                    lines = (outcome.last_lines, outcome.job.log)
                    failures.setdefault(arm, {}).update(dict.fromkeys(self._unfinished(arm), lines))
                found = self.write(failures)
            if found.verdict in (SUPPORTED, REFUTED):
                break
        return found

    def launches(self) -> list[list[Job]]:
        """Return what `run` would launch until its first look, in groups of jobs that may run at the same time."""
        seeds = self.look.seeds
        halves = self.launches_of(self.halves.items(), seeds, self.split) if self.plan and self.halves else []
        return [*halves, *self.launches_of(self.arms.items(), seeds, self.split)]

    def launches_of(self, arms: ArmConfigs, seeds: Sequence[int], split: str) -> list[list[Job]]:
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
            RunFolder(self.out).write_text(f"logs/{job.name}.job.json", task.as_json())
            arm_of[job.name] = arm
            launched.append(job)
        for together in self._apart(launched):
            for outcome in launcher.launch(together):
                if not outcome.ok:
                    print(_failed(arm_of[outcome.job.name], outcome), file=sys.stderr)
                yield arm_of[outcome.job.name], outcome

    def _apart(self, jobs: list[Job]) -> list[list[Job]]:
        """Group jobs that may run at the same time: timed steps run alone, as jobs beside them would slow them down."""
        return [[job] for job in jobs] if jobs and self.experiment.work == "time" else [jobs]

    def _jobs(
        self, arms: ArmConfigs, seeds: Sequence[int], split: str, trunks: Mapping[str, ConfigDict] = {}
    ) -> Iterator[tuple[str, Job, Task]]:
        """Yield for each arm the job that trains the seeds that it lacks; the same run is in no two jobs."""
        taken: set[Path] = set()
        for arm, config in arms:
            folders = {seed: self.folder(arm, config, seed) for seed in seeds}
            folders = {seed: path for seed, path in folders.items() if path not in taken and self._is_ours(path)}
            taken |= set(folders.values())
            gold = self._gold if split == self.split else None
            if all(self._is_evaluated(path, split) for path in folders.values()):
                continue
            name = f"{self.name}.{self._digest(config)}.{split}.{self.search}.{'-'.join(map(str, folders))}"
            task = Task(
                work=self.experiment.work,
                config=config_as_json(config),
                folders={seed: str(path.absolute()) for seed, path in folders.items()},
                trunks={
                    seed: str(shorter.absolute())
                    for seed in folders
                    if arm in trunks and RunFolder(shorter := self.folder(arm, trunks[arm], seed)).trunk_checkpoints()
                },
                split=split,
                search=self.search,
                command=self._train_command(arm, config) if self.experiment.work == "train" else self.command,
                gold=str(gold.absolute()) if gold else "",
            )
            logs = (self.out / "logs").absolute()
            command = (sys.executable, *MODULE, str(logs / f"{name}.job.json"))
            yield arm, Job(name, command, logs / f"{name}.log"), task

    def folder(self, arm: str, config: ConfigDict, seed: int) -> Path:
        """Return the run folder of an arm and seed, or its evidence; `config` has the rate that it trains with.

        Raises:
            ValueError: see `kept_runs.find`.
        """
        name = f"{architecture_of(self.experiment, arm)}-{self._digest(config)}.{seed}"
        ours = self.out / "trained"
        if not self._made_elsewhere:
            return ours / name
        places = [ours, *self._made_elsewhere]
        return kept_runs.find(name, places, self._digest, split=self.split, search=self.search) or ours / name

    def write(self, failures: Failures) -> Answer:
        """Write the answer by now, whole or not at all, and return it."""
        found = make_answer(self.asked(), failures, self.out)
        write_answer(found, self.file)
        return found

    def taken(self) -> int:
        """Return how many runs of its answer were made elsewhere."""
        asked = self.asked()
        folders = [path for of in (*asked.finished.values(), *asked.finished_halves.values()) for path in of.values()]
        return sum(not self._is_ours(path) for path in folders)

    def _is_evaluated(self, folder: Path, split: str) -> bool:
        return RunFolder(folder).is_evaluated(split, self.search, self.gold if split == self.split else "")

    def _is_ours(self, folder: Path) -> bool:
        """Return whether a run is trained here; of one that was made elsewhere nothing is left to do."""
        return folder.parent == self.out / "trained"

    def _matched(self, by: str, arms: Mapping[str, ConfigDict]) -> dict[str, ConfigDict]:
        file = "seconds_per_step.json"
        timed: dict[str, float] = RunFolder(self.out).read_json(file) if (self.out / file).exists() else {}
        known = len(timed)
        matched = match(by, arms, timed, self.experiment.budgets)
        if len(timed) > known:
            RunFolder(self.out).write_json(file, timed)
        return matched

    def _as_tuned(self, tuning: Tuning, arm: str, config: ConfigDict) -> ConfigDict:
        tried = tuning.of(arm)
        if tried is None or tried.identity != self.digest_but_rate(config):
            raise ValueError(
                f"{arm} was tuned with other fields, or not at all: ask as in {tuning.command!r}, or --tune again"
            )
        return with_training(config, learning_rate=tried.rate, steps=tried.steps)

    def _refuse_another_answer(self, resume: bool) -> None:
        if not self.file.exists():
            return
        before, now = read_answer(self.file), self.request
        if before.lock is None and self.lock is not None:
            return  # what was explored is in the run folders still
        seeds = before.request.seeds or now.seeds or ()
        same = before.lock == self.lock and before.request.search == now.search and not before.request.rates
        more = set(seeds) <= set(self.seeds) and before.request.arms.items() <= now.arms.items()
        if not (same and more):
            raise ValueError(
                f"{self.file} answers {self.name} asked in another way (another plan, fields, learning rates "
                "or --beam, or arms or seeds not asked for now): choose another --out, or remove it; its runs are kept"
            )
        if before.missing and not resume:
            raise ValueError(
                f"{self.file} was left unfinished: --resume trains only what is missing, another --out starts anew"
            )

    def _unfinished(self, arm: str) -> list[int]:
        folders = {seed: self.folder(arm, self.arms[arm], seed) for seed in self.look.seeds}
        return [seed for seed, path in folders.items() if not self._is_evaluated(path, self.split)]

    def _digest(self, config: ConfigDict, *without: str) -> str:
        """Return the identity of an arm's runs but for the seed; of files without a digest, with their folder."""
        nothing = NO_EFFECT_ON_RESULTS | {"seed", *without}
        if config.data.source == "text" and not config.data.sha256:
            nothing -= {"data.root"}
        return config_digest(config, without=nothing, beside=(self.experiment.work,))[:10]

    def digest_but_rate(self, config: ConfigDict) -> str:
        """Return the identity of an arm's runs but for the seed and the learning rate."""
        return self._digest(config, "training.learning_rate")

    def _train_command(self, arm: str, config: ConfigDict) -> str:
        """Return the command that trains this arm alone: its architecture, and every field that differs from it."""
        architecture = architecture_of(self.experiment, arm)
        plain, wanted = (
            flat(each.copy_and_resolve_references().to_dict()) for each in (self.get_config(architecture), config)
        )
        changed = [f"--config.{name}={value}" for name, value in wanted.items() if plain[name] != value]
        return shlex.join(["python", "run.py", "train", f"--config={self.config_file}:{architecture}", *changed])


def _looks(seeds: Sequence[int], after: Sequence[int]) -> list[Look]:
    """Return the looks of a plan.

    Raises:
        ValueError: the numbers of seeds do not grow, or do not end with all of them.
    """
    if not after:
        return [Look(seeds, LEVEL)]
    if list(after) != sorted(set(after)) or after[0] < 1 or after[-1] != len(seeds):
        given = ",".join(map(str, after))
        raise ValueError(
            f"--looks={given} with {len(seeds)} seeds: let them grow and end with all seeds, as in 5,10,20"
        )
    return [Look(seeds[:number], 1 - alpha) for number, alpha in zip(after, shares(after, 1 - LEVEL), strict=True)]


def halved(config: ConfigDict) -> ConfigDict:
    """Return the config with half of its steps; it keeps its trunk for the whole, where the schedule has one."""
    return with_trunk(config, steps=config.training.steps // 2)


def with_trunk(config: ConfigDict, **training: Any) -> ConfigDict:
    """Return the config with other values of these fields of `training`; it keeps its trunk, where it has one."""
    return with_training(config, keep_trunk=config.training.schedule == "wsd", **training)


def with_training(config: ConfigDict, **training: Any) -> ConfigDict:
    """Return the config with other values of these fields of `training`."""
    config = config_from_json(config_as_json(config))
    config.training.update(training)
    return config


def _failed(arm: str, outcome: Outcome) -> str:
    lines = "\n".join(f"    {line}" for line in outcome.last_lines)
    return f"{arm} failed (exit code {outcome.code}); the others go on. Its last lines, of {outcome.job.log}:\n{lines}"

"""Answer a question: launch the runs that are missing, and write the answer anew after every job."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from research import models
from research.ablation import kept_runs
from research.ablation.answer import make_answer
from research.ablation.arm_runs import ArmRuns
from research.ablation.asked import Asked, Failures
from research.ablation.calibration import calibrate
from research.ablation.experiment import Experiment
from research.ablation.launching.jobs import Job, Launcher
from research.ablation.matching import match
from research.ablation.training_length import halved, with_training
from research.ablation.verdict import NOT_CALIBRATED, NOT_TESTED, REFUTED, SUPPORTED
from research.data import build as build_corpus
from research.evaluation.gold import read_gold
from research.files import locked, named
from research.results.answer_files import read_answer, write_answer
from research.results.answers import Answer, AnswerCalibration, AnswerLock, Request
from research.results.calibration import Calibration
from research.results.locks import Lock
from research.results.measures import MEASURES
from research.results.ranges import RANGES
from research.results.run_folder import RunFolder
from research.results.tunings import Tuning, read_tuning
from research.statistics.hypotheses import LEVEL
from research.statistics.looks import shares

MOST_SURE = 1 - 1e-9  # the level of a first look that can still decide anything
LAST_WORDS = (SUPPORTED, REFUTED, NOT_TESTED, NOT_CALIBRATED)
"""The verdicts after which a plan does not look again: more seeds would not change them."""


class Look(NamedTuple):
    """The first seeds of a plan, after which it may give a verdict; level: 1 - α of the tests of this look."""

    seeds: Sequence[int]
    level: float


class Ablation:
    """An experiment on one corpus, in a folder.

    trained/ has the runs, logs/ their output, tuning/NAME.json the rates that were tried, NAME.json the answer.
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
        if outside := [seed for seed in seeds if seed not in RANGES["seed"]]:
            raise ValueError(f"seed {outside[0]} must be {RANGES['seed']}")
        self.name, self.experiment, self.out = name, experiment, Path(out)
        self.config_file, self.command, self.seeds, self.search = config_file, command, list(seeds), search
        if calibration and getattr(MEASURES.get(calibration.measure), "better", 0) == 0:
            raise ValueError(
                f"{config_file} calibrates by {calibration.measure!r}, of which neither more nor less is better: take "
                "nats or bleu"
            )
        self.get_config, self._calibration = get_config, calibration
        self.match = by or experiment.match
        every = self._matched(self.match, experiment.configs(get_config, override, corpus=self.corpus))
        patterns = only.split("|")
        self.arms = {arm: each for arm, each in every.items() if any(fnmatchcase(arm, p) for p in patterns)}
        if not self.arms:
            raise ValueError(f"no arm of {name} is like {only!r}; there are {', '.join(experiment.arms)}")
        for config in self.arms.values():  # better now than in the middle of the night
            models.build(config.model, source_vocabulary=8, target_vocabulary=8)
        kept_runs.check(made_elsewhere, self.arms.values())
        self.split = next(iter(next(iter(self.arms.values())).data.tests), "test")
        self.runs = ArmRuns(
            name,
            experiment,
            get_config,
            config_file=config_file,
            command=command,
            out=self.out,
            split=self.split,
            search=search,
            gold=gold,
            made_elsewhere=made_elsewhere,
        )
        if gold:
            splits = build_corpus(next(iter(self.arms.values())).data).splits
            if self.split not in splits:
                raise ValueError(f"the corpus has no test split that {gold} could align: name one in data.tests")
            read_gold(gold, splits[self.split])  # better now than after all is trained
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
        self.request = Request(
            search=search,
            arms={arm: self.runs.digest(config) for arm, config in self.arms.items()},
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
        """The number that the baseline of the corpus came to; None where nobody declares one."""
        own = self.experiment.calibration.get(self.corpus)
        if (declared := own or self._calibration) is None:
            return None
        baseline = partial(self.experiment.common, self.get_config, corpus=self.corpus) if own else self.get_config
        return calibrate(
            declared,
            baseline(declared.baseline),
            self.arms.values(),
            self.experiment.factors,
            self.runs.digest,
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
            seeds = self.look.seeds
            return {arm: {seed: self.runs.folder(arm, of, seed) for seed in seeds} for arm, of in arms.items()}

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
            gold=self.runs.gold,
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
            OSError: another process asks the question in this folder.
        """
        with self.alone():
            return self._run(launcher, resume, lock)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the question in its folder; OSError if another process asks it there."""
        file = self.out / "logs" / f"{self.name}.lock"
        with named(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        with locked(file, f"another process is asking {self.name} in {self.out}"):
            yield

    def _run(self, launcher: Launcher, resume: bool, lock: AnswerLock | None) -> Answer:
        self.lock = lock
        self._refuse_another_answer(resume)
        failures: dict[str, dict[int, tuple[list[str], Path]]] = {}
        trunks = self.halves if self.lock else {}
        for look in self.looks:
            self.look = look
            found = self._made(failures)
            if self.lock and found.verdict == NOT_TESTED and not found.arms:
                break  # no run could change that
            if found.missing:
                write_answer(found, self.file)
            for _ in self.runs.train(launcher, trunks.items(), look.seeds, self.split):
                found = self._made(failures)
                write_answer(found, self.file)
            for arm, outcome in self.runs.train(launcher, self.arms.items(), look.seeds, self.split, trunks):
                unfinished = self._unfinished(arm)
                new = {} if outcome.ok else dict.fromkeys(unfinished, (outcome.last_lines, outcome.job.log))
                known = failures.get(arm, {}) | new
                failures[arm] = {seed: said for seed, said in known.items() if seed in unfinished}
                found = self._made(failures)
                if look is self.looks[-1] or found.missing:
                    write_answer(found, self.file)
            if found.verdict in LAST_WORDS:
                break
        write_answer(found, self.file)
        return found

    def launches(self) -> list[list[Job]]:
        """Return what `run` would launch until its first look, in groups of jobs that may run at the same time."""
        if self.plan and any(self.experiment.too_small(self.arms)):
            return []
        seeds = self.look.seeds
        halves = self.runs.launches(self.halves.items(), seeds, self.split) if self.plan and self.halves else []
        return [*halves, *self.runs.launches(self.arms.items(), seeds, self.split)]

    def taken(self) -> int:
        """Return how many runs of its answer were made elsewhere."""
        asked = self.asked()
        folders = [path for of in (*asked.finished.values(), *asked.finished_halves.values()) for path in of.values()]
        return sum(not self.runs.is_ours(path) for path in folders)

    def _made(self, failures: Failures) -> Answer:
        return make_answer(self.asked(), failures, self.out)

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
        if tried is None or tried.identity != self.runs.digest(config, "training.learning_rate"):
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
        folders = {seed: self.runs.folder(arm, self.arms[arm], seed) for seed in self.look.seeds}
        return [seed for seed, path in folders.items() if not self.runs.is_evaluated(path, self.split)]


def _looks(seeds: Sequence[int], after: Sequence[int]) -> list[Look]:
    """Return the looks of a plan.

    Raises:
        ValueError: the numbers of seeds do not grow, or do not end with all of them.
    """
    if not after:
        return [Look(seeds, LEVEL)]
    given = ",".join(map(str, after))
    if list(after) != sorted(set(after)) or after[0] < 1 or after[-1] != len(seeds):
        raise ValueError(
            f"--looks={given} with {len(seeds)} seeds: let them grow and end with all seeds, as in 5,10,20"
        )
    found = [Look(seeds[:number], 1 - alpha) for number, alpha in zip(after, shares(after, 1 - LEVEL), strict=True)]
    if found[0].level > MOST_SURE:
        raise ValueError(f"--looks={given}: the first look may spend next to nothing of 5 %: let it come later")
    return found

"""A question to its answer: what is missing is launched, and whatever has ended is put into the answer at once."""

import hashlib
import json
import math
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from research import models
from research.ablation.answer import Asked, answer
from research.ablation.experiment import Experiment, architecture_of
from research.ablation.launching.jobs import Job, Launcher, Outcome
from research.ablation.matching import match
from research.ablation.work import Task
from research.run_folder import SAYS_NOTHING, RunFolder, config_as_json, config_from_json, flat

MODULE = ("-m", "research.ablation.work")


class Ablation:
    """An experiment on one corpus, in a folder: trained/ has the runs, logs/ what they said, NAME.json the answer.

    Runs are named by what they are, so questions that need the same run share it, and what is there is not made again.

    get_config: of an architecture, as `config_file` gives it. override: what a person changes in every arm. by: what
    arms are matched by, if not what the experiment says. search: "beam1" is greedy. only: the arms whose names are like
    this pattern of a shell, or one of several with | between them; the others are left out.
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
        only: str = "*",
    ):
        if len(set(seeds)) < len(seeds) or not seeds:
            raise ValueError(f"seeds {list(seeds)}: give each once, such as 0,1,2")
        self.name, self.experiment, self.out = name, experiment, Path(out)
        self.config_file, self.command, self.seeds, self.search = config_file, command, list(seeds), search
        self.get_config = get_config
        patterns = only.split("|")
        arms = {
            arm: config
            for arm, config in experiment.configs(get_config, override).items()
            if any(fnmatchcase(arm, pattern) for pattern in patterns)
        }
        if not arms:
            raise ValueError(f"no arm of {name} is like {only!r}; there are {', '.join(experiment.arms)}")
        self.arms = match(by or experiment.match, arms)
        for config in self.arms.values():  # better now than in the middle of the night
            models.build(config.model, source_vocabulary=8, target_vocabulary=8)
        self.split = next(iter(next(iter(self.arms.values())).data.tests), "test")
        self.trials = 1

    @property
    def file(self) -> Path:
        """The answer."""
        return self.out / f"{self.name}.json"

    def asked(self) -> Asked:
        """Which runs the answer is made of."""
        folders = {
            arm: {seed: self._folder(arm, config, seed) for seed in self.seeds} for arm, config in self.arms.items()
        }
        return Asked(
            name=self.name,
            experiment=self.experiment,
            corpus=Path(self.config_file).stem,
            command=self.command,
            split=self.split,
            search=self.search,
            folders=folders,
            trials=self.trials,
        )

    def run(self, launcher: Launcher, *, resume: bool, rates: Sequence[float] = ()) -> dict[str, Any]:
        """Launch what is missing and say what there is in the end. A job that fails is told of, and the rest go on.

        resume: go on with what was stopped; without, ValueError where this question was left unfinished. rates: of
        learning, to be tried instead of the experiment's.
        """
        self._refuse_unfinished(resume)
        if rates := rates or self.experiment.rates:
            self.arms, self.trials = self._tuned(launcher, rates), len(rates)
        failures: dict[str, dict[int, tuple[list[str], Path]]] = {}
        found = self.write(failures)
        jobs = {job.name: (arm, job) for arm, job in self.jobs()}
        for outcome in launcher.launch([job for _, job in jobs.values()]):
            arm, _ = jobs[outcome.job.name]
            if not outcome.ok:
                failures[arm] = dict.fromkeys(self._unfinished(arm), (outcome.last_lines, outcome.job.log))
                print(_failed(arm, outcome), file=sys.stderr)
            found = self.write(failures)
        return found

    def jobs(self) -> list[tuple[str, Job]]:
        """An arm and what trains its missing seeds, for each that lacks some."""
        return list(self._jobs(self.arms.items(), self.seeds))

    def _jobs(self, arms: Iterable[tuple[str, ConfigDict]], seeds: Sequence[int]) -> Iterator[tuple[str, Job]]:
        """The same run is in no two jobs."""
        taken: set[Path] = set()
        for arm, config in arms:
            folders = {seed: self._folder(arm, config, seed) for seed in seeds}
            asked = Asked(self.name, self.experiment, "", "", self.split, self.search, {arm: folders})
            missing = {s: path for s, path in folders.items() if s not in asked.finished[arm] and path not in taken}
            taken |= set(missing.values())
            if not missing:
                continue
            name = f"{self.name}.{self._digest(config)}"
            task = Task(
                work=self.experiment.work,
                config=config_as_json(config),
                folders={seed: str(path.absolute()) for seed, path in missing.items()},
                split=self.split,
                search=self.search,
                train_command=self._train_command(arm, config),
            )
            file = f"logs/{name}.job.json"
            RunFolder(self.out).write_text(file, task.as_json())
            command = (sys.executable, *MODULE, str((self.out / file).absolute()))
            yield arm, Job(name, command, (self.out / f"logs/{name}.log").absolute())

    def write(self, failures: Mapping[str, Mapping[int, tuple[list[str], Path]]]) -> dict[str, Any]:
        """The answer by now, whole or not at all."""
        asked = self.asked()
        found = answer(asked, failures, self.out)
        known = sum(len(of) for of in failures.values())
        missing = sum(len(of) for of in asked.folders.values()) - sum(len(of) for of in asked.finished.values())
        found["missing"] = missing - known
        RunFolder(self.out).write_json(self.file.name, found)
        return found

    def _tuned(self, launcher: Launcher, rates: Sequence[float]) -> dict[str, ConfigDict]:
        """Each arm with the learning rate that its first seed validates best with."""
        tried = [(arm, _with_rate(config, rate)) for arm, config in self.arms.items() for rate in rates]
        for outcome in launcher.launch([job for _, job in self._jobs(tried, self.seeds[:1])]):
            if not outcome.ok:
                print(_failed(outcome.job.name, outcome), file=sys.stderr)

        def loss(arm: str, config: ConfigDict) -> float:
            records = RunFolder(self._folder(arm, config, self.seeds[0])).metrics()
            return min((r["validation/perplexity"] for r in records if "validation/perplexity" in r), default=math.inf)

        return {arm: min((c for of, c in tried if of == arm), key=lambda c: loss(arm, c)) for arm in self.arms}

    def _refuse_unfinished(self, resume: bool) -> None:
        if self.file.exists() and not resume and RunFolder(self.out).read_json(self.file.name).get("missing"):
            raise ValueError(
                f"{self.file} was left unfinished: --resume trains only what is missing, another --out starts anew"
            )

    def _unfinished(self, arm: str) -> list[int]:
        asked = self.asked()
        return [seed for seed in self.seeds if seed not in asked.finished[arm]]

    def _folder(self, arm: str, config: ConfigDict, seed: int) -> Path:
        return self.out / "trained" / f"{architecture_of(self.experiment, arm)}-{self._digest(config)}.{seed}"

    def _digest(self, config: ConfigDict) -> str:
        """Of all that a run's numbers depend on but its seed."""
        fields = {
            name: value for name, value in flat(config_as_json(config)).items() if name not in SAYS_NOTHING | {"seed"}
        }
        text = json.dumps([self.experiment.work, fields], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def _train_command(self, arm: str, config: ConfigDict) -> str:
        """How a person trains this arm alone: its architecture, and every field that differs from it."""
        architecture = architecture_of(self.experiment, arm)
        plain, wanted = (
            flat(each.copy_and_resolve_references().to_dict()) for each in (self.get_config(architecture), config)
        )
        changed = [f"--config.{name}={value}" for name, value in wanted.items() if plain[name] != value]
        return shlex.join(["python", "run.py", "train", f"--config={self.config_file}:{architecture}", *changed])


def _with_rate(config: ConfigDict, rate: float) -> ConfigDict:
    config = config_from_json(config_as_json(config))
    config.training.learning_rate = rate
    return config


def _failed(arm: str, outcome: Outcome) -> str:
    lines = "\n".join(f"    {line}" for line in outcome.last_lines)
    return f"{arm} failed (exit code {outcome.code}); the others go on. Its last lines, of {outcome.job.log}:\n{lines}"

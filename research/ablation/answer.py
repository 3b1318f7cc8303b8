"""The answer to a question, as JSON: all that a report needs, and where the runs are."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from research.ablation.experiment import Experiment
from research.ablation.flags import SPENT, flags
from research.ablation.measures import MEASURES, Measure
from research.ablation.results import costs, curves, is_evaluated, learning_rate, read_run
from research.ablation.verdict import Judged, Run, compare, judge, scores_of
from research.results.run_folder import RunFolder
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import LEVEL, Crossing, crossing_points
from research.training.trainer import commit
from research.words import Words


@dataclass(frozen=True)
class Asked:
    """An experiment as it is run. corpus: the config file's stem. folders: arm -> seed -> run folder. tried: the run
    folders of all trials, where learning rates were tried."""

    name: str
    experiment: Experiment
    corpus: str
    command: str
    split: str
    search: str
    folders: Mapping[str, Mapping[int, Path]]
    tried: Sequence[Path] = ()

    @property
    def finished(self) -> dict[str, dict[int, Path]]:
        """The run folders in which nothing is left to do."""
        return {
            arm: {seed: path for seed, path in of.items() if is_evaluated(path, self.split, self.search)}
            for arm, of in self.folders.items()
        }


Failures = Mapping[str, Mapping[int, tuple[list[str], Path]]]


def answer(asked: Asked, failures: Failures, root: Path) -> dict[str, Any]:
    """What the finished runs say by now. Paths in it are relative to `root`."""
    experiment, finished = asked.experiment, asked.finished
    by = MEASURES[experiment.measure]
    spoken = [each.measure for each in experiment.verdict if each.measure]
    shown = [experiment.measure, *experiment.also]
    wanted = list(dict.fromkeys([*shown, *spoken]))
    arms = {
        arm: [read_run(path, asked.split, asked.search, wanted) for path in of.values()] for arm, of in finished.items()
    }
    scores_by = cache(partial(scores_of, arms=arms))  # resampling is most of the work
    scores = scores_by(experiment.measure)
    verdict, judged = judge(experiment.verdict, experiment.measure, arms, scores_by)
    paths = {arm: list(of.values()) for arm, of in finished.items()}
    every = [path for of in paths.values() for path in of]
    known = len(every) + sum(len(of) for of in failures.values())
    trials = max(len(asked.tried) // len(asked.folders), 1)
    spent = {arm: costs(of, trials) for arm, of in paths.items() if of}

    def row(arm: str, runs: Sequence[Run]) -> dict[str, Any]:
        x, group = experiment.place(arm)
        estimate = scores.contrast({arm: 1}) if arm in scores.runs else None
        return {
            "name": arm,
            "fields": dict(experiment.arms[arm]),
            "x": x,
            "group": group,
            "runs": [
                {
                    "seed": run.seed,
                    "folder": _relative(finished[arm][run.seed], root),
                    "scores": {name: run.values[name] for name in shown},
                }
                for run in runs
            ],
            "failed": [
                {"seed": seed, "last_lines": lines, "log": _relative(log, root)}
                for seed, (lines, log) in failures.get(arm, {}).items()
            ],
            "score": estimate.value if estimate else None,
            "interval": estimate.interval(LEVEL) if estimate and arm in scores.repeated else None,
            "means": {name: _mean([run.values[name] for run in runs]) for name in shown},
            "costs": spent.get(arm, dict.fromkeys(SPENT)),
            "learning_rate": learning_rate(paths[arm][0]) if paths[arm] and experiment.work == "train" else None,
        }

    return {
        "question": asked.name,
        "words": {
            language: {
                "question": getattr(experiment.question, language),
                "claim": getattr(experiment.claim, language),
            }
            for language in ("en", "ko")
        },
        "source": experiment.source,
        "corpus": asked.corpus,
        "command": asked.command,
        "commit": commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "level": LEVEL,
        "measure": _measure(experiment.measure, by),
        "measures": [_measure(name, MEASURES[name]) for name in shown],
        "split": asked.split,
        "search": asked.search,
        "factors": experiment.factors,
        "arms": [row(arm, runs) for arm, runs in arms.items()],
        "axis": {**experiment.axis.words.as_json(), "log": experiment.axis.log} if experiment.axis else None,
        "cost": experiment.cost,
        "comparisons": [each._asdict() for each in compare(scores)],
        "hypotheses": [_hypothesis(each) for each in judged],
        "verdict": verdict,
        "flags": [each.as_json() for each in flags(experiment, arms, scores, judged, spent, paths, asked.tried)],
        "findings": [each.as_json() for each in _crossings(experiment, scores)],
        "note": experiment.notes.get(asked.corpus, Words("", "")).as_json(),
        "literature": [
            {"source": each.source, "measure": each.measure, "values": dict(each.values)}
            for each in experiment.literature
        ],
        "curves": curves(paths, experiment.watched),
        "seconds": sum(
            RunFolder(path).provenance().get("seconds", 0.0) for path in dict.fromkeys([*every, *asked.tried])
        ),
        "look": _look(paths, root, asked.split),
        "missing": sum(len(of) for of in asked.folders.values()) - known,
    }


def _measure(name: str, by: Measure) -> dict[str, Any]:
    return {"name": name, "better": by.better, "unit": by.unit, **by.words.as_json()}


def _hypothesis(judged: Judged) -> dict[str, Any]:
    claim = judged.claim
    return {
        **judged.statement.as_json(),
        "measure": _measure(judged.measure, MEASURES[judged.measure]),
        "verdict": judged.verdict,
        "effect": claim.effect,
        "interval": claim.interval,
        "level": claim.level,
        "p_supports": claim.p_supports,
        "p_refutes": judged.p_refutes,
        "against": claim.against,
        "margin": claim.margin,
    }


def _crossings(experiment: Experiment, scores: Scores) -> Iterator[Words]:
    """Where lines that are to cross do, by the question's own measure; nothing of those whose arms lack it."""
    if (axis := experiment.axis) is None:
        return
    for each in experiment.verdict:
        if isinstance(each, Crossing) and {*each.first, *each.second} <= scores.runs.keys():
            at = [experiment.place(arm)[0] or 0.0 for arm in each.first]
            points = [f"{float(f'{point:.2g}'):,.0f}" for point in crossing_points(each, scores, at, log=axis.log)]
            cross = Words(
                "In the mean over seeds, {first} and {second} cross at about {points} {axis}.",
                "시드 평균에서 {first}의 선과 {second}의 선은 {axis} 약 {points}에서 만난다.",
            )
            apart = Words(
                "In the mean over seeds, {first} and {second} do not cross.",
                "시드 평균에서 {first}의 선과 {second}의 선은 만나지 않는다.",
            )
            yield (cross if points else apart).of(
                first=experiment.place(each.first[0])[1],
                second=experiment.place(each.second[0])[1],
                points=" / ".join(points),
                axis=axis.words,
            )


def _look(paths: Mapping[str, Sequence[Path]], root: Path, split: str) -> str | None:
    """The first run of the last arm that attends."""
    for of in reversed(list(paths.values())):
        for path in of:
            if RunFolder(path).result().get("splits", {}).get(split, {}).get("attention"):
                return _relative(path, root)
    return None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()

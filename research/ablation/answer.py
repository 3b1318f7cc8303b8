"""The answer to a question, made of the runs that are finished by now."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import msgspec

from research.ablation.asked import Asked, Failures
from research.ablation.experiment import Experiment
from research.ablation.last_doubling import Learning
from research.ablation.measured import MeasuredRun, read_costs, read_curves, read_learning_rate
from research.ablation.verdict import (
    EXPLORATORY,
    INCONCLUSIVE,
    NOT_CALIBRATED,
    NOT_MEASURED,
    NOT_TESTED,
    NOT_TRAINED,
    SEEDS,
    TOO_FEW,
    Judged,
    compare_pairs,
    design_of,
    judge,
    scores_of,
    unresolved,
)
from research.ablation.warnings import find_warnings, revised, uncalibrated, unprobed, without_accelerator
from research.ablation.wording import beside, crossings
from research.results.answers import (
    Answer,
    AnswerAxis,
    ArmResult,
    FailedRun,
    JudgedClaim,
    TrainedRun,
    Verdict,
)
from research.results.measures import COSTS, MEASURES
from research.results.message import Message
from research.results.run_folder import RunFolder
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import Hypothesis
from research.statistics.power import detectable, power, seeds_needed
from research.training.provenance import commit, now


def make_answer(asked: Asked, failures: Failures, root: Path) -> Answer:
    """Answer a question by the runs that are finished.

    Args:
        asked: the question and its runs.
        failures: the runs that failed.
        root: the folder of the answer; paths in it are relative to it.
    """
    experiment, finished = asked.experiment, asked.finished
    if asked.lock and asked.too_small:
        return _without_runs(asked)
    shown = [experiment.measure, *experiment.also]
    arms = asked.read(finished, experiment.measures)
    scores_by = cache(partial(scores_of, arms=arms))  # resampling is most of the work
    scores = scores_by(experiment.measure)
    verdict, judged = judge(experiment.verdict, experiment.measure, arms, scores_by, asked.level)
    probed = [each for each in experiment.probes if _is_measured(each, experiment, arms, scores_by)]
    probes = judge(probed, experiment.measure, arms, scores_by, asked.level)[1]
    learning = None
    if asked.lock and experiment.work == "train":
        halves = asked.read(asked.finished_halves, experiment.measures)
        halves_by = cache(partial(scores_of, arms=halves))
        before = judge(experiment.verdict, experiment.measure, halves, halves_by)[1]
        probes_before: list[Judged] = []
        if all(_is_measured(each, experiment, halves, halves_by) for each in probed):
            probes_before = judge(probed, experiment.measure, halves, halves_by)[1]
        pairs = zip(judged, before, strict=False), zip(probes, probes_before, strict=False)
        learning = Learning.of(experiment, arms, halves, *pairs)

    untested = [*asked.too_small, *without_accelerator(experiment, finished)]
    seeds = min((len(runs) for runs in arms.values()), default=0)
    asked_of = [each for each in experiment.verdict if arms.keys() >= set(each.arms)]

    missing = (
        sum(map(len, asked.folders.values())) - sum(map(len, finished.values())) - sum(map(len, failures.values()))
    )

    def said(verdict: Verdict, of: Sequence[str], *, probe: bool = False) -> Verdict:
        if asked.lock is None:
            return EXPLORATORY
        if missing or verdict in (TOO_FEW, NOT_MEASURED):
            return NOT_MEASURED
        if untested:
            return NOT_TESTED
        if experiment.work == "train" and not (asked.calibration and asked.calibration.reached):
            return NOT_CALIBRATED
        if learning and learning.untrained(of, probe=probe):
            return NOT_TRAINED
        return verdict

    def claim(each: Judged, *, probe: bool = False) -> JudgedClaim:
        verdict = said(_why([each], each.verdict, asked.level), each.claim.arms, probe=probe)
        each = each._replace(statement=beside(each.statement)) if probe else each
        return _claim(each, verdict, seeds, probe=probe)

    folders = {arm: list(of.values()) for arm, of in finished.items()}
    every = [path for of in folders.values() for path in of]
    shorter = [path for of in asked.finished_halves.values() for path in of.values()]
    trials = {arm.name: len(arm.trials) for arm in asked.tuning.arms} if asked.tuning else {}
    costs = {arm: read_costs(of, trials.get(arm, 1)) for arm, of in folders.items() if of}

    def result(arm: str, runs: Sequence[MeasuredRun]) -> ArmResult:
        x, group = experiment.place(arm)
        where = {run.seed: _in_answer(finished[arm][run.seed]) for run in runs}
        estimate = scores.contrast({arm: 1}) if arm in scores.runs else None
        return ArmResult(
            name=arm,
            fields=dict(experiment.arms[arm]),
            x=x,
            group=group,
            runs=tuple(
                TrainedRun(run.seed, where[run.seed], {name: run.values[name] for name in shown}) for run in runs
            ),
            failed=tuple(
                FailedRun(seed, tuple(lines), _relative(log, root))
                for seed, (lines, log) in failures.get(arm, {}).items()
            ),
            score=estimate.value if estimate else None,
            interval=estimate.interval(asked.level) if estimate and arm in scores.repeated else None,
            means={name: _mean([run.values[name] for run in runs]) for name in shown},
            costs=costs.get(arm, dict.fromkeys(COSTS)),
            learning_rate=read_learning_rate(folders[arm][0]) if folders[arm] and experiment.work == "train" else None,
            doubling=learning.doubling(arm) if learning else None,
        )

    return msgspec.structs.replace(
        _without_runs(asked),
        arms=tuple(result(arm, runs) for arm, runs in arms.items()),
        comparisons=tuple(compare_pairs(scores, asked.level)),
        hypotheses=tuple(claim(each) for each in judged) + tuple(claim(each, probe=True) for each in probes),
        verdict=said(_why(judged, verdict, asked.level), [arm for each in asked_of for arm in each.arms]),
        widths=tuple(sorted({int(RunFolder(path).config().model.width) for path in every})),
        warnings=(
            *untested,
            *uncalibrated(asked.calibration),
            *unprobed(experiment, probed),
            *(learning.warnings(MEASURES[experiment.measure].unit) if learning else ()),
            *find_warnings(
                experiment, arms, scores, [*judged, *probes], costs, folders, asked.tuning, asked.earlier_seeds
            ),
        ),
        findings=(*_looks(asked), *crossings(experiment, scores)),
        curves=read_curves(folders, experiment.watched),
        seconds=sum(RunFolder(path).own_seconds() for path in dict.fromkeys([*every, *shorter]))
        + (asked.tuning.seconds if asked.tuning else 0.0),
        look=_look(folders, asked.split),
        missing=missing,
    )


def _without_runs(asked: Asked) -> Answer:
    """Return the answer by no run: what was asked, and that nothing of it is tested here."""
    experiment = asked.experiment
    return Answer(
        question=asked.name,
        corpus=asked.corpus,
        asked=experiment.question,
        claim=experiment.claim,
        source=experiment.source,
        command=asked.command,
        commit=commit(),
        finished=now(),
        level=asked.level,
        measure=experiment.measure,
        measures=(experiment.measure, *experiment.also),
        split=asked.split,
        search=asked.search,
        factors=tuple(experiment.factors),
        arms=(),
        axis=AnswerAxis(experiment.axis.title, experiment.axis.log) if experiment.axis else None,
        cost=experiment.cost,
        comparisons=(),
        hypotheses=(),
        verdict=NOT_TESTED,
        warnings=(*asked.too_small, *revised(asked.earlier_seeds)),
        findings=(),
        literature=experiment.literature,
        curves=(),
        seconds=asked.tuning.seconds if asked.tuning else 0.0,
        look=None,
        missing=0,
        request=asked.request,
        lock=asked.lock,
        calibration=asked.calibration,
    )


def _looks(asked: Asked) -> Iterator[Message]:
    """Say of a plan with several looks which one this is."""
    if asked.looks:
        yield Message(
            "the plan looks after {looks} seeds an arm, and stops once it has a verdict; after {seeds}, tests are at "
            "{alpha:.2g}",
            looks=", ".join(map(str, asked.looks)),
            seeds=max(map(len, asked.folders.values())),
            alpha=1 - asked.level,
        )


def _why(judged: Sequence[Judged], verdict: Verdict, level: float) -> Verdict:
    return unresolved(judged, level) if verdict == INCONCLUSIVE else verdict


def _is_measured(
    hypothesis: Hypothesis,
    experiment: Experiment,
    arms: Mapping[str, Sequence[MeasuredRun]],
    scores: Callable[[str], Scores],
) -> bool:
    """Return whether all arms of a hypothesis have its measure under enough seeds."""
    enough = all(len(arms.get(arm, ())) >= SEEDS for arm in hypothesis.arms)
    return enough and not set(hypothesis.arms) - scores(hypothesis.measure or experiment.measure).runs.keys()


def _claim(judged: Judged, verdict: Verdict, seeds: int, *, probe: bool) -> JudgedClaim:
    claim, design = judged.claim, design_of(judged.claim, judged.measure)
    return JudgedClaim(
        statement=judged.statement,
        measure=judged.measure,
        verdict=verdict,
        effect=claim.effect,
        interval=claim.interval,
        level=claim.level,
        p_supports=claim.p_supports,
        p_refutes=judged.p_refutes,
        against=claim.against,
        margin=claim.margin,
        power=power(claim.estimate, design) if design else None,
        detectable=detectable(claim.estimate, design) if design else None,
        seeds_needed=seeds_needed(claim.estimate, design, seeds) if design else None,
        probe=probe,
    )


def _look(folders: Mapping[str, Sequence[Path]], split: str) -> str | None:
    """Return the first run of the last arm that attends."""
    for of in reversed(list(folders.values())):
        for path in of:
            if RunFolder(path).result().get("splits", {}).get(split, {}).get("attention"):
                return _in_answer(path)
    return None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _in_answer(folder: Path) -> str:
    """Return the run folder as an answer names it, wherever it was made."""
    return f"trained/{folder.name}"


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()

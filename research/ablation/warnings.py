"""Warnings: what a careful reader should know about a comparison before the verdict is believed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from research.ablation.experiment import Experiment
from research.ablation.measured import MeasuredRun
from research.ablation.verdict import INCONCLUSIVE, SEEDS, Judged, at_bound
from research.ablation.wording import beside, statements
from research.results.answers import AnswerCalibration
from research.results.identity import NO_EFFECT_ON_RESULTS, identity
from research.results.measures import COSTS, MEASURES
from research.results.message import Message
from research.results.run_folder import RunFolder
from research.results.tunings import Tuning
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import Hypothesis

STILL_LEARNING = 0.1  # share of perplexity that every seed of an arm lost in the second half of its training
APART = 1.05  # times as much, from which on arms are said to differ


def find_warnings(
    experiment: Experiment,
    arms: Mapping[str, Sequence[MeasuredRun]],
    scores: Scores,
    judged: Sequence[Judged],
    costs: Mapping[str, Mapping[str, Any]],
    folders: Mapping[str, Sequence[Path]],
    tuning: Tuning | None = None,
    earlier_seeds: Sequence[int] = (),
) -> list[Message]:
    """Return a sentence for each thing that a reader should know.

    Args:
        experiment: what was asked.
        arms: arm -> its runs.
        scores: of the experiment's measure.
        judged: what the verdict says of each claim.
        costs: arm -> what a run cost, by the names of `COSTS`.
        folders: arm -> its run folders.
        tuning: the learning rates that were tried, if any were.
        earlier_seeds: of the plans that the one which is confirmed has replaced.
    """
    return [
        *revised(earlier_seeds),
        *_left_out(experiment, arms),
        *_silenced(judged),
        *_blunt(judged),
        *_unvaried(judged),
        *_costs(costs),
        *_fields(experiment, folders, tuned=tuning is not None),
        *_rates(folders, tuning),
        *_learning(folders),
        *_bounds(experiment, scores),
        *_measures(experiment, arms),
        *_seeds(arms),
        *_circumstances([path for of in folders.values() for path in of]),
    ]


def without_accelerator(experiment: Experiment, finished: Mapping[str, Mapping[int, Path]]) -> Iterator[Message]:
    """Say of a claim about accelerators that its runs had none."""
    runs = [RunFolder(path) for arm in experiment.verdict_arms for path in finished.get(arm, {}).values()]
    if runs and experiment.accelerator and all("cpu" in run.provenance().get("devices", "cpu") for run in runs):
        yield Message("the claim is about accelerators, and these runs had none")


def uncalibrated(found: AnswerCalibration | None) -> Iterator[Message]:
    """Say in what the corpus of the question is not the one whose baseline reached its number."""
    if found and found.differs:
        said = Message("the corpus was calibrated with other values of {fields}, and so it is another corpus")
        yield said.of(fields=", ".join(found.differs))


def unprobed(experiment: Experiment, probed: Sequence[Hypothesis]) -> Iterator[Message]:
    """Name the probes whose arms or measures are missing."""
    for each in experiment.probes:
        if each not in probed:
            said = statements(each, MEASURES[each.measure or experiment.measure].unit)
            yield from (Message("not measured: {statement}", statement=beside(one)) for one in said)


def revised(seeds: Sequence[int]) -> Iterator[Message]:
    """Say that there was a plan before this one."""
    if seeds:
        yield Message(
            "a plan of this question was registered before, for the seeds {seeds}: the lock's history in git has it",
            seeds=", ".join(map(str, seeds)),
        )


def _left_out(experiment: Experiment, arms: Mapping[str, Sequence[MeasuredRun]]) -> Iterator[Message]:
    """Name the arms that the verdict was declared for, and that were not asked for."""
    if lacking := [arm for arm in experiment.verdict_arms if arm not in arms]:
        yield Message(
            "asked of some arms alone; what is claimed of these is not judged: {arms}", arms=", ".join(lacking)
        )


def _silenced(judged: Sequence[Judged]) -> Iterator[Message]:
    """Name the claims whose arms are all at the floor or ceiling of the measure."""
    if names := "; ".join(" − ".join(each.claim.arms) for each in judged if each.at_bound):
        yield Message("at the floor or the ceiling, where the measure tells nothing apart: {arms}", arms=names)


def _blunt(judged: Sequence[Judged]) -> Iterator[Message]:
    """Name claims that arms are alike whose intervals are too wide to show it. At a bound no seeds would help."""
    for claim in [each.claim for each in judged if each.verdict == INCONCLUSIVE and not each.at_bound]:
        low, high = claim.interval
        if claim.alike and claim.margin is not None and high - low > 2 * claim.margin:
            yield Message(
                "more seeds are needed to show a difference within ±{margin:g}: its interval is ±{half} ({arms})",
                margin=claim.margin,
                half=_short((high - low) / 2),
                arms=" − ".join(claim.arms),
            )


def _unvaried(judged: Sequence[Judged]) -> Iterator[Message]:
    """Name claims about scores that neither seeds nor sentences change."""
    same = [each.claim for each in judged if each.p_refutes is None and not each.at_bound]
    if names := "; ".join(" − ".join(claim.arms) for claim in same):
        yield Message(
            "every seed and sentence gives the same number, so there is no p, and the number itself decides: {arms}",
            arms=names,
        )


def _costs(costs: Mapping[str, Mapping[str, Any]]) -> Iterator[Message]:
    for name, title in COSTS.items():
        values = {arm: float(spent[name]) for arm, spent in costs.items() if spent.get(name)}
        if len(values) < 2:
            continue
        least, most = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
        if (times := values[most] / values[least]) > APART:
            yield Message(
                "{cost} differ up to {times:.2g} times: {least} ({least_arm}) to {most} ({most_arm})",
                cost=title,
                times=times,
                least=_short(values[least]),
                least_arm=least,
                most=_short(values[most]),
                most_arm=most,
            )


def _short(value: float) -> str:
    """Write three digits, and no power of ten."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _fields(experiment: Experiment, folders: Mapping[str, Sequence[Path]], *, tuned: bool) -> Iterator[Message]:
    """Name training and data fields in which arms differ, except those that the question varies, tunes or matches."""
    named = {"training.steps", *experiment.factors}
    if tuned:
        named.add("training.learning_rate")
    trained = [identity(RunFolder(of[0]).read_json("config.json")) for of in folders.values() if of]
    for field in sorted(set().union(*trained)) if trained else []:
        if field.startswith(("training.", "data.", "evaluation.")) and field not in named | NO_EFFECT_ON_RESULTS:
            values = list(dict.fromkeys(str(fields.get(field)) for fields in trained))
            if len(values) > 1:
                yield Message("arms differ in {field} as well: {values}", field=field, values=", ".join(values))


def _rates(folders: Mapping[str, Sequence[Path]], tuning: Tuning | None) -> Iterator[Message]:
    """Name arms whose best learning rate was the highest or lowest that they tried: a better one may lie beyond."""
    tuned = [arm for arm in tuning.arms if arm.name in folders] if tuning else []
    highest = Message("the highest learning rate that was tried, {rate:g}, is the one chosen by {arms}")
    lowest = Message("the lowest learning rate that was tried, {rate:g}, is the one chosen by {arms}")
    for end, said in (("highest", highest), ("lowest", lowest)):
        for rate in sorted({arm.rate for arm in tuned if arm.end == end}):
            at_end = [arm.name for arm in tuned if (arm.end, arm.rate) == (end, rate)]
            every = len(at_end) == len(tuned)
            yield said.of(rate=rate, arms=Message("every arm") if every else ", ".join(at_end))


def _learning(folders: Mapping[str, Sequence[Path]]) -> Iterator[Message]:
    """Name arms that ended in the middle of learning: what they would come to is not known."""
    learning, unknown = [], []
    for arm, of in folders.items():
        perplexities = [RunFolder(path).validations("perplexity") for path in of]
        gains = [_late_gain(each) for each in perplexities if each]
        known = [gain for gain in gains if gain is not None]
        if len(known) < len(gains):
            unknown.append(arm)
        elif known and min(known) > STILL_LEARNING:
            learning.append(f"{arm} ({100 * sum(known) / len(known):.0f} %)")
    if learning:
        yield Message(
            "not done learning; since the middle of training, or a little before, perplexity fell by: {arms}",
            arms=", ".join(learning),
        )
    if unknown:
        yield Message("validated too late to know whether they had done learning: {arms}", arms=", ".join(unknown))


def _late_gain(perplexities: Mapping[int, float]) -> float | None:
    """Return the share of perplexity that training took off since the last validation of its first half.

    None where there was no such validation. The last stretch alone would not do: a learning rate that falls to 0 ends
    all learning.
    """
    end = max(perplexities)
    before = [step for step in perplexities if step <= end / 2]
    return 1 - perplexities[end] / perplexities[max(before)] if before else None


def _measures(experiment: Experiment, arms: Mapping[str, Sequence[MeasuredRun]]) -> Iterator[Message]:
    lacking = [arm for arm, runs in arms.items() if any(run.values.get(experiment.measure) is None for run in runs)]
    if lacking:
        yield Message("without {measure}: {arms}", measure=MEASURES[experiment.measure].title, arms=", ".join(lacking))


def _bounds(experiment: Experiment, scores: Scores) -> Iterator[Message]:
    where = at_bound(MEASURES[experiment.measure], scores)
    if where == "floor":
        yield Message("every arm is at the floor: the task is too hard to tell them apart")
    if where == "ceiling":
        yield Message("every arm is at the ceiling: the task is too easy to tell them apart")


def _seeds(arms: Mapping[str, Sequence[MeasuredRun]]) -> Iterator[Message]:
    for arm, runs in arms.items():
        if len(runs) < SEEDS:
            yield Message("{arm} has {seeds} seeds; a verdict needs {needed}", arm=arm, seeds=len(runs), needed=SEEDS)


def _circumstances(folders: Sequence[Path]) -> Iterator[Message]:
    """Name the code and the devices where they changed between runs: numbers, above all seconds, may differ by them."""
    facts = [RunFolder(folder).provenance() for folder in folders]
    commits, devices = (sorted({each.get(fact, "") for each in facts}) for fact in ("commit", "devices"))
    if len(commits) > 1:
        yield Message(
            "runs were trained by {count} states of the code: {commits}",
            count=len(commits),
            commits=", ".join(each[:8] + "+" * each.endswith("+") for each in commits),
        )
    if len(devices) > 1:
        yield Message("runs were trained on different devices: {devices}", devices=", ".join(devices))

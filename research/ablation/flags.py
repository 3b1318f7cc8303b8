"""What a careful reader should be told about a comparison: what differs beyond the named factor, and what can't."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from research.ablation.experiment import Experiment
from research.ablation.measures import MEASURES
from research.ablation.results import learning_rate, stated, validated
from research.ablation.verdict import INCONCLUSIVE, SEEDS, Judged, Run, at_bound
from research.results.identity import NO_EFFECT_ON_RESULTS, identity
from research.results.run_folder import RunFolder
from research.statistics.contrasts import Scores
from research.words import Words

STILL_LEARNING = 0.1  # of perplexity, that every seed of an arm took off in the second half of its training
APART = 1.05  # times as much, from which on arms are said to differ
SPENT = {
    "parameters": Words("parameters", "매개변수"),
    "flops_per_token": Words("FLOPs a token", "토큰당 FLOP"),
    "steps": Words("steps", "학습 단계"),
    "tokens": Words("tokens", "토큰"),
    "seconds": Words("seconds of training", "학습 시간(초)"),
    "trials": Words("tuning trials", "튜닝 횟수"),
}


def flags(
    experiment: Experiment,
    arms: Mapping[str, Sequence[Run]],
    scores: Scores,
    judged: Sequence[Judged],
    spent: Mapping[str, Mapping[str, Any]],
    folders: Mapping[str, Sequence[Path]],
    tried: Sequence[Path] = (),
) -> list[Words]:
    """A sentence each. scores: of the experiment's measure; folders: of each arm, its runs; tried: the run folders of
    trials of learning rates."""
    return [
        *_revised(experiment),
        *_left_out(experiment, arms),
        *_silenced(judged),
        *_blunt(judged),
        *_unvaried(judged),
        *_costs(spent),
        *_fields(experiment, folders, tuned=bool(tried)),
        *_rates(folders, tried),
        *_learning(folders),
        *_bounds(experiment, scores),
        *_measures(experiment, arms),
        *_seeds(arms),
        *_circumstances([path for of in folders.values() for path in of]),
    ]


def _revised(experiment: Experiment) -> Iterator[Words]:
    if experiment.revised:
        yield Words(
            f"changed after results had been seen: {experiment.revised.en}",
            f"결과를 본 뒤 바뀐 것: {experiment.revised.ko}",
        )


def _left_out(experiment: Experiment, arms: Mapping[str, Sequence[Run]]) -> Iterator[Words]:
    """Arms that the verdict was declared of, and that were not asked for."""
    spoken = dict.fromkeys(arm for hypothesis in experiment.verdict for arm in hypothesis.arms)
    if lacking := [arm for arm in spoken if arm not in arms]:
        names = ", ".join(lacking)
        yield Words(
            f"asked of some arms alone; what is claimed of these is not judged: {names}",
            f"일부 조건만 물었다; 다음에 관한 주장은 판정하지 않았다: {names}",
        )


def _silenced(judged: Sequence[Judged]) -> Iterator[Words]:
    """Claims of arms that stand where the measure tells nothing apart."""
    if names := "; ".join(" − ".join(each.claim.arms) for each in judged if each.at_bound):
        yield Words(
            f"at the floor or the ceiling, where the measure tells nothing apart: {names}",
            f"바닥이나 천장에 있어 척도로 구별되지 않는다: {names}",
        )


def _blunt(judged: Sequence[Judged]) -> Iterator[Words]:
    """Claims that arms are alike, which intervals so wide could not have shown. At a bound no seeds would help."""
    for claim in [each.claim for each in judged if each.verdict == INCONCLUSIVE and not each.at_bound]:
        low, high = claim.interval
        if claim.alike and claim.margin is not None and high - low > 2 * claim.margin:
            arms, wide = " − ".join(claim.arms), f"±{_short((high - low) / 2)}"
            yield Words(
                f"more seeds are needed to show a difference within ±{claim.margin:g}: its interval is {wide} ({arms})",
                f"차이가 ±{claim.margin:g} 안에 있음을 보이려면 시드가 더 필요하다: 구간은 {wide}이다({arms})",
            )


def _unvaried(judged: Sequence[Judged]) -> Iterator[Words]:
    """Claims of scores that neither seeds nor sentences change."""
    same = [each.claim for each in judged if each.p_refutes is None and not each.at_bound]
    if names := "; ".join(" − ".join(claim.arms) for claim in same):
        yield Words(
            f"every seed and sentence gives the same number, so there is no p, and the number itself decides: {names}",
            f"모든 시드와 문장이 같은 값을 내므로 p 값이 없고 값 자체로 판정한다: {names}",
        )


def _costs(spent: Mapping[str, Mapping[str, Any]]) -> Iterator[Words]:
    for name, words in SPENT.items():
        values = {arm: float(costs[name]) for arm, costs in spent.items() if costs.get(name)}
        if len(values) < 2:
            continue
        least, most = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
        if (times := values[most] / values[least]) > APART:
            span = f"{_short(values[least])} ({least}) to {_short(values[most])} ({most})"
            yield Words(
                f"{words.en} differ up to {times:.2g} times: {span}",
                f"{words.ko}: 최대 {times:.2g}배 차이, {span.replace(' to ', ' ~ ')}",
            )


def _short(value: float) -> str:
    """Three digits, and no power of ten."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _fields(experiment: Experiment, folders: Mapping[str, Sequence[Path]], *, tuned: bool) -> Iterator[Words]:
    """How arms were trained, but for what the question names, what was tuned, and what they were matched by."""
    named = {"training.steps", *experiment.factors}
    if tuned:
        named.add("training.learning_rate")
    trained = [identity(RunFolder(of[0]).read_json("config.json")) for of in folders.values() if of]
    for field in sorted(set().union(*trained)) if trained else []:
        if field.startswith(("training.", "data.", "evaluation.")) and field not in named | NO_EFFECT_ON_RESULTS:
            values = list(dict.fromkeys(str(fields.get(field)) for fields in trained))
            if len(values) > 1:
                found = ", ".join(values)
                yield Words(f"arms differ in {field} as well: {found}", f"{field}도 조건마다 다르다: {found}")


def _rates(folders: Mapping[str, Sequence[Path]], tried: Sequence[Path]) -> Iterator[Words]:
    """Arms whose best learning rate was the last one tried on a side: beyond it may lie a better one."""
    rates = {learning_rate(folder) for folder in tried if (folder / "config.json").exists()}
    if len(rates) > 1:
        chosen = {arm: learning_rate(of[0]) for arm, of in folders.items() if of}
        for end, en, ko in ((max, "highest", "가장 높은"), (min, "lowest", "가장 낮은")):
            if at_end := [arm for arm, rate in chosen.items() if rate == end(rates)]:
                names = ", ".join(at_end) if len(at_end) < len(chosen) else "every arm"
                names_ko = names if len(at_end) < len(chosen) else "모든 조건"
                yield Words(
                    f"the {en} learning rate that was tried, {end(rates):g}, is the one chosen by {names}",
                    f"시도한 {ko} 학습률 {end(rates):g}이(가) 선택된 조건: {names_ko}",
                )


def _learning(folders: Mapping[str, Sequence[Path]]) -> Iterator[Words]:
    """Arms that ended in the middle of learning: what they would come to is not known."""
    learning, untold = [], []
    for arm, of in folders.items():
        perplexities = [validated(RunFolder(path).metrics(), "perplexity") for path in of]
        gains = [_late_gain(each) for each in perplexities if each]
        known = [gain for gain in gains if gain is not None]
        if len(known) < len(gains):
            untold.append(arm)
        elif known and min(known) > STILL_LEARNING:
            learning.append(f"{arm} ({100 * sum(known) / len(known):.0f} %)")
    if learning:
        names = ", ".join(learning)
        yield Words(
            f"not done learning; since the middle of training, or a little before, perplexity fell by: {names}",
            f"학습이 끝나지 않았다; 학습 중간 또는 그 조금 전부터 퍼플렉서티가 줄어든 비율: {names}",
        )
    if untold:
        names = ", ".join(untold)
        yield Words(
            f"validated too late to know whether they had done learning: {names}",
            f"너무 늦게 검증해 학습이 끝났는지 알 수 없다: {names}",
        )


def _late_gain(perplexities: Mapping[int, float]) -> float | None:
    """The share of perplexity that training took off since the last validation of its first half; None where there was
    none. Not of the last stretch alone: a rate that falls to nothing ends all learning."""
    end = max(perplexities)
    before = [step for step in perplexities if step <= end / 2]
    return 1 - perplexities[end] / perplexities[max(before)] if before else None


def _measures(experiment: Experiment, arms: Mapping[str, Sequence[Run]]) -> Iterator[Words]:
    lacking = [arm for arm, runs in arms.items() if any(run.values.get(experiment.measure) is None for run in runs)]
    if lacking:
        names, words = ", ".join(lacking), MEASURES[experiment.measure].words
        yield Words(f"without {words.en}: {names}", f"{words.ko} 없음: {names}")


def _bounds(experiment: Experiment, scores: Scores) -> Iterator[Words]:
    where = at_bound(MEASURES[experiment.measure], scores)
    if where == "floor":
        yield Words(
            "every arm is at the floor: the task is too hard to tell them apart",
            "모든 조건이 바닥에 있다: 과제가 너무 어렵다",
        )
    if where == "ceiling":
        yield Words(
            "every arm is at the ceiling: the task is too easy to tell them apart",
            "모든 조건이 천장에 있다: 과제가 너무 쉽다",
        )


def _seeds(arms: Mapping[str, Sequence[Run]]) -> Iterator[Words]:
    for arm, runs in arms.items():
        if len(runs) < SEEDS:
            yield Words(
                f"{arm} has {len(runs)} seeds; a verdict needs {SEEDS}",
                f"{arm}: 시드 {len(runs)}개, 판정에는 {SEEDS}개가 필요하다",
            )


def _circumstances(folders: Sequence[Path]) -> Iterator[Words]:
    """The code and the devices, where they changed between runs: numbers, and seconds above all, may differ by them."""
    if len(known := stated(folders, "commit")) > 1:
        short = ", ".join(sorted(each[:8] + "+" * each.endswith("+") for each in known))
        yield Words(
            f"runs were trained by {len(known)} states of the code: {short}",
            f"서로 다른 코드 상태 {len(known)}개로 학습했다: {short}",
        )
    if len(known := stated(folders, "devices")) > 1:
        names = ", ".join(sorted(known))
        yield Words(f"runs were trained on different devices: {names}", f"서로 다른 장치에서 학습했다: {names}")

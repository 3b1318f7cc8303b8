"""Run folders of two systems to a verdict: which one is better on a split, if either is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.evaluation import quality
from research.evaluation.comparable import Comparable, Run, read
from research.results.run_folder import RunFolder
from research.statistics.resampling import (
    Interval,
    SeedTest,
    approximate_randomisation,
    bootstrap,
    seed_test,
    verdict,
)


class Kind(NamedTuple):
    """A measure. better: 1 where a higher score is better, -1 where a lower one is."""

    title: str
    better: int
    score: Callable[..., quality.Score]
    """(hypotheses, references, tokenize=sacreBLEU's tokeniser)"""


MEASURES = {
    "bleu": Kind("BLEU", 1, lambda *texts, tokenize: quality.bleu(*texts, tokenize=tokenize, lowercase=False)),
    "chrf": Kind("chrF", 1, lambda *texts, tokenize: quality.chrf(*texts)),
    "ter": Kind("TER", -1, lambda *texts, tokenize: quality.ter(*texts)),
}


class System(NamedTuple):
    """One side. score: the mean of `scores`, which are those of its runs."""

    runs: list[str]
    seeds: list[int]
    scores: list[float]
    score: float
    interval: Interval


class Comparison(NamedTuple):
    """What was found. Differences are the score of A less that of B."""

    verdict: str
    split: str
    search: str
    measure: str
    signature: str
    sentences: int
    resamples: int
    seed: int
    level: float
    margin: float | None
    a: System
    b: System
    difference: float
    interval: Interval
    equivalence_level: float
    """1 - 2α where `level` is 1 - α: TOST, see `resampling.verdict`."""
    equivalence_interval: Interval
    bootstrap_p_value: float
    randomisation_p_value: float | None
    """None where a system has several runs: to swap translations says nothing of seeds."""
    over_seeds: SeedTest | None
    """None where a system has one run, or all score the same."""


def compare(
    a: Sequence[Path | str],
    b: Sequence[Path | str],
    *,
    split: str | None,
    search: str | None,
    measure: str,
    margin: float | None,
    level: float,
    resamples: int,
    seed: int,
) -> Comparison:
    """Compare two systems by the run folders of each, one a seed, that were evaluated on the same sentences.

    split, search: see `comparable.read`. measure: of `MEASURES`. margin: how large a difference would not matter, in
    points of the measure; None: equivalence is not asked for. level: of the intervals, such as 0.95. seed: of the
    resamples. ValueError or OSError for what cannot be compared.
    """
    _refuse_impossible(measure, margin, level, resamples, seed)
    runs = read(a, b, split=split, search=search)
    kind = MEASURES[measure]

    def scores(side: Sequence[Run]) -> list[quality.Score]:
        return [kind.score(run.translations, runs.references, tokenize=runs.tokenize) for run in side]

    of_a, of_b = scores(runs.a), scores(runs.b)
    scores_M, signature = of_a[0].of_sums, of_a[0].signature
    (a_RNX, a_R), (b_RNX, b_R) = (
        (np.array([each.counts for each in side], np.float64), [each.score for each in side]) for side in (of_a, of_b)
    )
    for run, score in zip([*runs.a, *runs.b], [*a_R, *b_R], strict=True):
        _refuse_stale(run, runs, measure, score, signature)

    options = {"resamples": resamples, "seed": seed}
    sampled = bootstrap(a_RNX, b_RNX, scores_M, **options)
    single = len(a_R) == len(b_R) == 1
    equivalence_level = round(2 * level - 1, 12)  # 0.9 where 0.95 is asked for, not 0.8999999999999999
    interval, equivalence_interval = sampled.interval(level), sampled.interval(equivalence_level)
    a_interval, b_interval = sampled.intervals(level)
    return Comparison(
        verdict=verdict(interval, equivalence_interval, margin=margin, better=kind.better),
        split=runs.split,
        search=runs.search,
        measure=measure,
        signature=signature,
        sentences=len(runs.references),
        resamples=resamples,
        seed=seed,
        level=level,
        margin=margin,
        a=System([run.name for run in runs.a], [run.seed for run in runs.a], a_R, sampled.a, a_interval),
        b=System([run.name for run in runs.b], [run.seed for run in runs.b], b_R, sampled.b, b_interval),
        difference=sampled.difference,
        interval=interval,
        equivalence_level=equivalence_level,
        equivalence_interval=equivalence_interval,
        bootstrap_p_value=sampled.p_value,
        randomisation_p_value=approximate_randomisation(a_RNX[0], b_RNX[0], scores_M, **options) if single else None,
        over_seeds=seed_test(a_R, b_R, level=level, margin=margin),
    )


def write_json(comparison: Comparison, file: Path, *, command: str) -> None:
    """All that was found and how to find it again, whole or not at all."""
    parts = {name: getattr(comparison, name)._asdict() for name in ("a", "b")}
    over_seeds = comparison.over_seeds and comparison.over_seeds._asdict()
    value = {"command": command, **comparison._asdict(), **parts, "over_seeds": over_seeds}
    RunFolder(file.parent).write_json(file.name, value)  # it holds no run, but writes as one does


def percent(level: float) -> str:
    """Such as 95 %."""
    return f"{100 * level:g} %"


def _refuse_impossible(measure: str, margin: float | None, level: float, resamples: int, seed: int) -> None:
    if measure not in MEASURES:
        raise ValueError(f"systems cannot be compared by {measure!r}; choose one of {', '.join(MEASURES)}")
    if margin is not None and not 0 < margin < np.inf:
        raise ValueError(f"a margin of {margin:g} is none; give the points that would not matter, such as 0.5")
    if not 0.5 < level < 1:
        raise ValueError(f"an interval of {level:g} is none; give a level between 0.5 and 1, such as 0.95")
    if seed < 0:
        raise ValueError(f"the resamples' seed is {seed}; give a whole number from 0 up")
    least = int(np.ceil(round(2 / (1 - level), 6)))  # one outside on each side
    if resamples < least:
        raise ValueError(f"{resamples:,} resamples show no {percent(level)} interval; take {least:,} or more")


def _refuse_stale(run: Run, runs: Comparable, measure: str, score: float, signature: str) -> None:
    """A run that was evaluated in between, or whose evaluation was stopped, and whose result is of other translations.

    Under another signature (another sacreBLEU, say) the scores may differ; here all runs are scored alike.
    """
    recorded = run.recorded.get(measure, {})
    if recorded.get("signature") == signature and abs(recorded["score"] - score) > 1e-6:
        raise ValueError(
            f"{run.name}: its translations of {runs.split} by {runs.search} score {score:.2f} and result.json says "
            f"{recorded['score']:.2f}; evaluate it again"
        )

"""Run folders of two systems to a verdict: which one is better on a split, if either is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric

from research.evaluation.comparable import Comparable, Run, read
from research.evaluation.significance import (
    Interval,
    SeedTest,
    approximate_randomisation,
    bootstrap,
    seed_test,
    verdict,
)
from research.run_folder import RunFolder

FEW_SEEDS = 5  # below, an interval by percentiles misses too often: see `significance.bootstrap`


class Kind(NamedTuple):
    """A measure. better: 1 where a higher score is better, -1 where a lower one is."""

    title: str
    better: int
    metric: Callable[[str], Metric]
    """(sacreBLEU's tokeniser) -> what counts and scores, set as in `quality`."""


MEASURES = {
    "bleu": Kind("BLEU", 1, lambda tokenize: BLEU(tokenize=tokenize, force=True)),
    "chrf": Kind("chrF", 1, lambda tokenize: CHRF()),
    "ter": Kind("TER", -1, lambda tokenize: TER()),
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
    """1 - 2α where `level` is 1 - α: TOST, see `significance.verdict`."""
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
    metric = kind.metric(runs.tokenize)

    def scores_M(sums_MX: np.ndarray) -> np.ndarray:
        return np.array([metric._compute_score_from_stats(sums_X).score for sums_X in sums_MX.tolist()])

    def scored(side: Sequence[Run]) -> tuple[np.ndarray, list[float]]:
        """(counts_RNX, scores_R)"""
        counts = [metric._extract_corpus_statistics(run.translations, [runs.references]) for run in side]
        counts_RNX = np.array(counts, np.float64)
        return counts_RNX, scores_M(counts_RNX.sum(axis=1)).tolist()

    (a_RNX, a_R), (b_RNX, b_R) = scored(runs.a), scored(runs.b)
    signature = str(metric.get_signature())
    for run, score in zip([*runs.a, *runs.b], [*a_R, *b_R], strict=True):
        _refuse_stale(run, runs, measure, score, signature)

    options = {"resamples": resamples, "seed": seed}
    sampled = bootstrap(a_RNX, b_RNX, scores_M, **options)
    single = len(a_R) == len(b_R) == 1
    equivalence_level = round(2 * level - 1, 12)  # 0.9 where 0.95 is asked for, not 0.8999999999999999
    interval, equivalence_interval = sampled.interval(level), sampled.interval(equivalence_level)
    of_a, of_b = sampled.intervals(level)
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
        a=System([run.name for run in runs.a], [run.seed for run in runs.a], a_R, sampled.a, of_a),
        b=System([run.name for run in runs.b], [run.seed for run in runs.b], b_R, sampled.b, of_b),
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


def terminal(comparison: Comparison) -> RenderableType:
    """What was found, for `rich.console.Console.print`: the scores, the difference, and what to think of it."""
    kind = MEASURES[comparison.measure]
    how = "greedy" if comparison.search == "beam1" else comparison.search.replace("beam", "beam ")
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = Text(f"{comparison.split}, {how}, {comparison.sentences:,} sentences")
    table.add_column("")
    table.add_column("run", overflow="fold")
    table.add_column("seed", justify="right")
    table.add_column(kind.title if kind.better > 0 else f"{kind.title} (less is better)", justify="right")
    table.add_column(f"{_percent(comparison.level)} interval", justify="right")
    for name, system in (("A", comparison.a), ("B", comparison.b)):
        score, interval = f"{system.score:.2f}", "{:.2f} to {:.2f}".format(*system.interval)
        if len(system.runs) == 1:
            table.add_row(name, Text(system.runs[0]), str(system.seeds[0]), score, interval)
            continue
        for run, seed, each in zip(system.runs, system.seeds, system.scores, strict=True):
            table.add_row(name, Text(run), str(seed), f"{each:.2f}")
        table.add_row(name, f"mean of {len(system.runs)} seeds", "", score, interval)
    table.add_row("A - B", "", "", f"{comparison.difference:+z.2f}", _range(comparison.interval), style="bold")
    return Group(table, Text(), *map(Text, _remarks(comparison)), Text(), Text(comparison.verdict))


def _remarks(comparison: Comparison) -> list[str]:
    seeds = [len(system.runs) for system in (comparison.a, comparison.b)]
    drawn = "sentences" if max(seeds) == 1 else "sentences and seeds"
    said = [f"paired bootstrap, {comparison.resamples:,} times over {drawn}: p = {comparison.bootstrap_p_value:.4f}"]
    if comparison.randomisation_p_value is not None:
        said.append(f"approximate randomisation: p = {comparison.randomisation_p_value:.4f}")
    over_seeds = comparison.over_seeds
    if over_seeds:
        said.append(
            f"Welch's t over seeds alone: {_range(over_seeds.interval)}, p = {over_seeds.p_value:.4f}"
            + ("" if over_seeds.equivalence_p_value is None else f", TOST p = {over_seeds.equivalence_p_value:.4f}")
        )
    if comparison.margin is not None:
        within = f"equivalence within ±{comparison.margin:g}"
        interval = f"{_percent(comparison.equivalence_level)} interval {_range(comparison.equivalence_interval)}"
        said.append(f"{within}: the {interval} must lie inside")
    said.append(comparison.signature)
    if min(seeds) == 1:
        alone = " and ".join(name for name, runs in zip("AB", seeds, strict=True) if runs == 1)
        said.append(f"note: one seed of {alone}: how much seeds vary is not in the interval")
    elif over_seeds and min(seeds) < FEW_SEEDS:
        said.append("note: few seeds: where they vary more than sentences, trust the interval of t, which is longer")
    return said


def _range(interval: Interval) -> str:
    return "{:+z.2f} to {:+z.2f}".format(*interval)


def _percent(level: float) -> str:
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
        raise ValueError(f"{resamples:,} resamples show no {_percent(level)} interval; take {least:,} or more")


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

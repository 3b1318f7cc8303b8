"""Compare two systems by their run folders: which one is better on a split, if either is."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.evaluation import quality
from research.evaluation.comparable import EvaluatedRun, read
from research.evaluation.translations import refuse_stale
from research.files import json_bytes, write_whole
from research.results.measures import MEASURES
from research.statistics.contrasts import Interval, Scores, verdict

FEWEST_RESAMPLES = 100  # the error over sentences is then known to 7 % of itself: 1 / √(2 × 100)


SCORERS: dict[str, Callable[..., quality.CorpusScore]] = {
    "bleu": lambda *texts, tokenize: quality.bleu(*texts, tokenize=tokenize, lowercase=False),
    "chrf": lambda *texts, tokenize: quality.chrf(*texts),
    "ter": quality.ter,
}
"""The measures of `MEASURES` by which systems are compared: functions of (hypotheses, references, tokenize)."""


class System(NamedTuple):
    """One side of a comparison.

    Attributes:
        runs, seeds, scores: the path, seed and score of each run.
        score, interval: the mean of `scores`, and its interval.
    """

    runs: list[str]
    seeds: list[int]
    scores: list[float]
    score: float
    interval: Interval


class SystemComparison(NamedTuple):
    """Two systems and how they differ. A difference is the score of A less that of B.

    Attributes:
        verdict: see `contrasts.verdict`.
        split, search, measure, signature, sentences: the translations that were scored, and how.
        resamples, seed: of the sentences.
        level: of `interval` and of the systems' intervals.
        margin: the difference that would not matter; None if none was stated.
        a, b: the systems.
        difference, interval: the difference, and its interval over seeds and sentences.
        p_value: two-sided p of no difference; None where neither seeds nor sentences vary.
        equivalence_level, equivalence_interval: 1 - 2α where `level` is 1 - α, for TOST; see `contrasts.verdict`.
        equivalence_p_value: p of TOST; None without a margin, and where nothing varies.
        seed_error, sentence_error: the standard errors of the difference over seeds and over sentences.
        freedom: the degrees of freedom of `seed_error`; None if it is 0.
    """

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
    p_value: float | None
    equivalence_level: float
    equivalence_interval: Interval
    equivalence_p_value: float | None
    seed_error: float
    sentence_error: float
    freedom: float | None


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
    tokenize: str | None = None,
) -> SystemComparison:
    """Compare two systems over seeds and sentences. `contrasts` has the equation of the interval.

    Args:
        a, b: the run folders of each system, one a seed, evaluated on the same sentences.
        split, search: see `comparable.read`.
        measure: a name of `SCORERS`.
        margin: how large a difference would not matter, in points; None if equivalence is not asked for.
        level: the level of the intervals, such as 0.95.
        resamples: the number of resamples of the sentences.
        seed: the seed of the resamples.
        tokenize: sacreBLEU's tokeniser, of BLEU; None for that of the runs.

    Raises:
        ValueError, OSError: the systems cannot be compared.
    """
    _refuse_impossible(measure, margin, level, resamples, seed)
    if tokenize is not None:
        _refuse_tokenizer(tokenize, measure)
    runs = read(a, b, split=split, search=search, tokenize=tokenize)
    scorer = SCORERS[measure]
    scored = {
        side: [scorer(run.translations, runs.references, tokenize=runs.tokenize) for run in of]
        for side, of in (("a", runs.a), ("b", runs.b))
    }
    first = scored["a"][0]
    for run, score in zip([*runs.a, *runs.b], [*scored["a"], *scored["b"]], strict=True):
        refuse_stale(run.name, runs.split, runs.search, measure, score, run.recorded)

    counts = {side: np.array([each.counts for each in of], np.float64) for side, of in scored.items()}
    scores = Scores.of_sentences(counts, first.of_sums, seed=seed, resamples=resamples)
    difference = scores.contrast({"a": 1, "b": -1})
    equivalence_level = round(2 * level - 1, 12)  # 0.9 where 0.95 is asked for, not 0.8999999999999999
    interval, equivalence_interval = difference.interval(level), difference.interval(equivalence_level)

    def system(side: str, of: Sequence[EvaluatedRun]) -> System:
        mean = scores.contrast({side: 1})
        names, seeds = [run.name for run in of], [run.seed for run in of]
        return System(names, seeds, list(scores.runs[side]), mean.value, mean.interval(level))

    return SystemComparison(
        verdict=verdict(interval, equivalence_interval, margin=margin, better=MEASURES[measure].better),
        split=runs.split,
        search=runs.search,
        measure=measure,
        signature=first.signature,
        sentences=len(runs.references),
        resamples=resamples,
        seed=seed,
        level=level,
        margin=margin,
        a=system("a", runs.a),
        b=system("b", runs.b),
        difference=difference.value,
        interval=interval,
        p_value=difference.p_value,
        equivalence_level=equivalence_level,
        equivalence_interval=equivalence_interval,
        equivalence_p_value=None if margin is None else difference.p_within(margin),
        seed_error=difference.seed_error,
        sentence_error=difference.sentence_error,
        freedom=difference.freedom if math.isfinite(difference.freedom) else None,
    )


def write_json(comparison: SystemComparison, file: Path, *, command: str) -> None:
    """Write all that was found, and the command that finds it again, whole or not at all."""
    systems = {side: getattr(comparison, side)._asdict() for side in ("a", "b")}
    value = {"command": command, **comparison._asdict(), **systems}
    write_whole(file, json_bytes(value))


def percent(level: float) -> str:
    """Format a level such as 95 %."""
    return f"{100 * level:g} %"


def _refuse_impossible(measure: str, margin: float | None, level: float, resamples: int, seed: int) -> None:
    if measure not in SCORERS:
        raise ValueError(f"systems cannot be compared by {measure!r}; choose one of {', '.join(SCORERS)}")
    if margin is not None and not 0 < margin < np.inf:
        raise ValueError(
            f"margin {margin:g}: must be positive, such as 0.5 (the largest difference that you would call negligible)"
        )
    if not 0.5 < level < 1:
        raise ValueError(f"level {level:g}: must be between 0.5 and 1, such as 0.95 for 95 % intervals")
    if seed < 0:
        raise ValueError(f"seed {seed}: the seed of the resamples must be a whole number from 0 up")
    if resamples < FEWEST_RESAMPLES:
        raise ValueError(f"resamples {resamples:,}: too few for a standard error; take {FEWEST_RESAMPLES:,} or more")


def _refuse_tokenizer(tokenize: str, measure: str) -> None:
    quality.refuse_unusable(tokenize, "--tokenizer")
    if measure != "bleu":
        raise ValueError(f"--tokenizer is of BLEU, and the measure is {measure}: leave it out, or take --measure=bleu")

"""The table of measures: what each is called, which way is better, where a run has it, and how sums give it.

A measure is one entry of `MEASURES`; `compare`, `ablate`, `evaluate` and the report read it here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sacrebleu.metrics import BLEU, CHRF, TER

from research.results.length_slope import by_length, slope
from research.results.message import Message, verbatim
from research.results.sums import (
    Alignment,
    CrossEntropy,
    ScoreOfSums,
    error_below,
    mean_distance,
    of_each,
    of_metric,
    order_sensitivity,
)

SEARCH = "{search}"
"""Stands in `Measure.place` and `Measure.counts` for the name of a search, such as beam1."""


SEARCHED = ("bleu", "chrf", "ter")
"""The measures of translations, which each search has of its own."""


@dataclass(frozen=True)
class Measure:
    """One measure of a run on a split.

    Attributes:
        title: what people call it.
        unit: of a difference; "" if it has none.
        better: 1 if higher is better, -1 if lower is, 0 if neither.
        place: the keys that lead to it in what result.json holds of a split, with the run's "timing" beside it.
        counts: the arrays of `results.counts` that it is a function of, put side by side; () if a run has it as a
            whole, so that no sentences can be resampled.
        of_sums: the function of their sums.
        laid_out: what is done to the counts before they are summed, if the measure needs more than their sums.
        floor, ceiling: scores below and above which it tells nothing apart.
        negligible: the largest difference that is called none, where a question declares no margin of its own.
        least: the smallest value that there is, if there is one.
    """

    title: Message
    unit: str
    better: int
    place: tuple[str, ...]
    counts: tuple[str, ...] = ()
    of_sums: ScoreOfSums | None = None
    floor: float | None = None
    ceiling: float | None = None
    negligible: float | None = None
    least: float | None = None
    laid_out: Callable[[np.ndarray], np.ndarray] | None = None

    def counted(self, search: str | None) -> list[str]:
        """Return the arrays of `results.counts` that it is a function of, of one search."""
        return [name.replace(SEARCH, str(search)) for name in self.counts]

    def value(self, measured: Mapping[str, Any], search: str) -> float | None:
        """Return what a run measured.

        Args:
            measured: of result.json, what it holds of one split.
            search: such as "beam1", which is greedy search.

        Returns:
            The score, or None where the run lacks it.
        """
        found: Any = measured
        for name in self.place:
            found = (found or {}).get(name.replace(SEARCH, search))
        return found


def _translated(name: str, title: Message, better: int, score: ScoreOfSums) -> Measure:
    return Measure(title, str(title), better, ("searches", SEARCH, name, "score"), (f"{SEARCH}.{name}",), score)


def _aligned(field: str, title: Message, unit: str, better: int) -> Measure:
    score = of_each(lambda *sums: Alignment(*sums).measures()[field])
    return Measure(title, unit, better, ("alignment", field), ("alignment",), score)


def _below(other: str, title: Message) -> Measure:
    place, counts = ("alignment", f"below_{other}"), ("alignment", other)
    return Measure(title, "AER", 1, place, counts, of_each(error_below), negligible=0.05)


def _timed(name: str, title: Message, unit: str, better: int) -> Measure:
    return Measure(title, unit, better, ("timing", name))


FORCED = ("nll", "correct", "tokens")

MEASURES: dict[str, Measure] = {
    "bleu": replace(
        _translated("bleu", Message("BLEU"), 1, of_metric(BLEU())), floor=2.0, ceiling=97.0, negligible=1.0
    ),
    "chrf": replace(
        _translated("chrf", Message("chrF"), 1, of_metric(CHRF())), floor=10.0, ceiling=98.0, negligible=1.0
    ),
    "ter": _translated("ter", Message("TER"), -1, of_metric(TER())),
    "perplexity": Measure(
        Message("perplexity"),
        "perplexity",
        -1,
        ("perplexity",),
        FORCED,
        of_each(lambda *sums: CrossEntropy(*sums).perplexity),
    ),
    "word_perplexity": Measure(
        Message("perplexity per word"),
        "perplexity",
        -1,
        ("word_perplexity",),
        ("nll", "words"),
        of_each(lambda nll, words: CrossEntropy(nll, 0, 0).perplexity_per(words)),
    ),
    "nats": Measure(
        Message("nats a token"),
        "nats a token",
        -1,
        ("perplexity",),  # says whether there is any; the counts give the nats
        FORCED,
        of_each(lambda *sums: CrossEntropy(*sums).nats_per_token),
        negligible=0.02,
    ),
    "token_accuracy": Measure(
        Message("token accuracy"),
        "of tokens",
        1,
        ("token_accuracy",),
        FORCED,
        of_each(lambda *sums: CrossEntropy(*sums).token_accuracy),
        ceiling=0.99,
    ),
    "order_sensitivity": Measure(
        Message("loss from shuffling the source"),
        "nats a token",
        0,
        ("order_sensitivity",),
        ("nll", "shuffled", "tokens"),
        of_each(order_sensitivity),
    ),
    "length_slope": Measure(
        Message("chrF a doubling of length"),
        "chrF a doubling",
        1,
        ("searches", SEARCH, "chrf", "score"),  # says whether there is any; the counts give the slope
        (f"{SEARCH}.chrf", "source_words"),
        slope,
        negligible=1.0,
        laid_out=lambda counts_NX: by_length(counts_NX[:, :-1], counts_NX[:, -1]),
    ),
    "aer": replace(_aligned("error", Message("alignment error rate"), "AER", -1), negligible=0.05, least=0.0),
    "below_diagonal": _below("diagonal", Message("alignment error below that of the diagonal")),
    "below_ibm_model1": _below("ibm_model1", Message("alignment error below that of IBM model 1")),
    "precision": _aligned("precision", Message("alignment precision"), "of links", 1),
    "recall": _aligned("recall", Message("alignment recall"), "of links", 1),
    "entropy": _aligned("entropy", Message("entropy of attention"), "nats", 0),
    "on_words": _aligned("on_words", Message("sum of a row's weights on words"), "weight", 0),
    "coverage": _aligned("coverage", Message("share of the source that was read"), "of words", 0),
    "monotonicity": _aligned("monotonicity", Message("share of steps that go forward"), "of steps", 0),
    "head_distance": Measure(
        Message("distance between heads"),
        "total variation",
        0,
        ("alignment", "head_distance"),
        ("heads",),
        of_each(mean_distance),
        negligible=0.05,
        least=0.0,
    ),
    "seconds_per_step": _timed("seconds_per_step", Message("seconds a training step"), "s", -1),
    "tokens_per_second": _timed("tokens_per_second", Message("tokens a second"), "tokens/s", 1),
    "flops_per_second": _timed("flops_per_second", Message("FLOPs a second"), "FLOP/s", 1),
}

COSTS: dict[str, Message] = {
    "parameters": Message("parameters"),
    "flops_per_token": Message("FLOPs a token"),
    "steps": Message("steps"),
    "tokens": Message("tokens"),
    "seconds": Message("seconds of training"),
    "trials": Message("tuning trials"),
}
"""The costs of a run, by their names in provenance.json and in answers."""


def title(name: str) -> Message:
    """Return what people call a measure; its name, where it is none of ours."""
    return MEASURES[name].title if name in MEASURES else verbatim(name.replace("_", " "))

"""What arms are compared by: each is read from the folder of a run that was evaluated, by sentences where it can be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from research.ablation.length_slope import counts_by_length, slope
from research.evaluation import counts
from research.results.run_folder import RunFolder
from research.statistics.resampling import ScoreOfSums
from research.words import Words


@dataclass(frozen=True)
class Measure:
    """better: 1 where higher is better, -1 where lower is, 0 where neither. low, high: where it tells nothing apart.

    value(measured, search): of what result.json holds of a split, with "timing" beside it; None where it has none.
    counts(run, split, search): counts_NX, a row a sentence, whose sums_MX `of_sums` takes. None: a run has it whole.
    """

    words: Words
    unit: str
    better: int
    value: Callable[[dict[str, Any], str], float | None]
    counts: Callable[[RunFolder, str, str], np.ndarray] | None = None
    of_sums: ScoreOfSums | None = None
    low: float | None = None
    high: float | None = None


def _counted(name: str) -> dict[str, Any]:
    return {
        "counts": lambda run, split, search: counts.read(run, split).of(name, search),
        "of_sums": counts.MEASURES[name].score,
    }


def _of_search(name: str) -> Callable[[dict[str, Any], str], float | None]:
    return lambda measured, search: measured.get("searches", {}).get(search, {}).get(name, {}).get("score")


def _under(section: str, name: str) -> Callable[[dict[str, Any], str], float | None]:
    return lambda measured, search: (measured.get(section) or {}).get(name)


MEASURES: dict[str, Measure] = {
    "bleu": Measure(Words("BLEU", "BLEU"), "BLEU", 1, _of_search("bleu"), low=2.0, high=97.0, **_counted("bleu")),
    "chrf": Measure(Words("chrF", "chrF"), "chrF", 1, _of_search("chrf"), low=10.0, high=98.0, **_counted("chrf")),
    "perplexity": Measure(
        Words("perplexity", "퍼플렉서티"),
        "perplexity",
        -1,
        lambda measured, search: measured.get("perplexity"),
        **_counted("perplexity"),
    ),
    "token_accuracy": Measure(
        Words("token accuracy", "토큰 정확도"),
        "of tokens",
        1,
        lambda measured, search: measured.get("token_accuracy"),
        high=0.99,
        **_counted("token_accuracy"),
    ),
    "order_sensitivity": Measure(
        Words("loss from shuffling the source", "원문을 뒤섞을 때의 손실"),
        "nats a token",
        0,
        lambda measured, search: measured.get("order_sensitivity"),
        **_counted("order_sensitivity"),
    ),
    "aer": Measure(
        Words("alignment error rate", "정렬 오류율"), "AER", -1, _under("alignment", "error"), **_counted("aer")
    ),
    "entropy": Measure(
        Words("entropy of attention", "어텐션 엔트로피"),
        "nats",
        0,
        _under("alignment", "entropy"),
        **_counted("entropy"),
    ),
    "on_words": Measure(
        Words("sum of a row's weights on words", "한 행의 단어 가중치 합"),
        "weight",
        0,
        _under("alignment", "on_words"),
        **_counted("on_words"),
    ),
    "length_slope": Measure(
        Words("chrF a doubling of length", "길이가 두 배가 될 때의 chrF 변화"),
        "chrF a doubling",
        1,
        _of_search("chrf"),  # that there is any: what counts make of it replaces it
        counts_by_length,
        slope,
    ),
    "head_distance": Measure(
        Words("distance between heads", "헤드 사이의 거리"),
        "total variation",
        0,
        _under("alignment", "head_distance"),
        **_counted("head_distance"),
    ),
    "seconds_per_step": Measure(
        Words("seconds a training step", "학습 단계당 초"), "s", -1, _under("timing", "seconds_per_step")
    ),
    "tokens_per_second": Measure(
        Words("tokens a second", "초당 토큰"), "tokens/s", 1, _under("timing", "tokens_per_second")
    ),
    "flops_per_second": Measure(
        Words("FLOPs a second", "초당 연산(FLOP)"), "FLOP/s", 1, _under("timing", "flops_per_second")
    ),
}

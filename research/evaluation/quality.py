"""How good translations are, by sacreBLEU: BLEU, chrF and TER, each with the signature that makes it comparable."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric

from research.results.sums import of_metric

TOKENIZERS = {"zh": "zh", "ja": "char"}
"""sacreBLEU's tokeniser by target language. All others have spaces between words and get 13a, the default; Korean too,
for "ko-mecab" needs a dictionary that not everyone has. The signature says which was used."""
DEFAULT_TOKENIZER = "13a"


class Score(NamedTuple):
    """What a metric counted in each sentence. A corpus score is a function of the sum, so any sentences have one."""

    metric: Metric
    counts: Sequence[Any]

    @property
    def score(self) -> float:
        """0 to 100 (TER may be more). Higher is better, but for TER."""
        return float(self.metric._aggregate_and_compute(list(self.counts)).score)  # as sacreBLEU's resampling does

    @property
    def signature(self) -> str:
        return str(self.metric.get_signature())

    def of_sums(self, sums_MX: np.ndarray) -> np.ndarray:
        """scores_M of counts that were summed in M ways, as a bootstrap does; in the order of `counts`."""
        return of_metric(self.metric)(sums_MX)

    def of(self, sentences: Iterable[int]) -> "Score":
        """The score of the sentences with these indices alone, nothing counted again."""
        return self._replace(counts=[self.counts[index] for index in sentences])


def tokenizer(asked: str, language: str) -> str:
    """sacreBLEU's tokeniser: the one asked for, or where that is "" the one for `language`, a code such as "de"."""
    if asked and asked not in BLEU.TOKENIZERS:
        raise ValueError(f"evaluation.tokenize={asked!r} is unknown; choose one of {', '.join(BLEU.TOKENIZERS)}")
    return asked or TOKENIZERS.get(language, DEFAULT_TOKENIZER)


def bleu(hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str, lowercase: bool) -> Score:
    """Corpus BLEU. Papineni et al. 2002; Post 2018.

    tokenize: a name of sacreBLEU's, such as "13a"; "none" for text that is tokenised already. lowercase: of both sides.
    """
    # force: sacreBLEU else warns that text looks tokenised, at every call where it is meant to be.
    return _score(BLEU(tokenize=tokenize, lowercase=lowercase, force=True), hypotheses, references)


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Character n-gram F2 score, chrF2. Popović 2015."""
    return _score(CHRF(), hypotheses, references)


def ter(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Translation edit rate: edits and shifts per reference word, in percent, lower-cased. Snover et al. 2006."""
    return _score(TER(), hypotheses, references)


def _score(metric: Metric, hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} translations cannot be scored against {len(references)} references")
    if not hypotheses:
        raise ValueError("there is nothing to score: the split has no sentence")
    return Score(metric, metric._extract_corpus_statistics(list(hypotheses), [list(references)]))

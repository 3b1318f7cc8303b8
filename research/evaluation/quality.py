"""BLEU, chrF and TER of translations by sacreBLEU, each with the signature that makes it comparable."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric

from research.results.sums import of_metric

TOKENIZERS = {"zh": "zh", "zho": "zh", "chi": "zh", "cmn": "zh", "ja": "char", "jpn": "char"}
"""sacreBLEU's tokeniser by the first part of the target language's tag (ISO 639). Every other language gets the
default, 13a, which splits at spaces; Korean too, since "ko-mecab" needs a dictionary that not everyone has, and Thai
and Khmer, for which sacreBLEU has none. The signature names the tokeniser."""
UNSPACED = {"th": "Thai", "tha": "Thai", "km": "Khmer", "khm": "Khmer", "lo": "Lao", "lao": "Lao"}
UNSPACED |= {"my": "Burmese", "mya": "Burmese", "bur": "Burmese"}
"""Languages without spaces between words for which sacreBLEU has no tokeniser, by the first part of their tag."""
DEFAULT_TOKENIZER = "13a"
WITHOUT_SPACES = ("zh", "char", "ja-mecab")
"""The tokenisers of text without spaces, in which each ideograph is a word of TER; a run of kana stays one."""


class CorpusScore(NamedTuple):
    """A metric and its counts of each sentence. The score is a function of their sum, so any sentences have one."""

    metric: Metric
    counts: Sequence[Any]

    @property
    def score(self) -> float:
        """From 0 to 100, higher is better. TER may be above 100, and lower is better."""
        return float(self.metric._aggregate_and_compute(list(self.counts)).score)  # as sacreBLEU's resampling does

    @property
    def signature(self) -> str:
        """sacreBLEU's description of the metric and its settings."""
        return str(self.metric.get_signature())

    def of_sums(self, sums_MX: np.ndarray) -> np.ndarray:
        """Return scores_M of counts that were summed in M ways, as a bootstrap does."""
        return of_metric(self.metric)(sums_MX)

    def of(self, sentences: Iterable[int]) -> "CorpusScore":
        """Return the score of these sentences alone, without counting again."""
        return self._replace(counts=[self.counts[index] for index in sentences])


def tokenizer(asked: str, language: str) -> str:
    """Return the name of sacreBLEU's tokeniser.

    Args:
        asked: evaluation.tokenize; "" chooses by language.
        language: tag of the target language, such as "de" or "zh-CN".

    Raises:
        ValueError: sacreBLEU has no tokeniser of the name `asked`, or what it needs is not installed here.
    """
    if asked:
        refuse_unusable(asked, "evaluation.tokenize")
    return asked or TOKENIZERS.get(_first_part(language), DEFAULT_TOKENIZER)


def unspaced(asked: str, language: str) -> str | None:
    """Return the name of a language of `UNSPACED` whose tokeniser no one chose; None for others. Arguments as above."""
    return None if asked else UNSPACED.get(_first_part(language))


def _first_part(language: str) -> str:
    return re.split("[-_]", language)[0].lower()


def refuse_unusable(tokenize: str, field: str) -> None:
    """Raise ValueError unless sacreBLEU has the tokeniser, and what it needs is here. `field`: names it, for errors."""
    if tokenize not in BLEU.TOKENIZERS:
        raise ValueError(f"{field}={tokenize!r} is unknown; choose one of {', '.join(BLEU.TOKENIZERS)}")
    try:
        BLEU(tokenize=tokenize)
    except Exception as error:  # each tokeniser has its own, for a package or a file that it lacks
        said = " ".join(str(error).split())
        raise ValueError(f"{field}={tokenize!r} cannot be used here: {said}") from error


def bleu(hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str, lowercase: bool) -> CorpusScore:
    """Score translations by corpus BLEU.

    Args:
        tokenize: sacreBLEU's tokeniser, such as "13a"; "none" for text that is already tokenised.
        lowercase: ignore case.

    Reference: Papineni et al. 2002; Post 2018.
    """
    # force: otherwise sacreBLEU warns at every call on text that is tokenised on purpose.
    return _score(BLEU(tokenize=tokenize, lowercase=lowercase, force=True), hypotheses, references)


def bleu_of_both_cases(
    hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str
) -> tuple[CorpusScore, CorpusScore]:
    """Score translations by `bleu` with case and without, and count only once where no letter has one, as in Korean."""
    cased = bleu(hypotheses, references, tokenize=tokenize, lowercase=False)
    if any(text != text.lower() for texts in (hypotheses, references) for text in texts):
        return cased, bleu(hypotheses, references, tokenize=tokenize, lowercase=True)
    signed = bleu(hypotheses[:1], references[:1], tokenize=tokenize, lowercase=True)
    return cased, signed._replace(counts=cased.counts)


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> CorpusScore:
    """Score translations by chrF2, the character n-gram F2 score. Popović 2015."""
    return _score(CHRF(), hypotheses, references)


def ter(hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str = DEFAULT_TOKENIZER) -> CorpusScore:
    """Score translations by TER: edits and shifts per reference word, in percent, lower-cased.

    Args:
        tokenize: sacreBLEU's tokeniser for BLEU; one of `WITHOUT_SPACES` turns its `asian_support` on.

    Reference: Snover et al. 2006.
    """
    apart = tokenize in WITHOUT_SPACES
    return _score(TER(normalized=apart, asian_support=apart), hypotheses, references)


def _score(metric: Metric, hypotheses: Sequence[str], references: Sequence[str]) -> CorpusScore:
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} translations cannot be scored against {len(references)} references")
    if not hypotheses:
        raise ValueError("there is nothing to score: the split has no sentences")
    return CorpusScore(metric, metric._extract_corpus_statistics(list(hypotheses), [list(references)]))

"""Scores of a split broken down: a row for each bin of sentences, and for each bin of target words."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from research.data.pairs import Split
from research.data.vocabulary import Vocabulary
from research.decoding.forced import Forced
from research.evaluation.breakdown import BREAKDOWNS, labels, members
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.perplexity import total
from research.evaluation.quality import CorpusScore
from research.evaluation.word_frequency import FrequencyBins, cross_entropy_by_frequency, word_scores_by_frequency
from research.results.measures import SEARCHED
from research.results.sums import CrossEntropy

Rows = dict[str, list[dict[str, Any]]]
"""Rows by breakdown, such as "source_length"."""


class Bins(NamedTuple):
    """The bins of a split."""

    sentences: dict[str, dict[str, list[int]]]
    """Breakdown -> bin -> indices of its sentences; without breakdowns and bins that have no sentence."""
    words: FrequencyBins | None
    """Bins of target words; None without word counts."""


def bins_of(data: EvaluationData, fields: ConfigDict) -> Bins:
    """Divide a split into bins, with the edges that config.evaluation holds."""
    found = {}
    for name, breakdown in BREAKDOWNS.items():
        edges = fields[breakdown.scale]
        pairs = zip(data.split, data.gold, strict=True)
        numbers = [breakdown.number(pair, gold, data.word_counts) for pair, gold in pairs]
        found[name] = members(numbers, labels(breakdown.scale, edges), edges)
    words = None if data.word_counts is None else FrequencyBins(data.word_counts, fields.frequency_bins)
    return Bins({name: bins for name, bins in found.items() if bins}, words)


def forced_rows(data: EvaluationData, forced: Sequence[Forced], bins: Bins, vocabulary: Vocabulary) -> Rows:
    """Return perplexity and token accuracy of each bin.

    Args:
        data: the split.
        forced: forced decoding of the references; sentences that are missing are left out.
        bins: the bins of the split.
        vocabulary: of the target language.
    """
    by_sentence = {each.sentence: each for each in forced}
    rows: Rows = {}
    for name, sentences in bins.sentences.items():
        rows[name] = []
        for label, indices in sentences.items():
            kept = [index for index in indices if index in by_sentence]
            if kept:
                scores = forced_scores(total(by_sentence[index] for index in kept), reference_words(data.split, kept))
                rows[name].append({"bin": label, "sentences": len(kept), **scores})
    if bins.words:
        found = cross_entropy_by_frequency(forced, data.references, vocabulary, bins.words)
        rows["word_frequency"] = [{"bin": label, "words": n, **forced_scores(sums, n)} for label, n, sums in found]
    return rows


def translation_rows(
    data: EvaluationData, translations: Sequence[str], scores: Mapping[str, CorpusScore], bins: Bins
) -> Rows:
    """Return BLEU, chrF and TER of each bin of sentences, and precision, recall and F1 of each bin of words.

    Args:
        data: the split.
        translations: the translation of each source.
        scores: their scores, by name.
        bins: the bins of the split.
    """
    rows: Rows = {
        name: [
            {"bin": label, "sentences": len(indices), **{each: scores[each].of(indices).score for each in SEARCHED}}
            for label, indices in sentences.items()
        ]
        for name, sentences in bins.sentences.items()
    }
    if bins.words:
        rows["word_frequency"] = word_scores_by_frequency(translations, data.references, bins.words)
    return rows


def forced_scores(sums: CrossEntropy, words: int) -> dict[str, float]:
    """Return perplexity, perplexity per word, and token accuracy.

    Args:
        sums: over the tokens of the references.
        words: the words of the references, see `reference_words`.
    """
    return {
        "perplexity": sums.perplexity,
        "word_perplexity": sums.perplexity_per(words),
        "token_accuracy": sums.token_accuracy,
    }


def reference_words(split: Split, sentences: Sequence[int]) -> int:
    """Count the words of the references, and one end-of-sentence token for each."""
    return sum(len(split[index].target.split()) + 1 for index in sentences)

"""Measures of the validation split while a model trains."""

from collections.abc import Callable
from typing import Any

from research.data.examples import encode
from research.data.pairs import Split
from research.data.vocabulary import Vocabularies
from research.decoding.search import Greedy
from research.decoding.translate import Runner, translate_by
from research.evaluation.alignment import AlignmentCounts, count_alignment, overall
from research.evaluation.attention import batch_rows
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.gold import gold_of
from research.evaluation.perplexity import cross_entropy
from research.evaluation.quality import bleu
from research.models.translator import Translator


def validator(
    translator: Translator,
    vocabularies: Vocabularies,
    split: Split,
    *,
    devices: Runner,
    bleu_sentences: int,
    attention_sentences: int,
    tokenize: str,
    batch_sentences: int,
    max_tokens: int,
    **search: Any,
) -> Callable[[Any], dict[str, float]]:
    """Return a function that measures params on a split.

    It returns "perplexity" and "token_accuracy"; greedy "bleu"; and of a model with attention "aer" if there is a gold
    alignment, "attention_entropy", and "head_distance" if a layer has several heads.

    Args:
        bleu_sentences: BLEU is measured on this many first pairs; 0 turns it off.
        attention_sentences: attention is measured on this many first pairs that are not too long; 0 turns it off.
        tokenize: sacreBLEU's tokeniser.
        batch_sentences: rows of a batch.
        max_tokens: pairs with more subwords on one side, `eos` included, count only in BLEU, so that memory is bounded.
        search: extra_tokens of `translate_by`.

    Raises:
        ValueError: the split has no pair, or none that is not too long.
    """
    if not split:
        raise ValueError("the validation split has no sentences: there is nothing to choose a checkpoint by")
    encoded = encode(split, vocabularies)
    fitting = encoded.fitting(max_tokens)
    if not fitting:
        raise ValueError(f"every validation pair is longer than data.max_tokens={max_tokens}: raise it")
    examples = encoded.only(fitting)
    sources = encoded.sources.only(range(min(bleu_sentences, len(split))))
    references = [pair.target for pair in split[:bleu_sentences]]
    watched = EvaluationData(split, gold_of(split), None, encoded).only(fitting[:attention_sentences])
    shared: dict[str, Any] = {"devices": devices, "batch_sentences": batch_sentences}
    rows = batch_rows(batch_sentences, max_tokens)

    def validate(params: Any) -> dict[str, float]:
        sums = cross_entropy(translator, params, examples, **shared)
        scores = {"perplexity": sums.perplexity, "token_accuracy": sums.token_accuracy}
        if len(sources):
            options = {"max_tokens": max_tokens, **shared, **search}
            found = translate_by(Greedy(), translator, params, vocabularies, sources, **options)
            scores["bleu"] = bleu(found.texts, references, tokenize=tokenize, lowercase=False).score
        if watched.split:
            options = {"devices": devices, "batch_sentences": rows}
            scores |= _attention_scores(count_alignment(translator, params, vocabularies, watched, **options))
        return scores

    return validate


def _attention_scores(counts: AlignmentCounts) -> dict[str, float]:
    """Return alignment measures of the weights averaged over all heads and layers; {} without attention.

    The best layer would change between validations, and would look better than it is: it is chosen on these sentences.
    """
    by_head = counts.total()
    if not by_head:
        return {}
    measures = by_head[overall(by_head)].measures()
    found = {
        "aer": measures["error"],
        "attention_entropy": measures["entropy"],
        "head_distance": counts.head_distance,
    }
    return {name: value for name, value in found.items() if value is not None}

"""What is measured on the validation split while a model trains."""

from collections.abc import Callable
from typing import Any

from research.data.examples import encode
from research.data.pairs import Split
from research.data.vocabulary import Vocabularies
from research.decoding.search import Greedy
from research.decoding.translate import Runner, translate_by
from research.evaluation import alignment
from research.evaluation.attention import batch_rows
from research.evaluation.gold import gold_of
from research.evaluation.perplexity import cross_entropy
from research.evaluation.quality import bleu
from research.models.translator import Translator

Scores = dict[str, float]


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
) -> Callable[[Any], Scores]:
    """params -> {"perplexity", "token_accuracy"}, and greedy "bleu" of the first `bleu_sentences` unless that is 0.

    attention_sentences: of so many more is told, where a model attends, see `_attention`; 0: nothing is computed.
    Pairs of more than `max_tokens` count nothing in all but BLEU: memory is bounded.
    search: extra_tokens, as `translate_by` takes it.
    """
    if not split:
        raise ValueError("the validation split has no sentence: there is nothing to choose a checkpoint by")
    encoded = encode(split, vocabularies)
    examples = encoded.within(max_tokens)
    if not examples.count:
        raise ValueError(f"every validation pair is longer than data.max_tokens={max_tokens}: raise it")
    sources = encoded.sources.only(range(min(bleu_sentences, len(split))))
    references = [pair.target for pair in split[:bleu_sentences]]
    watched = encoded.fitting(max_tokens)[:attention_sentences]
    watched_pairs, watched_examples = [split[index] for index in watched], encoded.only(watched)
    shared: dict[str, Any] = {"devices": devices, "batch_sentences": batch_sentences}

    def validate(params: Any) -> dict[str, float]:
        measured = cross_entropy(translator, params, examples, **shared)
        scores = {"perplexity": measured.perplexity, "token_accuracy": measured.token_accuracy}
        if len(sources):
            options = {"max_tokens": max_tokens, **shared, **search}
            found = translate_by(Greedy(), translator, params, vocabularies, sources, **options)
            scores["bleu"] = bleu(found.texts, references, tokenize=tokenize, lowercase=False).score
        if watched:
            rows = batch_rows(batch_sentences, max_tokens)
            options = {"devices": devices, "batch_sentences": rows, "examples": watched_examples}
            scores |= _attention(translator, params, vocabularies, watched_pairs, **options)
        return scores

    return validate


def _attention(translator: Translator, params: Any, vocabularies: Vocabularies, pairs: Split, **options: Any) -> Scores:
    """What there is of {"aer", "attention_entropy", "head_distance"}; {} without attention.

    The first two are of the mean over all heads of all layers: the best layer might be another one at every validation,
    and would look better than it is, for it is chosen on these sentences.
    """
    counted = alignment.count(translator, params, vocabularies, pairs, gold_of(pairs), **options)
    by_head = alignment.total(counted.by_head)
    if not by_head:
        return {}
    measures = by_head[alignment.overall(by_head)].measures()
    found = {
        "aer": measures["error"],
        "attention_entropy": measures["entropy"],
        "head_distance": counted.head_distance,
    }
    return {name: value for name, value in found.items() if value is not None}

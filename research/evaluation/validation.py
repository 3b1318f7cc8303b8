"""What is measured on the validation split while a model trains."""

from collections.abc import Callable
from typing import Any

from research.data.examples import encode
from research.data.pairs import Split
from research.data.vocabulary import Vocabularies
from research.decoding.search import Greedy
from research.decoding.translate import Runner, translate_by
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
    tokenize: str,
    batch_sentences: int,
    max_tokens: int,
    **search: Any,
) -> Callable[[Any], dict[str, float]]:
    """params -> {"perplexity", "token_accuracy"}, and greedy "bleu" of the first `bleu_sentences` unless that is 0.

    Pairs of more than `max_tokens` count nothing in perplexity and token accuracy: memory is bounded.
    search: extra_tokens, as `translate_by` takes it.
    """
    if not split:
        raise ValueError("the validation split has no sentence: there is nothing to choose a checkpoint by")
    examples = encode(split, vocabularies).within(max_tokens)
    if not examples.count:
        raise ValueError(f"every validation pair is longer than data.max_tokens={max_tokens}: raise it")
    sources = [pair.source for pair in split[:bleu_sentences]]
    references = [pair.target for pair in split[:bleu_sentences]]
    shared: dict[str, Any] = {"devices": devices, "batch_sentences": batch_sentences}

    def validate(params: Any) -> dict[str, float]:
        measured = cross_entropy(translator, params, examples, **shared)
        scores = {"perplexity": measured.perplexity, "token_accuracy": measured.token_accuracy}
        if sources:
            options = {"max_tokens": max_tokens, **shared, **search}
            found = translate_by(Greedy(), translator, params, vocabularies, sources, **options)
            scores["bleu"] = bleu(found.texts, references, tokenize=tokenize, lowercase=False).score
        return scores

    return validate

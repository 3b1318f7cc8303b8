"""Perplexity and token accuracy of the references, teacher-forced."""

from collections.abc import Iterable
from typing import Any

from research.data.examples import Examples
from research.decoding.forced import Forced, force
from research.decoding.translate import Progress, Runner
from research.models.translator import Translator
from research.results.sums import CrossEntropy


def cross_entropy(
    translator: Translator,
    params: Any,
    examples: Examples,
    *,
    devices: Runner,
    batch_sentences: int,
    progress: Progress | None = None,
) -> CrossEntropy:
    """Sum the cross-entropy of every example once.

    Raises:
        ValueError: there are no examples.
    """
    if not examples.count:
        raise ValueError("perplexity needs references, and at least one: the split has none")
    each = force(translator, params, examples, devices=devices, batch_sentences=batch_sentences, progress=progress)
    return total(each)


def total(forced: Iterable[Forced]) -> CrossEntropy:
    """Sum the cross-entropy of sentences."""
    nats, correct, tokens = 0.0, 0, 0
    for each in forced:
        nats -= each.log_p
        correct += int(each.likeliest_T.sum())
        tokens += len(each.log_p_T)
    return CrossEntropy(nats, correct, tokens)

"""How surprised a model is by the references, and how often its first guess is right, teacher-forced."""

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
    """Over every example once."""
    if not examples.count:
        raise ValueError("perplexity needs references, and at least one: the split has none")
    each = force(translator, params, examples, devices=devices, batch_sentences=batch_sentences, progress=progress)
    return total(each)


def total(forced: Iterable[Forced]) -> CrossEntropy:
    """The sums."""
    nats, correct, tokens = 0.0, 0, 0
    for each in forced:
        nats -= each.log_p
        correct += int(each.likeliest_T.sum())
        tokens += len(each.log_p_T)
    return CrossEntropy(nats, correct, tokens)

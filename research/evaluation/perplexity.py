"""How surprised a model is by the references, and how often its first guess is right, teacher-forced."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from research.data.examples import Examples
from research.decoding.forced import Forced, force
from research.decoding.translate import Progress, Runner
from research.models.translator import Translator


class CrossEntropy(NamedTuple):
    """Sums over target tokens, end marks included; divided once, here."""

    nats: float
    """-log p of the reference tokens, without label smoothing."""
    correct: int
    """Tokens that the model thought likeliest."""
    tokens: int

    @property
    def perplexity(self) -> float:
        """Per token: exp(nats / tokens). It compares between runs of one vocabulary."""
        return self.perplexity_per(self.tokens)

    @property
    def token_accuracy(self) -> float:
        return self.correct / self.tokens

    def perplexity_per(self, units: int) -> float:
        """exp(nats / units); infinite where that is over every number, or none.

        Per word, units are the whitespace-separated words of the reference and an end mark a sentence: then it is the
        perplexity per token of a model whose every word is one token, and runs with different vocabularies compare
        (Mielke 2019), as long as none spells a word with the unknown piece, which is too easy to guess.
        """
        mean = self.nats / units
        return math.exp(mean) if mean < 700 else math.inf


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


def order_sensitivity(nats: float, shuffled: float, tokens: int) -> float:
    """Nats a token that references cost more where each source's tokens are shuffled; its end mark stays the last.

    0 for a model that can't tell in which order it reads: its encoder gives every order the same states, each where its
    token stands, and attention sums over them.
    """
    return (shuffled - nats) / tokens


def total(forced: Iterable[Forced]) -> CrossEntropy:
    """The sums."""
    nats, correct, tokens = 0.0, 0, 0
    for each in forced:
        nats -= each.log_p
        correct += int(each.likeliest_T.sum())
        tokens += len(each.log_p_T)
    return CrossEntropy(nats, correct, tokens)

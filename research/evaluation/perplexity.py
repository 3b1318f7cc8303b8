"""How surprised a model is by the references, and how often its first guess is right, teacher-forced."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.data.evaluation_batches import evaluation_batches
from research.data.examples import Examples
from research.decoding.top_k import argmax
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


class Surprise(NamedTuple):
    """How each token of a reference surprised the model, its end mark last: -log p, and whether it was likeliest."""

    sentence: int
    nats_T: np.ndarray
    correct_T: np.ndarray


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
    each = surprises(translator, params, examples, devices=devices, batch_sentences=batch_sentences, progress=progress)
    return total(each)


def total(surprises: Iterable[Surprise]) -> CrossEntropy:
    """The sums."""
    nats, correct, tokens = 0.0, 0, 0
    for each in surprises:
        nats += float(each.nats_T.sum(dtype=np.float64))
        correct += int(each.correct_T.sum())
        tokens += len(each.nats_T)
    return CrossEntropy(nats, correct, tokens)


def surprises(
    translator: Translator,
    params: Any,
    examples: Examples,
    *,
    devices: Runner,
    batch_sentences: int,
    progress: Progress | None = None,
) -> Iterator[Surprise]:
    """That of every example once, longest first, teacher-forced."""
    if examples.targets is None or not examples.count:
        raise ValueError("perplexity needs references, and at least one: the split has none")
    program, seen = _program(translator, devices), 0
    for indices, batch in evaluation_batches(examples, batch_sentences):
        nats_BT, correct_BT = program(params, batch)
        for row, index in enumerate(indices):
            tokens = examples.targets.lengths[index] + 1
            # A copy: a view would keep the whole batch.
            yield Surprise(int(index), nats_BT[row, :tokens].copy(), correct_BT[row, :tokens].copy())
        seen += len(indices)
        if progress:
            progress(len(indices))
    assert seen == examples.count, "not every sentence counted once"


@lru_cache(maxsize=4)  # so that each validation finds the program compiled
def _program(translator: Translator, devices: Runner) -> Callable[[Any, dict[str, np.ndarray]], Any]:
    def measure(params: Any, batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        states_BTD, table_VD = translator.apply(
            {"params": params}, batch["source_BS"], batch["target_in_BT"], method="outputs"
        )

        def position(inputs: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            states_BD, target_B = inputs
            logits_BV = jnp.einsum("bd,vd->bv", states_BD, table_VD, preferred_element_type=jnp.float32)
            right_B = jnp.take_along_axis(logits_BV, target_B[:, None], axis=-1)[:, 0]
            return jax.nn.logsumexp(logits_BV, axis=-1) - right_B, argmax(logits_BV) == target_B

        # One position at a time: the logits of all would be gigabytes where the vocabulary is large.
        nats_TB, correct_TB = jax.lax.map(position, (states_BTD.transpose(1, 0, 2), batch["target_out_BT"].T))
        return nats_TB.T, correct_TB.T

    return devices.run(measure)

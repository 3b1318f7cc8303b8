"""How surprised a model is by the references, and how often its first guess is right, teacher-forced."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.data.evaluation_batches import evaluation_batches
from research.data.examples import Examples
from research.data.vocabulary import PAD
from research.decoding.top_k import argmax
from research.decoding.translate import Progress, Runner
from research.models.translator import Translator


class CrossEntropy(NamedTuple):
    """Sums over all target tokens, end marks included; divided once, here."""

    nats: float
    """-log p of the reference tokens, without label smoothing."""
    correct: int
    """Tokens that the model thought likeliest."""
    tokens: int

    @property
    def perplexity(self) -> float:
        """exp(nats / tokens); infinite where that is over every number, or none."""
        mean = self.nats / self.tokens
        return math.exp(mean) if mean < 700 else math.inf

    @property
    def token_accuracy(self) -> float:
        return self.correct / self.tokens


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
    if examples.targets is None or not examples.count:
        raise ValueError("perplexity needs references, and at least one: the split has none")
    measure = _program(translator, devices)
    nats, correct, tokens, seen = 0.0, 0, 0, 0
    for indices, batch in evaluation_batches(examples, batch_sentences):
        nats_B, correct_B, tokens_B = measure(params, batch)
        nats += float(np.sum(nats_B, dtype=np.float64))
        correct += int(correct_B.sum())
        tokens += int(tokens_B.sum())
        seen += len(indices)
        if progress:
            progress(len(indices))
    assert (seen, tokens) == (examples.count, int((examples.targets.lengths + 1).sum())), "not every token counted once"
    return CrossEntropy(nats, correct, tokens)


@lru_cache(maxsize=4)  # so that each validation finds the program compiled
def _program(translator: Translator, devices: Runner) -> Callable[[Any, dict[str, np.ndarray]], Any]:
    def measure(params: Any, batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        states_BTD, table_VD = translator.apply(
            {"params": params}, batch["source_BS"], batch["target_in_BT"], method="outputs"
        )

        def position(inputs: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            states_BD, target_B = inputs
            logits_BV = jnp.einsum("bd,vd->bv", states_BD, table_VD, preferred_element_type=jnp.float32)
            right_B = jnp.take_along_axis(logits_BV, target_B[:, None], axis=-1)[:, 0]
            return jax.nn.logsumexp(logits_BV, axis=-1) - right_B, argmax(logits_BV) == target_B

        # One position at a time: the logits of all would be gigabytes where the vocabulary is large.
        target_TB = batch["target_out_BT"].T
        nats_TB, correct_TB = jax.lax.map(position, (states_BTD.transpose(1, 0, 2), target_TB))
        real_TB = target_TB != PAD
        return jnp.where(real_TB, nats_TB, 0.0).sum(axis=0), (correct_TB & real_TB).sum(axis=0), real_TB.sum(axis=0)

    return devices.run(measure)

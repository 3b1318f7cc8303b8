"""Attention weights of a model while it writes given targets, sentence by sentence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from research.data.evaluation_batches import LENGTHS, evaluation_batches
from research.data.examples import Examples
from research.data.vocabulary import Vocabulary
from research.decoding.translate import Progress, Runner
from research.models.translator import Translator, cross_attention

END = "</s>"
"""The end-of-sentence token, as people read it."""
MEAN = "mean"
"""The name of the mean over all heads of all layers."""


class SentenceAttention(NamedTuple):
    """The attention weights of one sentence."""

    sentence: int
    """Index of the sentence."""
    layers: dict[str, np.ndarray]
    """weights_HTS of each decoder layer, "layer_0" first, end-of-sentence tokens included; {} without attention."""

    def mean_TS(self, layer: str) -> np.ndarray:
        """Return the mean over the heads of `layer`, or over all heads of all layers (`MEAN`)."""
        chosen = list(self.layers.values()) if layer == MEAN else [self.layers[layer]]
        return np.concatenate(chosen).mean(axis=0)


def attention_weights(
    translator: Translator,
    params: Any,
    examples: Examples,
    *,
    devices: Runner,
    batch_sentences: int,
    progress: Progress | None = None,
) -> Iterator[SentenceAttention]:
    """Yield the weights of every example once, longest first, by forced decoding of `examples.targets`.

    Row t holds the weights with which target token t was predicted.

    Raises:
        ValueError: the examples have no targets.
    """
    if examples.targets is None:
        raise ValueError("attention weights need targets to write, and these examples have none")
    program = _program(translator, devices)
    for indices, batch in evaluation_batches(examples, batch_sentences):
        layers = program(params, {name: batch[name] for name in ("source_BS", "target_in_BT")})
        for row, index in enumerate(indices):
            source, target = examples.sources.lengths[index] + 1, examples.targets.lengths[index] + 1
            of_row = {name: weights_BHTS[row, :, :target, :source] for name, weights_BHTS in layers.items()}
            yield SentenceAttention(int(index), of_row)
        if progress:
            progress(len(indices))


def heads_and_means(layers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights of every head and of every mean over heads, by name.

    Duplicates are left out: the head of a layer with one head, and the mean of a model with one layer.

    Args:
        layers: weights_HTS of each layer.

    Returns:
        weights_TS of each layer's mean ("layer_0"), each head ("layer_0.head_0") and all heads (`MEAN`).
    """
    found: dict[str, np.ndarray] = {}
    for layer, weights_HTS in layers.items():
        found[layer] = weights_HTS.mean(axis=0)
        if len(weights_HTS) > 1:
            found |= {f"{layer}.head_{head}": weights_TS for head, weights_TS in enumerate(weights_HTS)}
    if len(layers) > 1:
        found[MEAN] = np.concatenate(list(layers.values())).mean(axis=0)
    return found


def token_labels(vocabulary: Vocabulary, ids: Iterable[int]) -> list[str]:
    """Return the subwords of `ids` and the end-of-sentence token: the labels of a row or column of weights."""
    return [*vocabulary.pieces(ids), END]


def batch_rows(batch_sentences: int, max_tokens: int) -> int:
    """Return how many sentences to take attention weights of at once, so that they fit into memory.

    The weights of all heads grow with the square of the length, and are the largest arrays of an evaluation.

    Args:
        batch_sentences: rows of a batch with sentences of usual length.
        max_tokens: most tokens of a sentence, `eos` included.
    """
    usual = LENGTHS[-1]
    return max(batch_sentences * usual // max(max_tokens, usual), 1)


@lru_cache(maxsize=4)
def _program(translator: Translator, devices: Runner) -> Callable[[Any, dict[str, np.ndarray]], dict[str, np.ndarray]]:
    def weights(params: Any, batch: dict[str, jax.Array]) -> dict[str, jax.Array]:
        # `outputs`, not a call: without the logits, which nobody asked for.
        variables, inputs = {"params": params}, (batch["source_BS"], batch["target_in_BT"])
        _, sown = translator.apply(variables, *inputs, method="outputs", mutable=["attention"])
        return cross_attention(sown)

    return devices.run(weights)

"""What a model reads of the source while it writes a given target: its attention weights, sentence by sentence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from research.data.evaluation_batches import LENGTHS, evaluation_batches
from research.data.examples import Examples, Sentences
from research.data.vocabulary import Vocabularies
from research.decoding.translate import Progress, Runner
from research.models.translator import Translator, cross_attention

END = "</s>"
MEAN = "mean"
"""Stands for all layers together where one is asked for by name."""


class Reading(NamedTuple):
    """weights_HTS of each layer of the decoder, "layer_0" first; T and S count the end marks. {} without attention."""

    sentence: int
    layers: dict[str, np.ndarray]

    def weights_TS(self, layer: str) -> np.ndarray:
        """The mean over the heads of `layer`, or over all heads of all layers (`MEAN`)."""
        chosen = list(self.layers.values()) if layer == MEAN else [self.layers[layer]]
        return np.concatenate(chosen).mean(axis=0)


def heads_and_means(layers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """weights_TS of every layer's mean over heads ("layer_0"), every head ("layer_0.head_0") and all heads (`MEAN`).

    What would be another under a second name is left out: the head of a layer that has one, the mean of a single layer.
    """
    found: dict[str, np.ndarray] = {}
    for layer, weights_HTS in layers.items():
        found[layer] = weights_HTS.mean(axis=0)
        if len(weights_HTS) > 1:
            found |= {f"{layer}.head_{head}": weights_TS for head, weights_TS in enumerate(weights_HTS)}
    if len(layers) > 1:
        found[MEAN] = np.concatenate(list(layers.values())).mean(axis=0)
    return found


class Map(NamedTuple):
    """weights_TS between the subwords of a sentence and of its translation, both with their end marks."""

    source_tokens: list[str]
    target_tokens: list[str]
    weights: list[list[float]]
    layer: str


def read(
    translator: Translator,
    params: Any,
    examples: Examples,
    *,
    devices: Runner,
    batch_sentences: int,
    progress: Progress | None = None,
) -> Iterator[Reading]:
    """The reading of every example once, longest first, while the model is made to write `examples.targets`.

    Row t is what was read to write target token t: forced decoding, all positions at once.
    """
    if examples.targets is None:
        raise ValueError("to see what is read there must be something to write: these examples have no targets")
    program = _program(translator, devices)
    for indices, batch in evaluation_batches(examples, batch_sentences):
        layers = program(params, {name: batch[name] for name in ("source_BS", "target_in_BT")})
        for row, index in enumerate(indices):
            source, target = examples.sources.lengths[index] + 1, examples.targets.lengths[index] + 1
            yield Reading(int(index), {name: weights[row, :, :target, :source] for name, weights in layers.items()})
        if progress:
            progress(len(indices))


def batch_rows(batch_sentences: int, max_tokens: int) -> int:
    """How many of `batch_sentences` to read at once, where sentences have at most so many tokens.

    The weights of all heads of a long batch are the most that evaluation holds, and grow with the square of its length:
    fewer rows where sentences may be longer than usual.
    """
    usual = LENGTHS[-1]
    return max(batch_sentences * usual // max(max_tokens, usual), 1)


def maps(
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    *,
    devices: Runner,
    batch_sentences: int,
    layer: str = MEAN,
) -> list[Map]:
    """One map a sentence, in order, from ids without end marks; [] for a model without attention."""
    examples = Examples(Sentences(sources), Sentences(targets))
    drawn: dict[int, Map] = {}
    for reading in read(translator, params, examples, devices=devices, batch_sentences=batch_sentences):
        if reading.layers:
            source = [*vocabularies.source.pieces(sources[reading.sentence]), END]
            target = [*vocabularies.target.pieces(targets[reading.sentence]), END]
            drawn[reading.sentence] = Map(source, target, reading.weights_TS(layer).tolist(), layer)
    return [drawn[sentence] for sentence in sorted(drawn)]


@lru_cache(maxsize=4)
def _program(translator: Translator, devices: Runner) -> Callable[[Any, dict[str, np.ndarray]], dict[str, np.ndarray]]:
    def weights(params: Any, batch: dict[str, jax.Array]) -> dict[str, jax.Array]:
        # `outputs`, not a call: without the logits, which nobody asked for.
        variables, inputs = {"params": params}, (batch["source_BS"], batch["target_in_BT"])
        _, sown = translator.apply(variables, *inputs, method="outputs", mutable=["attention"])
        return cross_attention(sown)

    return devices.run(weights)

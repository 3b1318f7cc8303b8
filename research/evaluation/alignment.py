"""Alignment error: whether the source word that a model reads most is the one that a target word translates.

AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och & Ney 2003), with A the predicted links, S the sure and P ⊇ S the
possible ones. Our gold links are all sure, so S = P and AER = 1 - F1. As in Luong et al. 2015, section 5.4, the model
is made to write the reference, and each target word is linked to the one source word with the most weight. So a target
word without a gold link is counted as linked wrongly: attention cannot say "nothing", and that is part of the error.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.examples import encode
from research.data.pairs import Pair, Split
from research.data.vocabulary import Vocabularies
from research.decoding.translate import Progress, Runner
from research.evaluation.attention import read
from research.models.translator import Translator

Link = tuple[int, int]
"""(source word, target word), counted from 0."""


class Links(NamedTuple):
    """Sums over sentences, divided once."""

    right_sure: int = 0
    right_possible: int = 0
    predicted: int = 0
    sure: int = 0

    @property
    def error(self) -> float:
        """AER; 1 when there is nothing to compare."""
        return 1.0 - _share(self.right_sure + self.right_possible, self.predicted + self.sure)

    @property
    def precision(self) -> float:
        return _share(self.right_possible, self.predicted)

    @property
    def recall(self) -> float:
        return _share(self.right_sure, self.sure)


def compare(predicted: Iterable[Link], sure: Collection[Link], possible: Collection[Link] | None = None) -> Links:
    """The counts of one sentence. possible: the sure links are among these anyway; None: there are no others."""
    predicted, sure = set(predicted), set(sure)
    allowed = sure | set(possible or ())
    return Links(len(predicted & sure), len(predicted & allowed), len(predicted), len(sure))


def total(counts: Iterable[Links]) -> Links:
    """The sum."""
    return Links(*(sum(column) for column in zip(Links(), *counts, strict=True)))


def word_weights(weights_TS: np.ndarray, source_words: Sequence[int], target_words: Sequence[int]) -> np.ndarray:
    """weights between words, (target words, source words), out of weights between subwords.

    source_words, target_words: which word each subword belongs to. A source word has the sum over its subwords, a
    target word the mean over its own; rows and columns after the last subword, the end marks, are left out.
    """
    weights_TS = weights_TS[: len(target_words), : len(source_words)]
    of_source = np.zeros((len(source_words), max(source_words, default=-1) + 1), weights_TS.dtype)
    of_source[np.arange(len(source_words)), source_words] = 1.0
    of_target = np.zeros((max(target_words, default=-1) + 1, len(target_words)), weights_TS.dtype)
    of_target[target_words, np.arange(len(target_words))] = 1.0
    of_target /= np.maximum(of_target.sum(axis=1, keepdims=True), 1.0)
    return of_target @ weights_TS @ of_source


def predicted_links(weights_TS: np.ndarray, source_words: Sequence[int], target_words: Sequence[int]) -> list[Link]:
    """One link for each target word: to the source word that it reads most, the first of several."""
    if not source_words or not target_words:
        return []
    weights = word_weights(weights_TS, source_words, target_words)
    return [(int(word), row) for row, word in enumerate(weights.argmax(axis=1))]


def measure(
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    split: Split,
    *,
    devices: Runner,
    batch_sentences: int,
    progress: Progress | None = None,
) -> dict[str, Links]:
    """By layer, over the pairs with a gold alignment; weights are the mean over a layer's heads.

    {} when the model does not attend, or no pair has an alignment.
    """
    aligned: list[Pair] = [pair for pair in split if pair.alignment]
    source, target = vocabularies
    words = [(source.word_of_piece(pair.source), target.word_of_piece(pair.target)) for pair in aligned]
    counts: dict[str, list[Links]] = {}
    examples = encode(aligned, vocabularies)
    for reading in read(
        translator, params, examples, devices=devices, batch_sentences=batch_sentences, progress=progress
    ):
        gold = aligned[reading.sentence].alignment
        for layer in reading.layers:
            links = predicted_links(reading.weights_TS(layer), *words[reading.sentence])
            counts.setdefault(layer, []).append(compare(links, gold))
    return {layer: total(sentences) for layer, sentences in counts.items()}


def best_layer(by_layer: dict[str, Links]) -> str:
    """The layer with the least error, the first of several. Pick it on validation, report it on the test."""
    return min(by_layer, key=lambda layer: by_layer[layer].error)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

"""A few sentences of a split that a result shows: with their translation, and with its attention weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from research.data.examples import Examples, Sentences
from research.data.pairs import Split
from research.decoding.translate import Translation
from research.evaluation.attention import attention_weights, token_labels
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.loaded_run import LoadedRun

SAMPLES = 8  # sentences shown with their translation
MAPS = 4  # sentences shown with their attention weights
DIGITS = 4  # of a weight: more would only make the file long


def samples(split: Split, translations: Sequence[Translation]) -> list[dict[str, str]]:
    """Return source, reference and translation ("hypothesis") of sentences of every length."""
    return [
        {"source": split[i].source, "reference": split[i].target, "hypothesis": translations[i].text}
        for i in _chosen(split, SAMPLES)
    ]


def sample_maps(
    run: LoadedRun, data: EvaluationData, translations: Sequence[Translation], layer: str
) -> list[dict[str, Any]]:
    """Return the attention weights with which the model writes some of its own translations.

    Args:
        translations: one for each pair of `data`.
        layer: see `SentenceAttention.mean_TS`.

    Returns:
        A map for each chosen sentence, in order; [] for a model without attention.
    """
    chosen = _chosen(data.split, MAPS)
    sources = data.examples.sources.only(chosen).cut_to(run.config.data.max_tokens - 1)  # as much as was translated
    targets = Sentences(translations[i].ids for i in chosen)
    found = attention_weights(
        run.translator, run.params, Examples(sources, targets), devices=run.devices, batch_sentences=MAPS
    )
    return [
        {
            "source_tokens": token_labels(run.vocabularies.source, sources[each.sentence]),
            "target_tokens": token_labels(run.vocabularies.target, targets[each.sentence]),
            "weights": np.round(each.mean_TS(layer).astype(np.float64), DIGITS).tolist(),
            "layer": layer,
        }
        for each in sorted(found, key=lambda each: each.sentence)
        if each.layers
    ]


def spread(lengths: Sequence[int], count: int) -> list[int]:
    """Return `count` indices from the shortest to the longest, evenly over the ranks; all when there are fewer."""
    order = np.argsort(lengths, kind="stable")
    ranks = (np.arange(count) + 0.5) * len(order) / count if count < len(order) else np.arange(len(order))
    return [int(order[int(rank)]) for rank in ranks]


def _chosen(split: Split, count: int) -> list[int]:
    """Choose by the sources alone, so that every run shows the same sentences."""
    return spread([len(pair.source.split()) for pair in split], count)

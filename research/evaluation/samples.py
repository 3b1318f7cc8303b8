"""The few sentences of a split that a result shows: with their translation, and with what was read to write it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from research.data.examples import Sentences
from research.data.pairs import Split
from research.decoding.translate import Translation
from research.evaluation.attention import maps
from research.evaluation.trained import Trained

SAMPLES = 8  # sentences shown with their translation
MAPS = 4  # sentences shown with what was read
DIGITS = 4  # of a weight in a map: more would only make the file long


def samples(split: Split, translations: Sequence[Translation]) -> list[dict[str, str]]:
    """Sources of every length, with their reference and translation."""
    chosen = spread([len(pair.source.split()) for pair in split], SAMPLES)
    return [
        {"source": split[i].source, "reference": split[i].target, "hypothesis": translations[i].text} for i in chosen
    ]


def sample_maps(
    run: Trained, split: Split, sources: Sentences, translations: Sequence[Translation], layer: str
) -> list[dict[str, Any]]:
    """What was read to write the model's own translations. Which sentences depends on the sources alone.

    sources: the split's, as ids.
    """
    chosen = spread([len(pair.source.split()) for pair in split], MAPS)
    sources = sources.only(chosen).cut_to(run.config.data.max_tokens - 1)  # as much as was translated
    drawn = maps(
        run.translator,
        run.params,
        run.vocabularies,
        [sources[i].tolist() for i in range(len(chosen))],
        [translations[i].ids for i in chosen],
        devices=run.devices,
        batch_sentences=MAPS,
        layer=layer,
    )
    return [{**each._asdict(), "weights": np.round(each.weights, DIGITS).tolist()} for each in drawn]


def spread(lengths: Sequence[int], count: int) -> list[int]:
    """`count` indices from the shortest to the longest, evenly over the ranks; all when there are fewer."""
    order = np.argsort(lengths, kind="stable")
    ranks = (np.arange(count) + 0.5) * len(order) / count if count < len(order) else np.arange(len(order))
    return [int(order[int(rank)]) for rank in ranks]

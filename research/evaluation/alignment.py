"""What attention weights align: the error against a gold alignment, and without one how sharp, full and in order it is.

As in Luong et al. 2015, section 5.4, the model is made to write the reference (forced decoding), and each target word
is linked to the one source word that it reads most: a_t = argmax_s w_ts, the first of several. w_ts is the weight
between words; a source word has the sum of its subwords' columns, a target word the mean of its subwords' rows; end
marks are left out.

error: AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och & Ney 2003), with A the links (a_t, t), S the sure and P ⊇ S the
    possible ones of the gold alignment; precision |A ∩ P| / |A|, recall |A ∩ S| / |S|. A target word without a gold
    link is counted as linked wrongly: attention cannot say "nothing", and that is part of the error.
A target word that reads nothing, as beyond the end of a local window, has no link, no entropy and no step.
entropy: mean over target words of H(t) = -Σ_s p_ts ln p_ts in nats, p_ts = w_ts / Σ_s w_ts: 0 for one source word, ln S
    for all alike (Ghader & Monz 2017).
on_words: mean over target words of Σ_s w_ts: the rest was on the end mark, and no entropy tells of it.
coverage: mean over source words of min(1, Σ_t w_ts): how much of the source was read at all. It is what the coverage
    penalty of Wu et al. 2016, equation 14, takes the log of; Tu et al. 2016 ask it of a translation.
monotonicity: share of the steps from a target word to the next with a_t+1 ≥ a_t.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr

from research.data.examples import Examples, encode
from research.data.pairs import Split
from research.data.vocabulary import Vocabularies
from research.decoding.translate import Progress, Runner
from research.evaluation.attention import MEAN, heads_and_means, read
from research.evaluation.gold import Gold
from research.evaluation.head_distance import head_distance
from research.models.translator import Translator
from research.results.sums import Alignment, mean_distance


class Counted(NamedTuple):
    """Sentence by sentence; zeros where a side has no word, or a model does not attend: then `by_head` is empty.

    by_head: counts_NC by layer and head as `heads_and_means` names them, C the fields of `Alignment`. distances_N2: see
    `head_distance`.
    """

    by_head: dict[str, np.ndarray]
    distances_N2: np.ndarray

    @property
    def head_distance(self) -> float | None:
        """Over all sentences and layers; None where no layer has two heads."""
        return mean_distance(*self.distances_N2.sum(axis=0).tolist())


def measure(*model: Any, **options: Any) -> dict[str, Alignment]:
    """The sums of what `count` finds by head, which takes the same."""
    return total(count(*model, **options).by_head)


def total(by_head: Mapping[str, np.ndarray]) -> dict[str, Alignment]:
    """Over all sentences of counts_NC."""
    return {name: Alignment(*counts_NC.sum(axis=0).tolist()) for name, counts_NC in by_head.items()}


def count(
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    split: Split,
    gold: Sequence[Gold],
    *,
    devices: Runner,
    batch_sentences: int,
    examples: Examples | None = None,
    progress: Progress | None = None,
) -> Counted:
    """What every pair is read by and aligned to, in one go. gold: one for each pair. examples: the split as ids, else
    it is encoded here."""
    source, target = vocabularies
    names: list[str] = []
    counts_XNC, distances_N2 = np.zeros((0, len(split), len(Alignment._fields))), np.zeros((len(split), 2))
    for reading in read(
        translator,
        params,
        examples or encode(split, vocabularies),
        devices=devices,
        batch_sentences=batch_sentences,
        progress=progress,
    ):
        pair = split[reading.sentence]
        words = source.word_of_piece(pair.source), target.word_of_piece(pair.target)
        if not reading.layers or not all(words):
            continue
        of_words = {layer: word_weights(weights_HTS, *words) for layer, weights_HTS in reading.layers.items()}
        found = heads_and_means(of_words)
        if not names:
            names, counts_XNC = list(found), np.zeros((len(found), *counts_XNC.shape[1:]))
        counts_XNC[:, reading.sentence] = sentence_counts(np.stack(list(found.values())), gold[reading.sentence])
        distances_N2[reading.sentence] = head_distance(reading.layers)
    return Counted(dict(zip(names, counts_XNC, strict=True)), distances_N2)


def sentence_counts(weights_XTS: np.ndarray, gold: Gold) -> np.ndarray:
    """counts_XC of one sentence, C the fields of `Alignment`, from weights between its words, any number X at once."""
    _, target_words, source_words = weights_XTS.shape
    linked_XT = weights_XTS.argmax(axis=-1)
    read_XT = weights_XTS.sum(axis=-1)
    reads_XT = read_XT > 0
    share_XTS = weights_XTS / np.where(reads_XT, read_XT, 1.0)[..., None]
    both_XT = reads_XT[:, 1:] & reads_XT[:, :-1]
    counts: dict[str, Any] = {
        "right_sure": _right(linked_XT, reads_XT, gold.sure, source_words),
        "right_possible": _right(linked_XT, reads_XT, gold.possible, source_words),
        "predicted": reads_XT.sum(axis=1) if gold.possible else 0,
        "sure": len(gold.sure),
        "nats": entr(share_XTS).sum(axis=(1, 2)),
        "reading_words": reads_XT.sum(axis=1),
        "weight": read_XT.sum(axis=1),
        "target_words": target_words,
        "covered": np.minimum(weights_XTS.sum(axis=1), 1.0).sum(axis=1),
        "source_words": source_words,
        "forward": ((linked_XT[:, 1:] >= linked_XT[:, :-1]) & both_XT).sum(axis=1),
        "steps": both_XT.sum(axis=1),
    }
    return np.stack(np.broadcast_arrays(*(counts[name] for name in Alignment._fields)), axis=-1).astype(np.float64)


def word_weights(weights_HTS: np.ndarray, source_words: Sequence[int], target_words: Sequence[int]) -> np.ndarray:
    """Weights between words, heads × target words × source words, out of weights between subwords.

    source_words, target_words: which word each subword belongs to. Rows and columns after the last subword, the end
    marks, are left out.
    """
    weights_HTS = weights_HTS[:, : len(target_words), : len(source_words)]
    of_source = np.zeros((len(source_words), max(source_words) + 1), weights_HTS.dtype)
    of_source[np.arange(len(source_words)), source_words] = 1.0
    of_target = np.zeros((max(target_words) + 1, len(target_words)), weights_HTS.dtype)
    of_target[target_words, np.arange(len(target_words))] = 1.0
    of_target /= of_target.sum(axis=1, keepdims=True)
    return of_target @ weights_HTS @ of_source


def layers(by_head: Mapping[str, Alignment]) -> list[str]:
    """The names that are of a layer's mean, the first layer first."""
    return [name for name in by_head if name != MEAN and "." not in name]


def overall(by_head: Mapping[str, Alignment]) -> str:
    """The name of the mean over all heads of all layers, which is the layer's where there is one."""
    return MEAN if MEAN in by_head else layers(by_head)[0]


def best_layer(by_head: Mapping[str, Alignment]) -> str:
    """The layer with the least error, the first of several. Pick it on validation, report it on the test."""
    return min(layers(by_head), key=lambda layer: by_head[layer].error)


def _right(
    linked_XT: np.ndarray, reads_XT: np.ndarray, links: frozenset[tuple[int, int]], source_words: int
) -> np.ndarray:
    right_TS = np.zeros((linked_XT.shape[1], source_words), bool)
    for source, target in links:
        right_TS[target, source] = True
    return (right_TS[np.arange(linked_XT.shape[1]), linked_XT] & reads_XT).sum(axis=1)

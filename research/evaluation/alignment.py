"""Word alignment by attention weights: its error against a gold alignment, its entropy, coverage and monotonicity.

As in Luong et al. 2015, section 5.4, the model is forced to write the reference, and each target word t is linked to
the source word with the largest weight, a_t = argmax_s w_ts; a tie goes to the first. w_ts is the weight between words:
the sum over the columns of the source word's subwords, and the mean over the rows of the target word's subwords. The
end-of-sentence tokens are left out. A target word without any weight, as beyond the end of a local window, has no link,
no entropy and no step.

error: AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|), where A are the links (a_t, t), S the sure links of the gold
    alignment and P ⊇ S the possible ones (Och & Ney 2003). The link of a target word that has no gold link counts as
    wrong: attention cannot leave a word without a link, and that is part of its error.
precision, recall: |A ∩ P| / |A| and |A ∩ S| / |S|.
entropy: mean over target words of H(t) = -Σ_s p_ts ln p_ts in nats, p_ts = w_ts / Σ_s w_ts: 0 if one source word has
    all the weight, ln S if all have the same (Ghader & Monz 2017).
on_words: mean over target words of Σ_s w_ts. The rest of the weight is on the end-of-sentence token.
coverage: mean over source words of min(1, Σ_t w_ts). The coverage penalty of Wu et al. 2016, equation 14, takes the log
    of min(1, Σ_t w_ts); see also Tu et al. 2016.
monotonicity: share of the steps from a target word to the next with a_t+1 ≥ a_t.

Two alignments without attention have the same error counted. That of who reads the diagonal, a_t = ⌊(t + ½) S / T⌋ of S
source and T target words, t from 0, looks at no word; that of `ibm_model1`, learnt from the same pairs, at no order.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr

from research.data.pairs import Split
from research.data.vocabulary import Vocabularies
from research.decoding.translate import Progress, Runner
from research.evaluation.attention import MEAN, attention_weights, heads_and_means
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.gold import Gold
from research.evaluation.head_distance import head_distance
from research.evaluation.ibm_model1 import align
from research.models.translator import Translator
from research.results.sums import LINKS, Alignment, mean_distance


class AlignmentCounts(NamedTuple):
    """Counts of every sentence; zeros for a sentence without a word on one side."""

    by_head: dict[str, np.ndarray]
    """counts_NC by layer and head, see `heads_and_means`; C are the fields of `Alignment`. {} without attention."""
    distances_N2: np.ndarray
    """See `head_distance`; zeros without attention."""

    @property
    def head_distance(self) -> float | None:
        """Mean over all sentences and layers; None if no layer has two heads."""
        return mean_distance(*self.distances_N2.sum(axis=0).tolist())

    def total(self) -> dict[str, Alignment]:
        """Return the sums over all sentences, by layer and head."""
        return {name: Alignment(*counts_NC.sum(axis=0).tolist()) for name, counts_NC in self.by_head.items()}


def count_alignment(
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    data: EvaluationData,
    *,
    devices: Runner,
    batch_sentences: int,
    progress: Progress | None = None,
) -> AlignmentCounts:
    """Count the alignment of every pair, by forced decoding of its reference.

    Args:
        data: the pairs, their gold alignment and their ids.
        batch_sentences: rows of a batch, see `batch_rows`.
        progress: called with the number of sentences of each finished batch.
    """
    names: list[str] = []
    sentences = len(data.split)
    counts_XNC, distances_N2 = np.zeros((0, sentences, len(Alignment._fields))), np.zeros((sentences, 2))
    options: dict[str, Any] = {"devices": devices, "batch_sentences": batch_sentences, "progress": progress}
    for found in attention_weights(translator, params, data.examples, **options):
        pair = data.split[found.sentence]
        source_words = vocabularies.source.word_of_piece(pair.source)
        target_words = vocabularies.target.word_of_piece(pair.target)
        if not (found.layers and source_words and target_words):
            continue
        layers = {layer: word_weights(weights, source_words, target_words) for layer, weights in found.layers.items()}
        by_head = heads_and_means(layers)
        if not names:
            names, counts_XNC = list(by_head), np.zeros((len(by_head), *counts_XNC.shape[1:]))
        counts_XNC[:, found.sentence] = sentence_counts(np.stack(list(by_head.values())), data.gold[found.sentence])
        distances_N2[found.sentence] = head_distance(found.layers)
    return AlignmentCounts(dict(zip(names, counts_XNC, strict=True)), distances_N2)


def count_without_attention(split: Split, gold: Sequence[Gold]) -> dict[str, np.ndarray]:
    """Return counts_N4, the fields of `LINKS` of each pair, by reading the diagonal and by IBM model 1.

    They are zeros without a gold alignment.
    """
    if not any(each.possible for each in gold):
        return {name: np.zeros((len(split), len(LINKS))) for name in ("diagonal", "ibm_model1")}
    words = [(len(pair.target.split()), len(pair.source.split())) for pair in split]
    links = {"diagonal": [diagonal(*each) for each in words], "ibm_model1": align(split)}
    return {
        name: np.array([_links(read_T.tolist(), each) for read_T, each in zip(read_NT, gold, strict=True)], float)
        for name, read_NT in links.items()
    }


def diagonal(target_words: int, source_words: int) -> np.ndarray:
    """Return the source word of each target word by who reads the diagonal: ⌊(t + ½) S / T⌋."""
    return (2 * np.arange(target_words) + 1) * source_words // (2 * target_words)


def sentence_counts(weights_XTS: np.ndarray, gold: Gold) -> np.ndarray:
    """Count the alignment of one sentence, by any number X of heads at once.

    Args:
        weights_XTS: weights between words.
        gold: the gold alignment.

    Returns:
        counts_XC, C the fields of `Alignment`.
    """
    _, target_words, source_words = weights_XTS.shape
    linked_XT = weights_XTS.argmax(axis=-1)
    read_XT = weights_XTS.sum(axis=-1)
    reads_XT = read_XT > 0
    share_XTS = weights_XTS / np.where(reads_XT, read_XT, 1.0)[..., None]
    both_XT = reads_XT[:, 1:] & reads_XT[:, :-1]
    counts = {
        "right_sure": _right_links(linked_XT, reads_XT, gold.sure, source_words),
        "right_possible": _right_links(linked_XT, reads_XT, gold.possible, source_words),
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


def _links(read_T: Sequence[int], gold: Gold) -> tuple[int, int, int, int]:
    """Return the fields of `LINKS` of one sentence, all of whose target words have a link."""
    right_sure, right_possible = (sum(read_T[t] == s for s, t in links) for links in (gold.sure, gold.possible))
    return right_sure, right_possible, len(read_T) if gold.possible else 0, len(gold.sure)


def word_weights(weights_HTS: np.ndarray, source_words: Sequence[int], target_words: Sequence[int]) -> np.ndarray:
    """Return the weights between words.

    Args:
        weights_HTS: weights between subwords. Rows and columns after the last subword, the end-of-sentence tokens, are
            left out.
        source_words: index of the word that each source subword belongs to.
        target_words: the same for the target.

    Returns:
        Weights of shape heads × target words × source words.
    """
    weights_HTS = weights_HTS[:, : len(target_words), : len(source_words)]
    of_source = np.zeros((len(source_words), max(source_words) + 1), weights_HTS.dtype)
    of_source[np.arange(len(source_words)), source_words] = 1.0
    of_target = np.zeros((max(target_words) + 1, len(target_words)), weights_HTS.dtype)
    of_target[target_words, np.arange(len(target_words))] = 1.0
    of_target /= of_target.sum(axis=1, keepdims=True)
    return of_target @ weights_HTS @ of_source


def layer_names(by_head: Mapping[str, Alignment]) -> list[str]:
    """Return the names of the layers' means, the first layer first."""
    return [name for name in by_head if name != MEAN and "." not in name]


def overall(by_head: Mapping[str, Alignment]) -> str:
    """Return the name of the mean over all heads of all layers; of a single layer that is the layer's name."""
    return MEAN if MEAN in by_head else layer_names(by_head)[0]


def best_layer(by_head: Mapping[str, Alignment]) -> str:
    """Return the layer with the least error; a tie goes to the first. Choose on validation, report on test."""
    return min(layer_names(by_head), key=lambda layer: by_head[layer].error)


def _right_links(
    linked_XT: np.ndarray, reads_XT: np.ndarray, links: frozenset[tuple[int, int]], source_words: int
) -> np.ndarray:
    right_TS = np.zeros((linked_XT.shape[1], source_words), bool)
    for source, target in links:
        right_TS[target, source] = True
    return (right_TS[np.arange(linked_XT.shape[1]), linked_XT] & reads_XT).sum(axis=1)

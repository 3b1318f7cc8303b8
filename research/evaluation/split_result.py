"""The result of a run on one split: all measures, overall, broken down, and by layer and head.

An intervention is measured by the same call, with another translator:

    measure_split(run._replace(translator=run.translator.clone(...)), ...)
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.examples import Examples, Sentences
from research.data.pairs import Pair
from research.decoding.forced import Forced, force
from research.decoding.translate import Translations, translate_n_best
from research.evaluation import quality
from research.evaluation.alignment import (
    AlignmentCounts,
    count_alignment,
    count_without_attention,
    layer_names,
)
from research.evaluation.attention import MEAN, batch_rows
from research.evaluation.breakdown_rows import (
    Bins,
    bins_of,
    forced_rows,
    forced_scores,
    reference_words,
    translation_rows,
)
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.loaded_run import LoadedRun
from research.evaluation.perplexity import total
from research.evaluation.samples import sample_maps, samples
from research.results.measures import SEARCHED
from research.results.sums import error_below, order_sensitivity

SHUFFLE_SEED = 0
DIGITS = 4  # of the measures of a head: more would only make the file long

Track = Callable[[str, int], Callable[[int], None]]
"""(name of a task, its number of sentences) -> a function to call with each number of sentences that were finished."""


class SplitResult(NamedTuple):
    """All that was measured of a run on one split."""

    result: dict[str, Any]
    """The part of result.json for the split."""
    translations: dict[str, list[str]]
    """Texts by search, such as "beam5"."""
    counts: dict[str, np.ndarray]
    """Counts of each sentence, see `results.counts`."""


def measure_split(
    run: LoadedRun, data: EvaluationData, *, beams: Sequence[int], best_layer: Callable[[], str | None], track: Track
) -> SplitResult:
    """Measure a run on one split. Samples are taken from the widest beam.

    Args:
        run: the model.
        data: the split.
        beams: widths to translate with; 1 is greedy search.
        best_layer: returns the layer whose alignment is reported, or None for the mean of all. It is called if the
            model has several layers with attention.
        track: reports progress.

    Raises:
        ValueError: the split has no pair, or none that is not longer than data.max_tokens.
    """
    max_tokens = run.config.data.max_tokens
    refuse_unmeasurable(data, max_tokens)
    begin = time.monotonic()
    split, fitting, examples = data.split, data.examples.fitting(max_tokens), data.examples.within(max_tokens)
    model = (run.translator, run.params)

    def forced_on(sources: Sentences, task: str) -> list[Forced]:
        each = force(*model, Examples(sources, examples.targets), progress=track(task, len(fitting)), **run.batches)
        return [forced._replace(sentence=fitting[forced.sentence]) for forced in each]

    forced = forced_on(examples.sources, "perplexity")
    shuffled = forced_on(examples.sources.shuffled(SHUFFLE_SEED), "perplexity of shuffled sources")
    sums = total(forced)
    bins = bins_of(data, run.config.evaluation)
    aligned_counts = count_alignments(run, data, track)
    aligned, without_attention = None, {}
    if aligned_counts.by_head:
        within = data.only(fitting)
        without_attention = count_without_attention(within.split, within.gold)
        aligned = _alignment(within, aligned_counts, without_attention, best_layer)

    found: dict[str, Translations] = {}
    for beam in sorted(beams):
        found[f"beam{beam}"] = translate_n_best(
            *model,
            run.vocabularies,
            data.examples.sources,
            beam=beam,
            progress=track("greedy search" if beam == 1 else f"beam {beam}", len(split)),
            **run.search_options,
        )
    widest = [hypotheses[0] for hypotheses in found[f"beam{max(beams)}"].n_best]
    scores = {name: _scores(run, data, each.texts) for name, each in found.items()}
    result = {
        "sentences": len(split),
        "digest": _digest(split),
        "step": run.step,
        **forced_scores(sums, reference_words(split, fitting)),
        "order_sensitivity": order_sensitivity(sums.nats, total(shuffled).nats, sums.tokens),
        "too_long": len(split) - len(fitting),  # pairs that perplexity and token accuracy leave out
        "by": forced_rows(data, forced, bins, run.vocabularies.target),
        "searches": {name: _search_result(run, data, each, scores[name], bins) for name, each in found.items()},
        "alignment": aligned,
        "samples": samples(split, widest),
        "attention": sample_maps(run, data, widest, aligned["layer"] if aligned else MEAN),
        "seconds": time.monotonic() - begin,
    }
    counts = _forced_counts(data, forced, shuffled) | {
        f"{search}.{name}": np.array(each[name].counts, float) for search, each in scores.items() for name in SEARCHED
    }
    if aligned:
        of_layer_NC, distances_N2 = aligned_counts.by_head[aligned["layer"]], aligned_counts.distances_N2
        of_attention = {"alignment": of_layer_NC, "heads": distances_N2, **without_attention}
        for name, counts_NX in of_attention.items():
            counts[name] = np.zeros((len(split), counts_NX.shape[1]))
            counts[name][fitting] = counts_NX
    return SplitResult(result, {name: each.texts for name, each in found.items()}, counts)


def refuse_unmeasurable(data: EvaluationData, max_tokens: int) -> None:
    """Raise ValueError if the split has no pair, or none that is not longer than data.max_tokens."""
    if not data.split:
        raise ValueError("there is nothing to evaluate: the split has no sentences")
    if not data.examples.fitting(max_tokens):
        raise ValueError(f"every pair of the split is longer than data.max_tokens={max_tokens} of the run")


def count_alignments(run: LoadedRun, data: EvaluationData, track: Track) -> AlignmentCounts:
    """Count the alignment of the pairs that are not longer than data.max_tokens."""
    fitting = data.only(data.examples.fitting(run.config.data.max_tokens))
    return count_alignment(
        run.translator,
        run.params,
        run.vocabularies,
        fitting,
        devices=run.devices,
        batch_sentences=batch_rows(run.config.evaluation.batch_sentences, run.config.data.max_tokens),
        progress=track("alignment", len(fitting.split)),
    )


def _digest(split: Sequence[Pair]) -> str:
    """Return the beginning of the SHA-256 of all pairs: scores of the same sentences compare, of others do not."""
    lines = "".join(f"{pair.source}\t{pair.target}\n" for pair in split)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _scores(run: LoadedRun, data: EvaluationData, translations: Sequence[str]) -> dict[str, quality.CorpusScore]:
    tokenize = quality.tokenizer(run.config.evaluation.tokenize, run.config.data.languages[1])
    texts = translations, data.references
    cased, lowercased = quality.bleu_of_both_cases(*texts, tokenize=tokenize)
    return {
        "bleu": cased,
        "bleu_lowercased": lowercased,
        "chrf": quality.chrf(*texts),
        "ter": quality.ter(*texts, tokenize=tokenize),
    }


def _search_result(
    run: LoadedRun,
    data: EvaluationData,
    translations: Translations,
    scores: dict[str, quality.CorpusScore],
    bins: Bins,
) -> dict[str, Any]:
    by = translation_rows(data, translations.texts, scores, bins)
    return {
        **{name: {"score": each.score, "signature": each.signature} for name, each in scores.items()},
        "seconds": translations.seconds,
        "sentences_per_second": translations.sentences_per_second,
        "devices": f"{run.devices.count} × {run.devices.kind}",
        "truncated_sources": translations.truncated,
        "cut_off": sum(not hypotheses[0].ended for hypotheses in translations.n_best),
        "by": by,
        # As the report reads it.
        "bleu_by_length": [
            {"words": row["bin"], "sentences": row["sentences"], "bleu": row["bleu"]} for row in by["source_length"]
        ],
    }


def _forced_counts(data: EvaluationData, forced: Sequence[Forced], shuffled: Sequence[Forced]) -> dict[str, np.ndarray]:
    counts_NX = np.zeros((len(data.split), 5))
    for each, other in zip(forced, shuffled, strict=True):  # in the same order: batches go by length
        words = reference_words(data.split, [each.sentence])
        counts_NX[each.sentence] = *total([each]), words, total([other]).nats
    return dict(zip(("nll", "correct", "tokens", "words", "shuffled"), counts_NX.T, strict=True))


def _alignment(
    data: EvaluationData,
    counts: AlignmentCounts,
    without_attention: dict[str, np.ndarray],
    best_layer: Callable[[], str | None],
) -> dict[str, Any]:
    """Return the measures of the reported layer, and below "by_head" those of all heads.

    head_distance is the mean over all layers; None if no layer has two heads.
    """
    by_head = counts.total()
    layers = layer_names(by_head)
    layer = layers[0] if len(layers) == 1 else best_layer() or MEAN
    return {
        **by_head[layer].measures(),
        **{
            f"below_{name}": error_below(*by_head[layer], *counts_N4.sum(axis=0))
            for name, counts_N4 in without_attention.items()
        },
        "layer": layer,
        "gold_sentences": sum(bool(gold.possible) for gold in data.gold),
        "head_distance": counts.head_distance,
        "by_head": {name: _rounded(each.measures()) for name, each in by_head.items()},
    }


def _rounded(measures: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value if value is None else round(value, DIGITS) for name, value in measures.items()}

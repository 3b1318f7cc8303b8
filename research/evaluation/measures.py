"""All that is measured of a run on one split: overall, broken down, and by layer and head.

It goes by the run's translator, so that an intervention is measured by the same call:

    measure(run._replace(translator=run.translator.clone(...)), ...)
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.examples import Examples, Sentences
from research.data.pairs import Split
from research.decoding.forced import Forced, force
from research.decoding.translate import Translations, translate_n_best
from research.evaluation import alignment, quality
from research.evaluation.attention import MEAN, batch_rows
from research.evaluation.breakdown import BREAKDOWNS, labels, members
from research.evaluation.gold import Gold
from research.evaluation.perplexity import total
from research.evaluation.samples import sample_maps, samples
from research.evaluation.trained import Trained
from research.evaluation.word_frequency import Frequencies, forced_by_frequency, found_by_frequency
from research.results.measures import SEARCHED
from research.results.sums import CrossEntropy, order_sensitivity

SHUFFLE_SEED = 0
DIGITS = 4  # of a head's measures: more would only make the file long

Track = Callable[[str, int], Callable[[int], None]]
"""(what is done, of how many sentences) -> what to call with each number done."""


class Material(NamedTuple):
    """A split, and what is known about it."""

    split: Split
    gold: Sequence[Gold]
    """One for each pair."""
    counts: Counter[str] | None
    """Of the target words in the training split; None: the run folder does not tell."""
    examples: Examples
    """The split as ids of the run's vocabularies."""


class Measured(NamedTuple):
    """result: what result.json holds of one split. translations: by search ("beam5"). counts: see `counts`."""

    result: dict[str, Any]
    translations: dict[str, list[str]]
    counts: dict[str, np.ndarray]


def measure(
    run: Trained, material: Material, *, beams: Sequence[int], best_layer: Callable[[], str | None], track: Track
) -> Measured:
    """Everything of one split. Samples are of the widest beam.

    best_layer: which layer's alignment is reported, asked for when there are several; None: the mean of all.
    """
    split = material.split
    if not split:
        raise ValueError("there is nothing to evaluate: the split has no sentence")
    begin = time.monotonic()
    max_tokens = run.config.data.max_tokens
    fitting, examples = material.examples.fitting(max_tokens), material.examples.within(max_tokens)
    if not fitting:
        raise ValueError(f"every pair of the split is longer than data.max_tokens={max_tokens} of the run")
    model = (run.translator, run.params)

    def forced_on(sources: Sentences, what: str) -> list[Forced]:
        each = force(*model, Examples(sources, examples.targets), progress=track(what, len(fitting)), **run.batches)
        return [forced._replace(sentence=fitting[forced.sentence]) for forced in each]

    forced = forced_on(examples.sources, "perplexity")
    shuffled = forced_on(examples.sources.shuffled(SHUFFLE_SEED), "perplexity of shuffled sources")
    sums, shuffled_sums = total(forced), total(shuffled)
    bins = _bins(run, material)
    frequencies = _frequencies(run, material)
    counted = _align(run, material, fitting, track)
    aligned = _alignment(material, fitting, counted, best_layer)

    found: dict[str, Translations] = {}
    for beam in sorted(beams):
        found[f"beam{beam}"] = translate_n_best(
            *model,
            run.vocabularies,
            material.examples.sources,
            beam=beam,
            progress=track("greedy search" if beam == 1 else f"beam {beam}", len(split)),
            **run.search_options,
        )
    widest = [hypotheses[0] for hypotheses in found[f"beam{max(beams)}"].n_best]
    scores = {name: _scores(run, split, translations.texts) for name, translations in found.items()}
    result = {
        "sentences": len(split),
        "step": run.step,
        **_entropy(sums, _words(split, fitting)),
        "order_sensitivity": order_sensitivity(sums.nats, shuffled_sums.nats, sums.tokens),
        "too_long": len(split) - len(fitting),  # pairs that perplexity and token accuracy leave out
        "by": _entropy_by(run, split, forced, bins, frequencies),
        "searches": {
            name: _searched(run, split, each, scores[name], bins, frequencies) for name, each in found.items()
        },
        "alignment": aligned,
        "samples": samples(split, widest),
        "attention": sample_maps(run, split, material.examples.sources, widest, aligned["layer"] if aligned else MEAN),
        "seconds": time.monotonic() - begin,
    }
    counts = _counts(split, forced, shuffled) | {
        f"{search}.{name}": np.array(each[name].counts, float) for search, each in scores.items() for name in SEARCHED
    }
    if aligned:
        for name, counts_NX in (("alignment", counted.by_head[aligned["layer"]]), ("heads", counted.distances_N2)):
            counts[name] = np.zeros((len(split), counts_NX.shape[1]))
            counts[name][fitting] = counts_NX
    return Measured(result, {name: translations.texts for name, translations in found.items()}, counts)


def align(run: Trained, material: Material, track: Track) -> dict[str, alignment.Alignment]:
    """`alignment.measure` of the pairs that are not too long."""
    fitting = material.examples.fitting(run.config.data.max_tokens)
    return alignment.total(_align(run, material, fitting, track).by_head)


Bins = dict[str, dict[str, list[int]]]
"""breakdown -> bin -> which sentences are in it."""


def _bins(run: Trained, material: Material) -> Bins:
    """Breakdowns that have no sentence are left out."""
    found = {}
    for name, breakdown in BREAKDOWNS.items():
        edges = run.config.evaluation[breakdown.scale]
        numbers = [
            breakdown.number(pair, gold, material.counts)
            for pair, gold in zip(material.split, material.gold, strict=True)
        ]
        found[name] = members(numbers, labels(breakdown.scale, edges), edges)
    return {name: bins for name, bins in found.items() if bins}


def _frequencies(run: Trained, material: Material) -> Frequencies | None:
    if material.counts is None:
        return None
    return Frequencies(material.counts, run.config.evaluation.frequency_bins)


def _words(split: Split, sentences: Sequence[int]) -> int:
    """The references' words and end marks: what `perplexity_per` word divides by."""
    return sum(len(split[index].target.split()) + 1 for index in sentences)


def _counts(split: Split, forced: Sequence[Forced], shuffled: Sequence[Forced]) -> dict[str, np.ndarray]:
    """Those of the references; see `counts`."""
    counts_NX = np.zeros((len(split), 5))
    for each, other in zip(forced, shuffled, strict=True):  # batches go by length, which no shuffle changes
        counts_NX[each.sentence] = *total([each]), _words(split, [each.sentence]), total([other]).nats
    return dict(zip(("nll", "correct", "tokens", "words", "shuffled"), counts_NX.T, strict=True))


def _entropy(sums: CrossEntropy, words: int) -> dict[str, Any]:
    return {
        "perplexity": sums.perplexity,
        "word_perplexity": sums.perplexity_per(words),
        "token_accuracy": sums.token_accuracy,
    }


def _entropy_by(
    run: Trained, split: Split, forced: Sequence[Forced], bins: Bins, frequencies: Frequencies | None
) -> dict[str, list[dict[str, Any]]]:
    of_sentence = {each.sentence: each for each in forced}
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, sentences in bins.items():
        rows[name] = []
        for label, where in sentences.items():
            kept = [index for index in where if index in of_sentence]
            if kept:
                sums = total(of_sentence[index] for index in kept)
                rows[name].append({"bin": label, "sentences": len(kept), **_entropy(sums, _words(split, kept))})
    if frequencies:
        references = [pair.target for pair in split]
        found = forced_by_frequency(forced, references, run.vocabularies.target, frequencies)
        rows["word_frequency"] = [{"bin": label, "words": n, **_entropy(sums, n)} for label, n, sums in found]
    return rows


def _scores(run: Trained, split: Split, hypotheses: Sequence[str]) -> dict[str, quality.Score]:
    references = [pair.target for pair in split]
    tokenize = quality.tokenizer(run.config.evaluation.tokenize, run.config.data.languages[1])
    return {
        "bleu": quality.bleu(hypotheses, references, tokenize=tokenize, lowercase=False),
        "bleu_lowercased": quality.bleu(hypotheses, references, tokenize=tokenize, lowercase=True),
        "chrf": quality.chrf(hypotheses, references),
        "ter": quality.ter(hypotheses, references),
    }


def _searched(
    run: Trained,
    split: Split,
    translations: Translations,
    scores: dict[str, quality.Score],
    bins: Bins,
    frequencies: Frequencies | None,
) -> dict[str, Any]:
    by: dict[str, list[dict[str, Any]]] = {
        name: [
            {"bin": label, "sentences": len(where), **{metric: scores[metric].of(where).score for metric in SEARCHED}}
            for label, where in sentences.items()
        ]
        for name, sentences in bins.items()
    }
    if frequencies:
        references = [pair.target for pair in split]
        by["word_frequency"] = found_by_frequency(translations.texts, references, frequencies)
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


def _align(run: Trained, material: Material, sentences: Sequence[int], track: Track) -> alignment.Counted:
    return alignment.count(
        run.translator,
        run.params,
        run.vocabularies,
        [material.split[index] for index in sentences],
        [material.gold[index] for index in sentences],
        examples=material.examples.only(sentences),
        devices=run.devices,
        batch_sentences=batch_rows(run.config.evaluation.batch_sentences, run.config.data.max_tokens),
        progress=track("alignment", len(sentences)),
    )


def _alignment(
    material: Material,
    sentences: Sequence[int],
    counted: alignment.Counted,
    best_layer: Callable[[], str | None],
) -> dict[str, Any] | None:
    """The measures of one layer, and below "by_head" those of every layer and head; None without attention.

    head_distance is of all layers, and None where none has two heads.
    """
    by_head = alignment.total(counted.by_head)
    if not by_head:
        return None
    layers = alignment.layers(by_head)
    layer = layers[0] if len(layers) == 1 else best_layer() or MEAN
    table = {name: _rounded(each.measures()) for name, each in by_head.items()}
    known = sum(bool(material.gold[index].possible) for index in sentences)
    return {
        **by_head[layer].measures(),
        "layer": layer,
        "gold_sentences": known,
        "head_distance": counted.head_distance,
        "by_head": table,
    }


def _rounded(measures: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value if value is None else round(value, DIGITS) for name, value in measures.items()}

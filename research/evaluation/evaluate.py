"""A run folder to its result: every measure of every split, written where the report finds it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from research.data.examples import encode, encode_texts
from research.data.pairs import Split
from research.decoding.translate import Translation, Translations, translate_n_best
from research.evaluation import alignment, quality
from research.evaluation.attention import MEAN, maps
from research.evaluation.length_bins import by_length, labels
from research.evaluation.perplexity import cross_entropy
from research.evaluation.trained import Trained, load
from research.training.checkpoint import refuse_unknown

SAMPLES = 8  # sentences shown with their translation
MAPS = 4  # sentences shown with what was read
DIGITS = 4  # of a weight in a map: more would only make the file long

Track = Callable[[str, int], Callable[[int], None]]
"""(what is done, of how many sentences) -> what to call with each number done."""


def evaluate(
    workdir: Path | str, *, command: str, split: str | None = None, beams: Sequence[int] | None = None
) -> dict[str, Any]:
    """Measure the run at `workdir`, write its result.json and translations/, and return the result.

    command: how to do it again, kept with each search. split: None is every test split. beams: None is greedy and the
    config's beam.
    """
    console = Console(stderr=True)
    run = load(workdir)
    names = [split] if split else [name for name in run.folder.splits() if name != "validation"]
    if not names:
        raise ValueError(f"{run.folder.path} holds no test split; name one with --split=validation")
    pairs = {name: run.split(name) for name in names}
    wanted = beams or sorted({1, run.config.evaluation.beam})
    for name in names:
        columns = TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console) as bars:

            def track(what: str, sentences: int, name: str = name, bars: Progress = bars) -> Callable[[int], None]:
                task = bars.add_task(f"{name}: {what}", total=sentences)
                return lambda done: bars.advance(task, done)

            measured, translations = measure(run, pairs[name], beams=wanted, track=track)
        for scores in measured["searches"].values():
            scores["command"] = command
        for search, texts in translations.items():
            run.folder.write_text(f"translations/{name}.{search}.txt", "".join(f"{text}\n" for text in texts))
        run.folder.write_result(name, measured)
        console.print(_summary(name, measured), soft_wrap=True, highlight=False)
    return run.folder.result()


def refuse_impossible(fields: ConfigDict) -> None:
    """ValueError for settings that `evaluate` would stumble over: better before training than after it."""
    refuse_unknown(fields.checkpoint)
    labels(fields.length_bins)
    for name, least in (("beam", 1), ("batch_sentences", 1), ("length_penalty", 0), ("extra_tokens", 0)):
        if not fields[name] >= least:
            raise ValueError(f"evaluation.{name}={fields[name]} must be at least {least}")


def measure(
    run: Trained, split: Split, *, beams: Sequence[int], track: Track
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What result.json holds of one split, and the translations by search ("beam5"). Samples are of the widest beam."""
    if not split:
        raise ValueError("there is nothing to evaluate: the split has no sentence")
    begin = time.monotonic()
    model = (run.translator, run.params)
    shared = {"devices": run.devices, "batch_sentences": run.config.evaluation.batch_sentences}
    max_tokens = run.config.data.max_tokens
    examples = encode(split, run.vocabularies).within(max_tokens)
    if not examples.count:
        raise ValueError(f"every pair of the split is longer than data.max_tokens={max_tokens} of the run")
    entropy = cross_entropy(*model, examples, progress=track("perplexity", examples.count), **shared)
    aligned = _alignment(run, split, track)

    found: dict[str, Translations] = {}
    for beam in sorted(beams):
        found[f"beam{beam}"] = translate_n_best(
            *model,
            run.vocabularies,
            [pair.source for pair in split],
            beam=beam,
            progress=track("greedy search" if beam == 1 else f"beam {beam}", len(split)),
            **run.search_options,
        )
    widest = [hypotheses[0] for hypotheses in found[f"beam{max(beams)}"].n_best]
    measured = {
        "sentences": len(split),
        "step": run.step,
        "perplexity": entropy.perplexity,
        "too_long": len(split) - examples.count,  # pairs that perplexity and token accuracy leave out
        "token_accuracy": entropy.token_accuracy,
        "searches": {name: _scores(run, split, translations) for name, translations in found.items()},
        "alignment": aligned,
        "samples": _samples(split, widest),
        "attention": _maps(run, split, widest, aligned["layer"] if aligned else MEAN),
        "seconds": time.monotonic() - begin,
    }
    return measured, {name: translations.texts for name, translations in found.items()}


def spread(lengths: Sequence[int], count: int) -> list[int]:
    """`count` indices from the shortest to the longest, evenly over the ranks; all when there are fewer."""
    order = np.argsort(lengths, kind="stable")
    ranks = (np.arange(count) + 0.5) * len(order) / count if count < len(order) else np.arange(len(order))
    return [int(order[int(rank)]) for rank in ranks]


def _scores(run: Trained, split: Split, translations: Translations) -> dict[str, Any]:
    references, hypotheses = [pair.target for pair in split], translations.texts
    fields = run.config.evaluation
    tokenize = quality.tokenizer(fields.tokenize, run.config.data.languages[1])

    def points(hypotheses: Sequence[str], references: Sequence[str]) -> float:
        return quality.bleu(hypotheses, references, tokenize=tokenize, lowercase=False).score

    bins = by_length([pair.source for pair in split], hypotheses, references, edges=fields.length_bins, measure=points)
    return {
        "bleu": quality.bleu(hypotheses, references, tokenize=tokenize, lowercase=False)._asdict(),
        "bleu_lowercased": quality.bleu(hypotheses, references, tokenize=tokenize, lowercase=True)._asdict(),
        "chrf": quality.chrf(hypotheses, references)._asdict(),
        "ter": quality.ter(hypotheses, references)._asdict(),
        "seconds": translations.seconds,
        "sentences_per_second": translations.sentences_per_second,
        "devices": f"{run.devices.count} × {run.devices.kind}",
        "truncated_sources": translations.truncated,
        "cut_off": sum(not hypotheses[0].ended for hypotheses in translations.n_best),
        "bleu_by_length": [each._asdict() for each in bins],
    }


def _alignment(run: Trained, split: Split, track: Track) -> dict[str, Any] | None:
    """The error of the layer that has the least on validation; None without attention or without a gold alignment."""
    options = {"devices": run.devices, "batch_sentences": run.config.evaluation.batch_sentences}
    aligned = sum(bool(pair.alignment) for pair in split)
    if not aligned:
        return None
    model = (run.translator, run.params, run.vocabularies)
    by_layer = alignment.measure(*model, split, progress=track("alignment", aligned), **options)
    if not by_layer:
        return None
    layer = list(by_layer)[-1]
    if len(by_layer) > 1:
        validation = alignment.measure(*model, run.split("validation"), **options)
        layer = alignment.best_layer(validation) if validation else layer  # the last one where nothing says which
    links = by_layer[layer]
    return {"error": links.error, "precision": links.precision, "recall": links.recall, "layer": layer}


def _samples(split: Split, translations: Sequence[Translation]) -> list[dict[str, str]]:
    chosen = spread([len(pair.source.split()) for pair in split], SAMPLES)
    return [
        {"source": split[i].source, "reference": split[i].target, "hypothesis": translations[i].text} for i in chosen
    ]


def _maps(run: Trained, split: Split, translations: Sequence[Translation], layer: str) -> list[dict[str, Any]]:
    """What was read to write the model's own translations. Which sentences depends on the sources alone."""
    chosen = spread([len(pair.source.split()) for pair in split], MAPS)
    sources = encode_texts([split[i].source for i in chosen], run.vocabularies.source)
    sources = sources.cut_to(run.config.data.max_tokens - 1)  # as much as was translated
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


def _summary(split: str, measured: dict[str, Any]) -> str:
    parts = [f"perplexity {measured['perplexity']:.2f}", f"token accuracy {100 * measured['token_accuracy']:.1f} %"]
    if measured["too_long"]:
        parts.append(f"{measured['too_long']:,} pairs longer than data.max_tokens are left out of both")
    for search, scores in measured["searches"].items():
        how = "greedy" if search == "beam1" else search.replace("beam", "beam ")
        bleu, chrf, ter = (scores[name]["score"] for name in ("bleu", "chrf", "ter"))
        parts.append(f"{how} BLEU {bleu:.2f}, chrF {chrf:.1f}, TER {ter:.1f}")
        if scores["cut_off"]:
            parts.append(f"{scores['cut_off']:,} translations cut off")
    truncated = max(scores["truncated_sources"] for scores in measured["searches"].values())
    if truncated:
        parts.append(f"of {truncated:,} sources longer than data.max_tokens only the beginning was translated")
    if measured["alignment"]:
        parts.append(f"alignment error {100 * measured['alignment']['error']:.1f} %")
    return f"{split}: {' · '.join(parts)}"

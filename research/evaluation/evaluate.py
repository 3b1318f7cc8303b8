"""A run folder to its result: every measure of every split, written where the report finds it."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from research.data.examples import encode
from research.data.word_counts import read_counts
from research.decoding.beam import LENGTH_PENALTIES
from research.evaluation.alignment import best_layer, layers
from research.evaluation.breakdown import SCALES, labels
from research.evaluation.gold import gold_of, read_gold
from research.evaluation.interventions import intervene
from research.evaluation.measures import Material, align, measure
from research.evaluation.result_tables import in_markdown, on_terminal
from research.evaluation.trained import Trained, load
from research.results.counts import write as write_counts
from research.results.evaluation_weights import refuse_unknown
from research.results.run_folder import search_words

VALIDATION = "validation"


def evaluate(
    workdir: Path | str,
    *,
    command: str,
    split: str | None = None,
    every_split: bool = False,
    beams: Sequence[int] | None = None,
    gold: Path | None = None,
    interventions: bool = False,
) -> dict[str, Any]:
    """Measure the run at `workdir`, write its result.json, result.md, translations/ and counts/, and return the result.

    command: how to do it again, kept with each search. split: None is every test split, and with `every_split` the
    validation split too; then the tables are printed. beams: None is greedy and the config's beam. gold: alignments of
    the one split in a Pharaoh file, instead of those that the corpus brings. interventions: see `intervene`; each takes
    as long as translating the split once more.
    """
    console = Console(stderr=True)
    run = load(workdir)
    names = [split] if split else [name for name in run.folder.splits() if every_split or name != VALIDATION]
    if not names:
        raise ValueError(f"{run.folder.path} holds no test split; name one with --split={VALIDATION}")
    if gold and len(names) > 1:
        raise ValueError(f"{gold} aligns one split; name it with --split: {', '.join(names)}")
    word_counts = read_counts(run.folder.vocabulary)
    wanted = beams or sorted({1, run.config.evaluation.beam})

    @cache
    def material(name: str) -> Material:
        pairs = run.split(name)
        aligned = read_gold(gold, pairs) if gold and name in names else gold_of(pairs)
        return Material(pairs, aligned, word_counts, encode(pairs, run.vocabularies))

    @cache
    def layer() -> str | None:
        return _best_layer(run, material(VALIDATION))

    for name in names:
        material(name)  # all are read before any is measured
    for name in names:
        columns = TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console) as bars:

            def track(what: str, sentences: int, name: str = name, bars: Progress = bars) -> Callable[[int], None]:
                task = bars.add_task(f"{name}: {what}", total=sentences)
                return lambda done: bars.advance(task, done)

            measured, translations, counts = measure(run, material(name), beams=wanted, best_layer=layer, track=track)
            if measured["alignment"] and gold:
                measured["alignment"]["gold"] = str(gold)
            if interventions:
                measured["interventions"] = intervene(run, material(name), track)
        for scores in measured["searches"].values():
            scores["command"] = command
        for search, texts in translations.items():
            run.folder.write_text(f"translations/{name}.{search}.txt", "".join(f"{text}\n" for text in texts))
        write_counts(run.folder, name, run.step, counts)
        run.folder.write_result(name, measured)
        console.print(_summary(name, measured), soft_wrap=True, highlight=False)
    result = run.folder.result()
    run.folder.write_text("result.md", in_markdown(result))
    if every_split or interventions:
        Console().print(on_terminal(result))
    if word_counts is None:
        console.print(
            f"note: {run.folder.path} holds no word counts of its training split, so breakdowns by them are left out; "
            "the command that trained it writes them",
            soft_wrap=True,
            highlight=False,
        )
    return result


def refuse_impossible(fields: ConfigDict, *, attends: bool) -> None:
    """ValueError for settings that `evaluate` would stumble over: better before training than after it.

    attends: whether the model reads its source while it writes.
    """
    refuse_unknown(fields.checkpoint)
    for scale in SCALES:
        labels(scale, fields[scale])
    if fields.length_normalisation not in LENGTH_PENALTIES:
        raise ValueError(
            f"evaluation.length_normalisation={fields.length_normalisation!r} is unknown; choose one of "
            f"{', '.join(LENGTH_PENALTIES)}"
        )
    if fields.coverage_penalty and not attends:
        raise ValueError(
            "evaluation.coverage_penalty needs a model that attends, and model.reader=none does not: set it to 0"
        )
    at_least_1, at_least_0 = ("beam", "batch_sentences"), ("length_penalty", "coverage_penalty", "extra_tokens")
    for name, least in [*((name, 1) for name in at_least_1), *((name, 0) for name in at_least_0)]:
        if not least <= fields[name] < math.inf:
            raise ValueError(f"evaluation.{name}={fields[name]} must be at least {least}")


def _best_layer(run: Trained, validation: Material) -> str | None:
    """The layer whose alignment is reported; None where validation has no gold alignment to choose it by."""
    if not any(each.possible for each in validation.gold):
        return None
    by_head = align(run, validation, lambda what, sentences: lambda done: None)
    return best_layer(by_head) if layers(by_head) else None


def _summary(split: str, measured: dict[str, Any]) -> str:
    parts = [f"perplexity {measured['perplexity']:.2f}", f"token accuracy {100 * measured['token_accuracy']:.1f} %"]
    if measured["too_long"]:
        parts.append(f"{measured['too_long']:,} pairs longer than data.max_tokens are left out of both")
    for search, scores in measured["searches"].items():
        bleu, chrf, ter = (scores[name]["score"] for name in ("bleu", "chrf", "ter"))
        parts.append(f"{search_words(search)} BLEU {bleu:.2f}, chrF {chrf:.1f}, TER {ter:.1f}")
        if scores["cut_off"]:
            parts.append(f"{scores['cut_off']:,} translations cut off")
    truncated = max(scores["truncated_sources"] for scores in measured["searches"].values())
    if truncated:
        parts.append(f"of {truncated:,} sources longer than data.max_tokens only the beginning was translated")
    if measured["alignment"] and measured["alignment"]["error"] is not None:
        parts.append(f"alignment error {100 * measured['alignment']['error']:.1f} %")
    return f"{split}: {' · '.join(parts)}"

"""Evaluate a run folder: measure its splits and write the results into it."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from research.data.examples import encode
from research.data.pairs import Split
from research.data.word_counts import read_counts
from research.decoding.beam import LENGTH_PENALTIES
from research.evaluation.added_split import ParallelFiles, add_split, read_files
from research.evaluation.alignment import best_layer, layer_names
from research.evaluation.breakdown import SCALES, labels
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.gold import GoldFile, gold_of, read_gold
from research.evaluation.interventions import intervene
from research.evaluation.loaded_run import LoadedRun, load
from research.evaluation.quality import unspaced
from research.evaluation.result_tables import in_markdown, on_terminal
from research.evaluation.split_result import count_alignments, measure_split, refuse_unmeasurable
from research.files import refuse_unwritable
from research.parallel import processes
from research.results.counts import write as write_counts
from research.results.evaluation_weights import refuse_unknown
from research.results.ranges import refuse_out_of_range
from research.results.run_folder import RunFolder, search_words

VALIDATION = "validation"


def evaluate(
    workdir: Path | str,
    *,
    command: str,
    split: str | None = None,
    every_split: bool = False,
    files: ParallelFiles | None = None,
    beams: Sequence[int] | None = None,
    gold: Path | None = None,
    interventions: bool = False,
) -> dict[str, Any]:
    """Measure a run, and write its result.json, result.md, translations/ and counts/.

    Args:
        workdir: the run folder.
        command: the command line that repeats the evaluation, kept with each search.
        split: the split to measure; None is every test split.
        every_split: measure the validation split too, and print the tables.
        files: a test set to measure instead, which is added to the splits of the run.
        beams: widths to translate with; None is greedy search and the config's beam.
        gold: a Pharaoh file with the alignments of the one split; None takes those that the corpus holds.
        interventions: measure interventions too (see `intervene`), each of which takes one greedy translation.

    Returns:
        The content of result.json.

    Raises:
        ValueError: there is no such split, `files` are no test set, or `gold` is given for several splits or does
            not fit.
        FileNotFoundError: there is no run folder, or no checkpoint in it.
        OSError: the folder cannot be written.
    """
    console = Console(stderr=True)
    path = RunFolder.existing(workdir).path
    for folder in (path, path / "translations", path / "counts"):
        refuse_unwritable(folder)
    run = load(workdir)
    added = read_files(files, run.folder, lowercase=run.config.data.lowercase) if files else None
    split = added.name if added else split
    names = [split] if split else [name for name in run.folder.splits() if every_split or name != VALIDATION]
    if not names:
        raise ValueError(f"{run.folder.path} holds no test split; choose another with --split={VALIDATION}")
    if gold and len(names) > 1:
        raise ValueError(f"{gold} aligns one split; name it with --split: {', '.join(names)}")
    word_counts = read_counts(run.folder.vocabulary)
    wanted = beams or sorted({1, run.config.evaluation.beam})

    def pairs_of(name: str) -> Split:
        return added.pairs if added and name in names else run.split(name)

    @cache
    def aligned(name: str) -> GoldFile | None:
        return read_gold(gold, pairs_of(name)) if gold and name in names else None

    @cache
    def data(name: str) -> EvaluationData:
        pairs, of_file = pairs_of(name), aligned(name)
        alignments = of_file.alignments if of_file else gold_of(pairs)
        return EvaluationData(pairs, alignments, word_counts, encode(pairs, run.vocabularies))

    @cache
    def layer() -> str | None:
        return _best_layer(run, data(VALIDATION))

    for name in names:
        refuse_unmeasurable(data(name), run.config.data.max_tokens)  # in any, before the first is measured
    if added:
        add_split(added, run.folder)
    for name in names:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as bars:

            def track(task: str, sentences: int, name: str = name, bars: Progress = bars) -> Callable[[int], None]:
                bar = bars.add_task(f"{name}: {task}", total=sentences)
                return lambda done: bars.advance(bar, done)

            measured, translations, counts = measure_split(run, data(name), beams=wanted, best_layer=layer, track=track)
            if measured["alignment"] and (of_file := aligned(name)):
                measured["alignment"] |= {"gold": str(gold), "gold_sha256": of_file.sha256}
            if interventions:
                measured["interventions"] = intervene(run, data(name), track)
        for scores in measured["searches"].values():
            scores["command"] = command
        for search, texts in translations.items():
            run.folder.write_text(f"translations/{name}.{search}.txt", "".join(f"{text}\n" for text in texts))
        write_counts(run.folder, name, run.step, counts)
        run.folder.write_result(name, measured)
        console.print(_summary(name, measured), soft_wrap=True, markup=False, highlight=False)
    processes.agree(0)  # that the first has written it
    result = run.folder.result()
    run.folder.write_text("result.md", in_markdown(result))
    if every_split or interventions:
        Console().print(on_terminal(result))
    for note in _notes(run, counted=word_counts is not None):
        console.print(f"note: {note}", soft_wrap=True, markup=False, highlight=False)
    return result


def refuse_impossible(fields: ConfigDict, *, attends: bool) -> None:
    """Refuse settings that would make `evaluate` fail: better before training than after it.

    Args:
        fields: config.evaluation.
        attends: True for a model with attention.

    Raises:
        ValueError: a field has a value that is unknown, out of range or impossible for the model.
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
    refuse_out_of_range(fields, "evaluation")


def _best_layer(run: LoadedRun, validation: EvaluationData) -> str | None:
    """Choose the layer whose alignment is reported; None without a gold alignment of the validation split."""
    if not any(each.possible for each in validation.gold):
        return None
    by_head = count_alignments(run, validation, lambda task, sentences: lambda done: None).total()
    return best_layer(by_head) if layer_names(by_head) else None


def _notes(run: LoadedRun, *, counted: bool) -> Iterator[str]:
    """Yield what a reader of the scores must know. `counted`: whether there are word counts of the training split."""
    if not counted:
        yield (
            f"{run.folder.path} holds no word counts of its training split, so breakdowns by them are left out; the "
            "command that trained it writes them"
        )
    if language := unspaced(run.config.evaluation.tokenize, run.config.data.languages[1]):
        yield (
            f"sacreBLEU has no tokeniser for {language}, which has no spaces between words: all between two spaces is "
            "one word of BLEU and TER; go by chrF, or add BLEU of characters with `evaluate --tokenizer=char`"
        )


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
        parts.append(f"only the beginning of {truncated:,} sources longer than data.max_tokens was translated")
    if measured["alignment"] and measured["alignment"]["error"] is not None:
        parts.append(f"alignment error {100 * measured['alignment']['error']:.1f} %")
    return f"{split}: {' · '.join(parts)}"

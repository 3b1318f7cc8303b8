"""Lines of text through a run folder: what `run.py translate` does."""

from pathlib import Path
from typing import BinaryIO, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from research.data.text import split_lines
from research.decoding.translate import translate_n_best
from research.evaluation.trained import load
from research.evaluation.write_attention import Draw, Page, write_attention


def translate_text(
    workdir: Path | str,
    source: BinaryIO,
    output: TextIO,
    *,
    beam: int | None = None,
    attention: Path | None = None,
    draw: Draw | None = None,
    page: Page | None = None,
) -> None:
    """Translate `source`, UTF-8 with a sentence a line, to `output`, line for line; an empty line stays empty.

    beam: None is the config's. attention: a folder for what was read (see `write_attention`); `draw` and `page` make
    its pictures and its page. Notes go to stderr.
    """
    run = load(workdir)
    sentences = split_lines(source.read(), "standard input")
    if run.config.data.lowercase:
        sentences = [sentence.lower() for sentence in sentences]
    console = Console(stderr=True)
    columns = TextColumn("translating"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(sentences))
        found = translate_n_best(
            run.translator,
            run.params,
            run.vocabularies,
            sentences,
            beam=beam or run.config.evaluation.beam,
            progress=lambda done: bar.advance(task, done),
            **run.search_options,
        )
    for text in found.texts:
        output.write(f"{text}\n")
    output.flush()
    if found.truncated:
        console.print(
            f"note: {found.truncated:,} of {len(sentences):,} lines are longer than data.max_tokens="
            f"{run.config.data.max_tokens} subwords; only their beginning was translated",
            soft_wrap=True,
        )
    if attention is not None:
        targets = [hypotheses[0].ids for hypotheses in found.n_best]
        write_attention(run, sentences, found.texts, targets, attention, draw=draw, page=page, console=console)

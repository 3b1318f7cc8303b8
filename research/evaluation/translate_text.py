"""Lines of text through a run folder: what `run.py translate` does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track

from research.data.examples import encode_texts
from research.data.text import split_lines
from research.decoding.translate import translate_n_best
from research.evaluation.attention import maps
from research.evaluation.trained import Trained, load

Draw = Callable[[Sequence[str], Sequence[str], Sequence[Sequence[float]]], bytes]
"""(source tokens, target tokens, weights_TS) as a PNG."""


def translate_text(
    workdir: Path | str,
    source: BinaryIO,
    output: TextIO,
    *,
    beam: int | None = None,
    attention: Path | None = None,
    draw: Draw | None = None,
) -> None:
    """Translate `source`, UTF-8 with a sentence a line, to `output`, line for line; an empty line stays empty.

    beam: None is the config's. attention: a folder for what was read: NNNN.npz (source_tokens, target_tokens, weights)
    and, with `draw`, NNNN.png for line NNNN, counted from 1. Notes go to stderr.
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
        _write_maps(run, sentences, [hypotheses[0].ids for hypotheses in found.n_best], attention, draw, console)


def _write_maps(
    run: Trained,
    sentences: list[str],
    targets: list[tuple[int, ...]],
    folder: Path,
    draw: Draw | None,
    console: Console,
) -> None:
    encoded = encode_texts(sentences, run.vocabularies.source).cut_to(run.config.data.max_tokens - 1)
    written = [index for index, length in enumerate(encoded.lengths) if length]
    drawn = maps(
        run.translator,
        run.params,
        run.vocabularies,
        [encoded[index].tolist() for index in written],
        [targets[index] for index in written],
        devices=run.devices,
        batch_sentences=run.config.evaluation.batch_sentences,
    )
    if not drawn:
        why = "this model does not attend (model.reader=none)" if written else "there is no text"
        console.print(f"note: nothing to draw: {why}", soft_wrap=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for index, each in track(list(zip(written, drawn, strict=True)), "maps", console=console, transient=True):
        stem = folder / f"{index + 1:04d}"
        arrays = [
            np.asarray(part) for part in (each.source_tokens, each.target_tokens, np.array(each.weights, np.float32))
        ]
        np.savez_compressed(
            stem.with_suffix(".npz"), source_tokens=arrays[0], target_tokens=arrays[1], weights=arrays[2]
        )
        if draw:
            stem.with_suffix(".png").write_bytes(draw(each.source_tokens, each.target_tokens, each.weights))

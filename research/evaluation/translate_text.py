"""Lines of text through a run folder: what `run.py translate` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from rich.console import Console

from research.data.text import split_lines
from research.decoding.search import Beam, Greedy, Sampling, Search
from research.decoding.translate import translate_by
from research.evaluation.progress_bar import progress_bar
from research.evaluation.trained import load
from research.evaluation.write_attention import Draw, Page, write_attention


def translate_text(
    workdir: Path | str,
    source: BinaryIO,
    output: TextIO,
    *,
    also: Sequence[Path] = (),
    last: int = 0,
    beam: int | None = None,
    n_best: int | None = None,
    sample: int | None = None,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int | None = None,
    attention: Path | None = None,
    draw: Draw | None = None,
    page: Page | None = None,
) -> None:
    """Translate `source`, UTF-8 with a sentence a line, to `output`, line for line; an empty line stays empty.

    also: run folders that translate with the one at `workdir`, as an ensemble; last: so many checkpoints of each, too.
    beam: None is the config's. n_best: so many of the best of each line instead, and what they were ranked by, in the
    manner of Moses: `line ||| text ||| score`, lines counted from 0. sample: so many drawn from the model instead,
    written the same way with log p for a score. temperature, top_k, top_p: see `Sampling`. seed: None is the run's.
    attention: a folder for what was read (see `write_attention`); `draw` and `page` make its pictures and its page.
    Notes go to stderr.
    """
    sentences = split_lines(source.read(), "standard input")
    run = load(workdir, *also, last=last)
    if run.config.data.lowercase:
        sentences = [sentence.lower() for sentence in sentences]
    beam = beam or run.config.evaluation.beam
    batching = run.batching
    search: Search = Beam(beam, n_best or 1, **run.penalties) if beam > 1 or n_best else Greedy()
    if sample is not None:
        search = Sampling(sample, temperature, top_k, top_p)
        batching["batch_sentences"] = max(1, batching["batch_sentences"] // sample)  # as many rows at once as ever
    console = Console(stderr=True)
    with progress_bar(console, "translating", len(sentences)) as progress:
        found = translate_by(
            search,
            run.translator,
            run.params,
            run.vocabularies,
            sentences,
            seed=run.config.seed if seed is None else seed,
            progress=progress,
            **batching,
        )
    for line, hypotheses in enumerate(found.n_best):
        if n_best or sample:
            output.writelines(f"{line} ||| {each.text} ||| {each.score:.4f}\n" for each in hypotheses)
        else:
            output.write(f"{hypotheses[0].text}\n")
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

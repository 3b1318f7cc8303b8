"""Translate lines of text by a run: `run.py translate`."""

import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, TextIO

from rich.console import Console

from research.data.line_stream import line_chunks
from research.data.text import split_lines
from research.decoding.search import Beam, Greedy, Sampling, Search
from research.decoding.translate import Translation, translate_by
from research.evaluation.loaded_run import load
from research.evaluation.progress_bar import progress_bar
from research.evaluation.write_attention import Draw, Page, refuse_folder, write_attention
from research.parallel.processes import from_first

BATCHES_AT_ONCE = 100
"""Batches of lines that are sorted by length together, and held in memory."""
SEPARATOR = re.compile(r"\|{3,}")
BAR = "&#124;"


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
    """Translate text line for line; an empty line stays empty. Notes go to stderr.

    Lines are translated as they come: those of a file many at a time, and one that is typed at once.

    Args:
        workdir: the run folder.
        source: UTF-8 text, a sentence a line.
        output: where to write the translations.
        also: further run folders, which make an ensemble with the one at `workdir`.
        last: use this many last checkpoints of each folder as members of the ensemble; 0 uses one of each.
        beam: hypotheses kept; None is the config's, 1 is greedy search.
        n_best: write this many best translations of each line with their scores, as Moses does:
            `line ||| text ||| score`, lines counted from 0, see `n_best_line`.
        sample: write this many samples of each line instead, in the same way, with log p as the score.
        temperature, top_k, top_p: see `Sampling`.
        seed: of the samples; None is the run's.
        attention: folder for attention weights, see `write_attention`.
        draw, page: make the pictures and the page of `attention`.

    Raises:
        ValueError, OSError: a line is not UTF-8, the runs are no ensemble, or `attention` cannot be written.
    """
    if attention is not None:
        refuse_folder(attention, page)
    run = load(workdir, *also, last=last)
    beam = beam or run.config.evaluation.beam
    batching = run.batching
    search: Search = Beam(beam, n_best or 1, **run.penalties) if beam > 1 or n_best else Greedy()
    if sample is not None:
        search = Sampling(sample, temperature, top_k, top_p)
        batching["batch_sentences"] = max(1, batching["batch_sentences"] // sample)  # rows of a batch stay as many
    console = Console(stderr=True)
    drawn: list[tuple[str, Translation]] = []
    done = truncated = 0
    typed = source.isatty() or output.isatty()  # a bar would stand between the lines
    with nullcontext(None) if typed else progress_bar(console, "translating") as progress:
        for chunk in from_first(line_chunks(source, most=BATCHES_AT_ONCE * batching["batch_sentences"])):
            sentences = split_lines(chunk, "standard input", first=done + 1)
            if run.config.data.lowercase:
                sentences = [sentence.lower() for sentence in sentences]
            found = translate_by(
                search,
                run.translator,
                run.params,
                run.vocabularies,
                sentences,
                seed=run.config.seed if seed is None else seed,
                first=done,
                progress=progress,
                **batching,
            )
            for line, hypotheses in enumerate(found.n_best, done):
                if n_best or sample:
                    output.writelines(n_best_line(line, each) for each in hypotheses)
                else:
                    output.write(f"{hypotheses[0].text}\n")
            output.flush()
            done, truncated = done + len(sentences), truncated + found.truncated
            if attention is not None:
                drawn += zip(sentences, (hypotheses[0] for hypotheses in found.n_best), strict=True)
    if truncated:
        console.print(
            f"note: {truncated:,} of {done:,} lines are longer than data.max_tokens={run.config.data.max_tokens} "
            "subwords; only the beginning of each was translated",
            soft_wrap=True,
        )
    if attention is not None:
        sources, best = [source for source, _ in drawn], [translation for _, translation in drawn]
        texts, targets = [each.text for each in best], [each.ids for each in best]
        write_attention(run, sources, texts, targets, attention, draw=draw, page=page, console=console)


def n_best_line(number: int, translation: Translation) -> str:
    """Return a line of an n-best list, whose fields stand between ` ||| `, and a translation has no `|||` in it.

    A bar is written as Moses escapes it, `&#124;`, where three or more stand together; others stay as they are.

    Args:
        number: of the line that was translated, from 0.
        translation: with a score.

    Reference:
        Koehn et al. 2007 (Moses): its n-best lists, and its tokenizer's escape-special-chars.perl.
    """
    text = SEPARATOR.sub(lambda bars: BAR * len(bars[0]), translation.text)
    return f"{number} ||| {text} ||| {translation.score:.4f}\n"

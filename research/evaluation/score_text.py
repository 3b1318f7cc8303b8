"""Score given translations of lines of text by a run: `run.py translate --score`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from rich.console import Console

from research.data.examples import Examples, encode_texts
from research.data.text import read_lines, split_lines
from research.decoding.forced import force
from research.evaluation.loaded_run import load
from research.evaluation.progress_bar import progress_bar
from research.parallel.processes import from_first


def score_text(
    workdir: Path | str, source: BinaryIO, target: Path, output: TextIO, *, also: Sequence[Path] = (), last: int = 0
) -> None:
    """Write log p of each translation given its source, a tab, and the mean log p of its tokens, a line for each pair.

    Tokens are subwords and the end-of-sentence token, and logarithms are natural. A pair longer than data.max_tokens
    scores nan, so that memory is bounded. Notes go to stderr.

    Args:
        workdir: the run folder.
        source: UTF-8 text, a sentence a line.
        target: file with the translation of each line of `source`.
        output: where to write the scores.
        also, last: make an ensemble, see `translate_text`.

    Raises:
        ValueError: source and target have different numbers of lines.
    """
    run = load(workdir, *also, last=last)
    [given] = from_first(source.read() for _ in range(1))
    sides = [split_lines(given, "standard input"), read_lines(target)]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"standard input has {len(sides[0]):,} lines and {target} has {len(sides[1]):,}: line n of one must "
            "translate line n of the other"
        )
    if run.config.data.lowercase:
        sides = [[line.lower() for line in lines] for lines in sides]
    examples = Examples(*map(encode_texts, sides, run.vocabularies))
    most, pairs = run.config.data.max_tokens, examples.count
    kept = examples.fitting(most)
    console = Console(stderr=True)
    with progress_bar(console, "scoring", len(kept)) as progress:
        forced = list(force(run.translator, run.params, examples.only(kept), progress=progress, **run.batches))
    scores = [(math.nan, math.nan)] * pairs
    for each in forced:
        scores[kept[each.sentence]] = (each.log_p, each.mean)
    output.writelines(f"{log_p:.4f}\t{mean:.4f}\n" for log_p, mean in scores)
    output.flush()
    if len(kept) < pairs:
        console.print(
            f"note: {pairs - len(kept):,} of {pairs:,} pairs are longer than data.max_tokens={most} subwords a side; "
            "their scores are nan",
            soft_wrap=True,
        )

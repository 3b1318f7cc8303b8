"""Lines of text and of their translations through a run folder: what `run.py translate --score` does."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np
from rich.console import Console

from research.data.examples import Examples, Sentences, encode_texts
from research.data.text import read_lines, split_lines
from research.decoding.forced import force
from research.evaluation.progress_bar import progress_bar
from research.evaluation.trained import load


def score_text(
    workdir: Path | str, source: BinaryIO, target: Path, output: TextIO, *, also: Sequence[Path] = (), last: int = 0
) -> None:
    """Write for each line of `source` and the same line of `target` log p of the translation, a tab, and its mean.

    log p is natural, of all the translation's subwords and its end mark given the source; the mean is of a token. Both
    are nan for a pair over data.max_tokens, which memory need not hold. also, last: an ensemble, see `translate_text`.
    Notes go to stderr.
    """
    sides = [split_lines(source.read(), "standard input"), read_lines(target)]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"standard input has {len(sides[0]):,} lines and {target} has {len(sides[1]):,}: line n of one must "
            "translate line n of the other"
        )
    run = load(workdir, *also, last=last)
    if run.config.data.lowercase:
        sides = [[line.lower() for line in lines] for lines in sides]
    encoded = [encode_texts(lines, vocabulary) for lines, vocabulary in zip(sides, run.vocabularies, strict=True)]
    most, pairs = run.config.data.max_tokens, len(sides[0])
    kept = np.flatnonzero(np.maximum(*(side.lengths for side in encoded)) < most).tolist()
    examples = Examples(*(Sentences(side[index] for index in kept) for side in encoded))
    console = Console(stderr=True)
    with progress_bar(console, "scoring", len(kept)) as progress:
        forced = list(force(run.translator, run.params, examples, progress=progress, **run.batches))
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

"""Gold alignments: what a person says that each target word translates, from the corpus or from a file.

A file in the Pharaoh format has a line for each sentence, its links one space apart: "0-1" links source word 0 and
target word 1 surely, "0?1" or "0p1" possibly; words are whitespace-separated and counted from 0.
"""

import re
from pathlib import Path
from typing import NamedTuple

from research.data.pairs import Pair, Split
from research.data.text import read_lines

Link = tuple[int, int]
"""(source word, target word), counted from 0."""
LINK = re.compile(r"(\d+)([-?p])(\d+)", re.ASCII)


class Gold(NamedTuple):
    """The links of a sentence. S ⊆ P: a sure link is possible too (Och & Ney 2003). No link at all: not known."""

    sure: frozenset[Link]
    possible: frozenset[Link]


def gold_of(split: Split) -> list[Gold]:
    """What the pairs bring with them: all sure."""
    return [Gold(links, links) for links in (frozenset(pair.alignment) for pair in split)]


def read_gold(path: Path | str, split: Split) -> list[Gold]:
    """The alignments of `split` in a Pharaoh file, plain or gzip; ValueError, with the line, where it does not fit."""
    lines = read_lines(Path(path))
    if len(lines) != len(split):
        raise ValueError(
            f"{path} has {len(lines):,} lines and the split has {len(split):,} pairs: it needs one for each"
        )
    return [
        _links(line, pair, f"{path}, line {number}")
        for number, (line, pair) in enumerate(zip(lines, split, strict=True), start=1)
    ]


def _links(line: str, pair: Pair, where: str) -> Gold:
    words = len(pair.source.split()), len(pair.target.split())
    sure, possible = set(), set()
    for text in line.split():
        match = LINK.fullmatch(text)
        if not match:
            raise ValueError(f"{where}: {text!r} is no link; write 0-1 for a sure one, 0?1 or 0p1 for a possible one")
        link = int(match[1]), int(match[3])
        if link[0] >= words[0] or link[1] >= words[1]:
            raise ValueError(
                f"{where}: {text!r} links a word that is not there; the source has {words[0]} words and the target "
                f"{words[1]}, counted from 0"
            )
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return Gold(frozenset(sure), frozenset(possible))

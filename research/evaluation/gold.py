"""Gold alignments, from the corpus or from a file in the Pharaoh format.

Such a file has a line for each sentence, with links separated by spaces: "0-1" is a sure link between source word 0 and
target word 1, "0?1" or "0p1" a possible one. Words are separated by whitespace and counted from 0.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from research.data.pairs import Pair, Split
from research.data.text import split_lines, unpacked

Link = tuple[int, int]
"""(source word, target word), counted from 0."""
LINK = re.compile(r"(\d{1,9})([-?p])(\d{1,9})", re.ASCII)


class Gold(NamedTuple):
    """The gold alignment of one sentence; without any link it is unknown. Och & Ney 2003."""

    sure: frozenset[Link]
    possible: frozenset[Link]
    """Includes the sure links."""


class GoldFile(NamedTuple):
    """A file of alignments that was read."""

    alignments: list[Gold]
    sha256: str
    """The digest of the file, by which another machine knows it again."""


def gold_of(split: Split) -> list[Gold]:
    """Return the alignments that the corpus holds; all their links are sure."""
    return [Gold(links, links) for links in (frozenset(pair.alignment) for pair in split)]


def gold_digest(path: Path | str) -> str:
    """Return `GoldFile.sha256` of a file whose alignments are not needed yet."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def read_gold(path: Path | str, split: Split) -> GoldFile:
    """Read the alignments of `split` from a Pharaoh file, plain or gzip, once: it may be a pipe.

    Raises:
        ValueError: the file does not fit the split; the message names the line.
    """
    content = Path(path).read_bytes()
    lines = split_lines(unpacked(content, Path(path)), str(path))
    if len(lines) != len(split):
        raise ValueError(
            f"{path} has {len(lines):,} lines and the split has {len(split):,} pairs: it needs one line for each pair"
        )
    alignments = [
        _links(line, pair, f"{path}, line {number}")
        for number, (line, pair) in enumerate(zip(lines, split, strict=True), start=1)
    ]
    return GoldFile(alignments, hashlib.sha256(content).hexdigest())


def _links(line: str, pair: Pair, where: str) -> Gold:
    words = len(pair.source.split()), len(pair.target.split())
    sure, possible = set(), set()
    for text in line.split():
        match = LINK.fullmatch(text)
        if not match:
            raise ValueError(f"{where}: {text!r} is not a link; write 0-1 for a sure, 0?1 or 0p1 for a possible link")
        link = int(match[1]), int(match[3])
        if link[0] >= words[0] or link[1] >= words[1]:
            raise ValueError(
                f"{where}: {text!r} links a word that does not exist; the source has {words[0]} words and the target "
                f"{words[1]}, counted from 0"
            )
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return Gold(frozenset(sure), frozenset(possible))

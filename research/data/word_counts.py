"""The frequency of each word in the training split, by which evaluation tells rare words from frequent ones.

A run folder keeps it as gzip, "count<tab>word" a line, the most frequent first. Whitespace separates words.
"""

import gzip
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from research.data.text import read_lines
from research.files import write_whole

FILE = "target_words.tsv.gz"


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Count the words of `texts`; a counter gives 0 for any other word."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text.split())
    return counts


def write_counts(folder: Path | str, counts: Counter[str]) -> None:
    """Write `FILE` below `folder`, whole or not at all. The same counts give the same bytes."""
    write_whole(Path(folder) / FILE, words_file(counts))


def words_file(counts: Counter[str]) -> bytes:
    """Return the content of `FILE`."""
    lines = (f"{count}\t{word}\n" for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return gzip.compress("".join(lines).encode(), mtime=0)


def read_counts(folder: Path | str) -> Counter[str] | None:
    """Read what `write_counts` wrote; None if there is no `FILE`, ValueError or OSError if it is damaged."""
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        fields = (line.split("\t") for line in read_lines(path))
        return Counter({word: int(count) for count, word in fields})
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}); remove it, and the same train command writes it again"
        ) from error

"""Parallel text files, plain or gzip, one sentence a line, read strictly: line n of one is line n of the other."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from research.data.chunked_text import CHUNK_PAIRS, Chunk
from research.data.pairs import Pair

GZIP_MARK = b"\x1f\x8b"
UTF8_MARK = "\ufeff"
READ_BYTES = 1 << 20
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_pairs(source: Path, target: Path) -> list[Pair]:
    """Read the pairs of two files, empty lines included; ValueError if they have different numbers of lines."""
    return pairs_of(source, read_bytes(source), target, read_bytes(target))


def pairs_of(source: Path, source_text: bytes, target: Path, target_text: bytes) -> list[Pair]:
    """Return the pairs of two files that were read with `read_bytes`, as `read_pairs` does."""
    sources, targets = split_lines(source_text, str(source)), split_lines(target_text, str(target))
    _refuse_unequal(source, len(sources), target, len(targets))
    return [Pair(a, b) for a, b in zip(sources, targets, strict=True)]


@dataclass(frozen=True)
class TextChunk:
    """Lines of two files that belong together, as bytes; called with n, it returns the pairs of the first n lines."""

    paths: tuple[str, str]
    lines: tuple[bytes, bytes]
    first: int
    """The number of the first line."""

    def __call__(self, most: int) -> list[Pair]:
        """Return the pairs of the first lines, at most `most`."""
        sources, targets = (
            split_lines(b"".join(islice(BytesIO(lines), most)), path, first=self.first)
            for path, lines in zip(self.paths, self.lines, strict=True)
        )
        return [Pair(a, b) for a, b in zip(sources, targets, strict=True)]


def read_chunks(source: Path, target: Path) -> Iterator[Chunk]:
    """Yield the lines of two files, `CHUNK_PAIRS` at a time, and hold no others."""
    with _opened(source) as source_file, _opened(target) as target_file:
        first = 1
        while lines := b"".join(islice(source_file, CHUNK_PAIRS)):
            yield TextChunk((str(source), str(target)), (lines, b"".join(islice(target_file, CHUNK_PAIRS))), first)
            first += CHUNK_PAIRS


def count_pairs(source: Path, target: Path, *, enough: int) -> int:
    """Return the lines of two files, and hold none of them.

    Args:
        source: the file of the sources.
        target: that of the targets.
        enough: lines of `source` from which on those of `target` are counted too.

    Raises:
        ValueError: they were counted, and are not as many.
    """
    lines = _count_lines(source)
    if lines >= enough:
        _refuse_unequal(source, lines, target, _count_lines(target))
    return lines


def _count_lines(path: Path) -> int:
    lines, last = 0, b"\n"
    with _opened(path) as file:
        while block := file.read(READ_BYTES):
            lines, last = lines + block.count(b"\n"), block
    return lines + (not last.endswith(b"\n"))


def _refuse_unequal(source: Path, source_lines: int, target: Path, target_lines: int) -> None:
    if source_lines != target_lines:
        raise ValueError(
            f"{source} has {source_lines:,} lines and {target} has {target_lines:,}: line n of one must translate "
            f"line n of the other, so take both from the same release and do not drop empty lines"
        )


def read_lines(path: Path) -> list[str]:
    """Read the lines of a UTF-8 file, plain or gzip."""
    return split_lines(read_bytes(path), str(path))


def split_lines(content: bytes, name: str, *, first: int = 1) -> list[str]:
    """Split UTF-8 text into lines, at line feeds alone.

    Args:
        content: the text, or a part of it.
        name: what it is called in an error.
        first: the number of its first line.

    Raises:
        ValueError: a line is not UTF-8.
    """
    if first == 1 and content.startswith(UTF16_MARKS):
        raise ValueError(f"{name} is UTF-16, not UTF-8: convert it (such as `iconv -f UTF-16 -t UTF-8`)")
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    text = []
    for number, line in enumerate(lines, first):
        try:
            text.append(line.decode("utf-8").removesuffix("\r"))
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name}, line {number}: byte 0x{line[error.start]:02x} at byte {error.start + 1} of the line is not "
                f"UTF-8; convert it (such as `iconv -f ISO-8859-1 -t UTF-8`) or correct that line"
            ) from error
    if text and first == 1:
        text[0] = text[0].removeprefix(UTF8_MARK)
    return text


def explain_missing(path: Path, field: str) -> str:
    """Return a sentence about a missing file: its path, names like it, what to do. `field`: the config field of it."""
    if not path.parent.is_dir():
        there = f"there is no folder {path.parent}"
    else:
        near = get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=3)
        there = f"near it are {', '.join(near)}" if near else "nothing there has a name like it"
    return (
        f"no file {path}, which {field} names ({there}); put it there, or set --config.data.root to the folder that "
        f"holds it"
    )


def read_bytes(path: Path) -> bytes:
    """Read a file, plain or gzip; OSError for a gzip file that is not whole."""
    return unpacked(path.read_bytes(), path)


def unpacked(content: bytes, path: Path) -> bytes:
    """Return the text of the content of a file, plain or gzip; OSError for a gzip file that is not whole."""
    if not content.startswith(GZIP_MARK):
        return content
    with _whole_gzip(path):
        return gzip.decompress(content)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, plain or gzip, to be read from its beginning."""
    with path.open("rb") as file:
        compressed = file.read(len(GZIP_MARK)) == GZIP_MARK
        file.seek(0)
        with _whole_gzip(path):
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file)) if compressed else file


@contextmanager
def _whole_gzip(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise OSError(f"{path} is not a whole gzip file ({error}): fetch or compress it again") from error

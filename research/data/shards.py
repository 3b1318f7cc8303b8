"""Training pairs as ids in ArrayRecord files, in the cache: tokenised once, in parallel, and read at random.

    corpora/shards-<digest>/00000.array_record ...     a file for each chunk of the text
                            cells.npz                  how many pairs of which lengths each file has
                            facts.json                 the files with sizes or digests, and what was left out
                            target_words.tsv.gz        the frequency of each target word

The digest is of all that decides the content. A file has the pairs of its chunk sorted by lengths, so that the pairs of
a bucket are found by counting, and no length of a single pair is held in memory. A record is a pair's number in the
text, four bytes, then its ids, source and target, two or four bytes each.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from research.data.cache import SETTING, cache_folder, code_digest
from research.data.chunked_text import CHUNK_PAIRS, ChunkedText, Part
from research.data.vocabulary import Vocabularies, Vocabulary
from research.data.word_counts import FILE as WORDS
from research.data.word_counts import count_words, read_counts, words_file
from research.data.workers import in_processes
from research.files import locked, named

CODE = ("shards.py", "chunked_text.py", "vocabulary.py", "embedded/*.py")
FACTS, CELLS = "facts.json", "cells.npz"
WRITTEN = "group_size:16,uncompressed"  # one pair at a time is read 12 times as fast as from groups of 1
READ = "readahead_buffer_size:0,max_parallelism:0"
READ_BUFFER_BYTES = 1 << 14
NUMBER_BYTES = 4
ENCODED_AT_ONCE = 10_000  # pairs whose ids are Python's, which take ten times the room


class Cells(NamedTuple):
    """The pairs of shards, counted: an entry for each shard and each two lengths that it has.

    Attributes:
        sources, targets: the lengths, end-of-sentence token included.
        counts: how many pairs have them.
    """

    sources: np.ndarray
    targets: np.ndarray
    counts: np.ndarray


class ShardFacts(NamedTuple):
    """One shard, as it was written.

    Attributes:
        file: its name.
        size: in bytes.
        read: pairs of its chunk.
        empty: those with an empty side, which are left out.
        cells: its pairs, counted.
        words: the frequency of each target word.
    """

    file: str
    size: int
    read: int
    empty: int
    cells: Cells
    words: Counter[str]


class Facts(msgspec.Struct, frozen=True):
    """The content of facts.json.

    Attributes:
        files: each shard and its size.
        digests: the SHA-256 of the other files; the records of a shard have checksums of their own.
        empty: pairs with an empty side, which are left out.
        dtype: of an id.
    """

    files: list[tuple[str, int]]
    digests: dict[str, str]
    empty: int
    dtype: Annotated[str, msgspec.Meta(pattern="^<u[24]$")]


class Shards:
    """The shards of a training text, to be read. It can be pickled; each process opens the files for itself.

    Args:
        folder: as `write_shards` has made it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        facts = _facts(folder)
        self.files = [file for file, _ in facts.files]  # those of the shards come first
        self.empty = facts.empty
        self.dtype = np.dtype(facts.dtype)
        with np.load(folder / CELLS, allow_pickle=False) as held:
            self.cells = Cells(held["sources"], held["targets"], held["counts"])
            self.ends = held["ends"]  # of each shard, in pairs from the first one
        self.pairs = int(self.ends[-1])
        self._readers: dict[int, ArrayRecordReader] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_readers": {}}

    def read(self, records: np.ndarray) -> list[bytes]:
        """Return records, counted over all shards, in the order that is asked for."""
        found: list[bytes] = [b""] * len(records)
        shards = np.searchsorted(self.ends, records, side="right")
        begins = np.concatenate([[0], self.ends[:-1]])
        for shard in np.unique(shards).tolist():
            places = np.flatnonzero(shards == shard)
            try:
                read = self._reader(shard).read((records[places] - begins[shard]).tolist())
            except RuntimeError as error:
                raise OSError(
                    f"{self.folder / self.files[shard]} is damaged ({error}): remove {self.folder}, and give the same "
                    "command again, which makes it anew"
                ) from error
            for place, record in zip(places.tolist(), read, strict=True):
                found[place] = record
        return found

    def words(self) -> Counter[str]:
        """Return the frequency of each target word."""
        return read_counts(self.folder) or Counter()

    def _reader(self, shard: int) -> ArrayRecordReader:
        if shard not in self._readers:
            file = str(self.folder / self.files[shard])
            self._readers[shard] = ArrayRecordReader(file, READ, file_reader_buffer_size=READ_BUFFER_BYTES)
        return self._readers[shard]


def find_shards(text: ChunkedText, vocabularies: Vocabularies) -> Shards:
    """Return the shards of a text, from the cache where they are there; else they are made, whole or not at all.

    Processes that need the same ones wait for the one that makes them.

    Raises:
        ValueError: there is no cache, or the text has nothing to train on.
        OSError: they cannot be written; the message names the file and says what to do.
    """
    if (cache := cache_folder()) is None:
        raise ValueError(
            f"{text.pairs:,} training pairs are streamed from the cache, which is off: unset {SETTING}, or set it to a "
            "folder with room for them; or hold them in memory, with --config.data.stream_pairs=0"
        )
    models = [hashlib.sha256(vocabulary.model).hexdigest() for vocabulary in vocabularies]
    depends_on = [code_digest(*CODE), text.pairs, text.lowercase, text.depends_on, models, version("sentencepiece")]
    digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache / f"shards-{digest}"
    unfinished = folder.with_name(f"{folder.name}.tmp")
    while not _is_whole(folder):
        with named(unfinished):
            unfinished.mkdir(parents=True, exist_ok=True)
        try:
            with locked(unfinished, f"another process is tokenising {text.pairs:,} pairs", wait=True):
                if not _is_whole(folder):
                    _make(folder, unfinished, text, vocabularies)
                elif unfinished.exists():
                    unfinished.rmdir()  # made here after the other one was renamed
        except FileNotFoundError:  # the other one was renamed before it could be locked here
            if not _is_whole(folder):
                raise
    return Shards(folder)


def write_shard(part: Part, *, folder: Path, vocabularies: Vocabularies) -> ShardFacts:
    """Tokenise a chunk and write its pairs, sorted by the lengths of both sides.

    Args:
        part: the chunk.
        folder: where the shard is written.
        vocabularies: of both sides.
    """
    pairs, numbers, read = part.read()
    dtype = id_type(vocabularies)
    records, lengths_N2 = [], np.zeros((len(pairs), 2), np.int32)
    for begin in range(0, len(pairs), ENCODED_AT_ONCE):
        some = pairs[begin : begin + ENCODED_AT_ONCE]
        sources = vocabularies.source.encode_all(pair.source for pair in some)
        targets = vocabularies.target.encode_all(pair.target for pair in some)
        for index, (source, target) in enumerate(zip(sources, targets, strict=True), begin):
            number = part.number * CHUNK_PAIRS + numbers[index]
            records.append(number.to_bytes(NUMBER_BYTES, "little") + np.array(source + target, dtype).tobytes())
            lengths_N2[index] = len(source) + 1, len(target) + 1
    file = folder / f"{part.number:05}.array_record"
    try:
        writer = ArrayRecordWriter(str(file), WRITTEN)
        for index in np.lexsort((lengths_N2[:, 1], lengths_N2[:, 0])).tolist():
            writer.write(records[index])
        writer.close()
    except RuntimeError as error:  # the library's words for an error of the system
        raise OSError(f"cannot write {file}: {error}; make room, and give the same command again") from error
    (sources, targets), counts = np.unique(lengths_N2.T, axis=1, return_counts=True)
    words = count_words(pair.target for pair in pairs)
    cells = Cells(sources, targets, counts.astype(np.int32))
    return ShardFacts(file.name, file.stat().st_size, read, read - len(pairs), cells, words)


def write_facts(folder: Path, shards: list[ShardFacts], dtype: np.dtype, words: Counter[str]) -> None:
    """Write what is known of the shards of a folder, beside them."""
    cells = [np.concatenate(each) for each in zip(*(shard.cells for shard in shards), strict=True)]
    ends = np.cumsum([shard.cells.counts.sum() for shard in shards])
    np.savez(folder / CELLS, **dict(zip(Cells._fields, cells, strict=True)), ends=ends)  # type: ignore[arg-type]
    (folder / WORDS).write_bytes(words_file(words))
    files = [(shard.file, shard.size) for shard in shards]
    digests = {name: _digest(folder / name) for name in (CELLS, WORDS)}
    facts = Facts(files, digests, sum(shard.empty for shard in shards), dtype.str)
    (folder / FACTS).write_bytes(msgspec.json.encode(facts))


def id_type(vocabularies: Vocabularies) -> np.dtype:
    """Return the type of an id in a record."""
    return np.dtype("<u2" if max(map(len, vocabularies)) <= 1 << 16 else "<u4")


def _make(folder: Path, unfinished: Path, text: ChunkedText, vocabularies: Vocabularies) -> None:
    for left in unfinished.iterdir():  # of a process that was killed
        left.unlink()
    work = partial(_write_shard, folder=unfinished, models=(vocabularies.source.model, vocabularies.target.model))
    shards, words = [], Counter[str]()
    with named(unfinished), _progress() as progress:
        task = progress.add_task("tokenising", total=text.pairs)
        for shard in in_processes(work, text.parts()):
            words.update(shard.words)
            shards.append(shard._replace(words=Counter()))
            progress.update(task, advance=shard.read)
        if (read := sum(shard.read for shard in shards)) != text.pairs:
            raise ValueError(
                f"the training text has changed while it was read: {read:,} pairs, not {text.pairs:,}; give the same "
                "command again"
            )
        if not sum(len(shard.cells.counts) for shard in shards):
            raise ValueError(f"no training pairs: of {text.pairs:,} read, none has text on both sides")
        write_facts(unfinished, shards, id_type(vocabularies), words)
        if folder.exists():  # damaged
            shutil.rmtree(folder)
        os.replace(unfinished, folder)


def _write_shard(part: Part, *, folder: Path, models: tuple[bytes, bytes]) -> ShardFacts:
    """Do `write_shard` in another process, to which models are sent and not what was made of them."""
    source, target = (Vocabulary(model) for model in models)
    return write_shard(part, folder=folder, vocabularies=Vocabularies.of(source, target))


def _is_whole(folder: Path) -> bool:
    """Tell whether a folder has the files that it says it has; records have checksums of their own."""
    try:
        facts = _facts(folder)
        return all((folder / file).stat().st_size == size for file, size in facts.files) and all(
            _digest(folder / name) == digest for name, digest in facts.digests.items()
        )
    except (OSError, ValueError):
        return False


def _facts(folder: Path) -> Facts:
    return msgspec.json.decode((folder / FACTS).read_bytes(), type=Facts)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,}/{task.total:,} pairs"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))

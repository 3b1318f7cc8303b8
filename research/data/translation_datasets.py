"""Translation corpora of TensorFlow Datasets, through its data sources, which need no TensorFlow.

Only prepared data is read: `python -m research.data.prepare <builder>` prepares it once, with a network.
"""

import contextlib
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from research.data.chunked_text import Chunk, ChunkedText, ranges
from research.data.pairs import Pair, Split
from research.data.splits import refuse_test_names
from research.data.text import read_pairs
from research.files import expanded

LOCAL = "local_translation"
FORMAT = "array_record"  # TFDS's default, TFRecord, needs TensorFlow
READ_ROWS = 4_096


class LocalTranslation(tfds.core.GeneratorBasedBuilder):
    """A TFDS builder for a folder of parallel text, with a file `<split>.<language>`, plain or .gz, for each side.

    The folder of its prepared data has the digest of the files in its name, so that changed files are prepared again.
    """

    name = LOCAL
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, root: Path, languages: Sequence[str], data_dir: Path | str | None = None):
        self.files = _parallel_files(root, languages)
        self.languages = tuple(languages)
        digest = hashlib.sha256()
        for split, sides in sorted(self.files.items()):
            for path in sides:
                digest.update(split.encode() + path.read_bytes())
        place = expanded(str(data_dir or tfds.core.constants.DATA_DIR))
        super().__init__(
            data_dir=place / f"{LOCAL}_{'_'.join(languages)}_{digest.hexdigest()[:16]}", file_format=FORMAT
        )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="A local folder of parallel text.",
            features=tfds.features.Translation(languages=self.languages),
            disable_shuffling=True,  # keep the order of the files
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(*sides) for split, sides in self.files.items()}

    def _generate_examples(self, source: Path, target: Path) -> Iterator[tuple[int, dict[str, str]]]:
        for number, pair in enumerate(read_pairs(source, target)):
            yield number, dict(zip(self.languages, (pair.source, pair.target), strict=True))


def read_splits(
    name: str, *, languages: Sequence[str], splits: Sequence[str], builder_dir: str, root: str, streamed_from: int = 0
) -> dict[str, Split | ChunkedText]:
    """Read the pairs of a prepared builder.

    Args:
        name: for example "wmt14_translate/de-en"; "local_translation": the files in `root`, which are prepared first.
        languages: (source, target).
        splits: the training split, the validation split, then test splits. The first two are returned as "train" and
            "validation" whatever their names, tests by their own names.
        builder_dir: folder of the prepared data; "": that of TFDS.
        root: folder of the files of "local_translation".
        streamed_from: training pairs from which on they are to be streamed; 0: never.

    Raises:
        ValueError: no such builder, language or split, or two splits with one name.
        FileNotFoundError: the builder is not prepared; the message says how to prepare it.
    """
    if len(languages) != 2 or len(splits) < 2:
        raise ValueError(
            f"TFDS needs two languages and at least two splits, training and validation; "
            f"data.languages={tuple(languages)!r}, data.splits={tuple(splits)!r}"
        )
    refuse_test_names(splits[2:], f"data.splits={tuple(splits)!r} (training, validation, then tests)")
    if name == LOCAL:
        builder = LocalTranslation(root=expanded(root), languages=languages, data_dir=builder_dir or None)
        if not is_prepared(builder):
            prepare(builder)
    else:
        builder = find_builder(name, builder_dir)
        if not is_prepared(builder):
            raise FileNotFoundError(explain_unprepared(builder, name, builder_dir))
    names = ["train", "validation", *splits[2:]]  # the first two by what they are for, whatever TFDS calls them
    found: dict[str, Split | ChunkedText] = {}
    for ours, split in zip(names, splits, strict=True):
        rows = _rows(builder, split, languages)
        if ours == "train" and 0 < streamed_from <= len(rows):
            open_rows = partial(_open_rows, name, split, tuple(languages), builder_dir, root)
            found[ours] = ChunkedText(
                len(rows), (_files_digest(builder, split),), partial(_chunks, open_rows, len(rows))
            )
        else:
            found[ours] = _pairs(rows, range(len(rows)), languages)
    return found


@dataclass(frozen=True)
class RowsChunk:
    """Rows of a split; called with n, it returns the pairs of the first n rows."""

    open_rows: Callable[[], tuple[Any, Sequence[str]]]
    numbers: range

    def __call__(self, most: int) -> list[Pair]:
        """Return the first pairs, at most `most`."""
        rows, languages = self.open_rows()
        return _pairs(rows, self.numbers[:most], languages)


def _chunks(open_rows: Callable[[], tuple[Any, Sequence[str]]], pairs: int) -> Iterator[Chunk]:
    for numbers in ranges(pairs):
        yield RowsChunk(open_rows, numbers)


@lru_cache(maxsize=1)
def _open_rows(
    name: str, split: str, languages: tuple[str, ...], builder_dir: str, root: str
) -> tuple[Any, Sequence[str]]:
    """Return the rows of a prepared split, in another process than the one that found it."""
    if name == LOCAL:
        builder = LocalTranslation(root=expanded(root), languages=languages, data_dir=builder_dir or None)
    else:
        builder = find_builder(name, builder_dir)
    return _rows(builder, split, languages), languages


def _files_digest(builder: tfds.core.DatasetBuilder, split: str) -> str:
    """Return the SHA-256 of the files that a split is read from, and of which rows of each."""
    digest = hashlib.sha256()
    for part in builder.info.splits[split].file_instructions:
        with open(part.filename, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{content} {part.skip} {part.take}\n".encode())
    return digest.hexdigest()


def find_builder(name: str, builder_dir: str) -> tfds.core.DatasetBuilder:
    """Return the builder called `name`, prepared or not, without the network."""
    importlib.import_module("tensorflow_datasets.translate")  # registers the translation builders
    try:
        return tfds.builder(name, data_dir=builder_dir or None, try_gcs=False, file_format=FORMAT)
    except (ValueError, ImportError) as error:  # TFDS lists all its hundreds of datasets in these
        near = _nearest(name)
        hint = f"did you mean {' or '.join(near)}?" if near else f"({str(error).strip().splitlines()[0]})"
        raise ValueError(
            f"TensorFlow Datasets has no builder data.builder={name!r}; {hint} "
            f"A name is like wmt14_translate/de-en or ted_hrlr_translate/pt_to_en"
        ) from error


def is_prepared(builder: tfds.core.DatasetBuilder) -> bool:
    """Return whether the data is on disk, in a format that is read without TensorFlow."""
    return bool(builder.info.splits) and builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD


def prepare(builder: tfds.core.DatasetBuilder) -> None:
    """Download the data of `builder` and write it in the format that is read without TensorFlow."""
    with contextlib.redirect_stdout(sys.stderr):  # TFDS prints its progress
        builder.download_and_prepare(file_format=FORMAT)


def explain_unprepared(builder: tfds.core.DatasetBuilder, name: str, builder_dir: str) -> str:
    """Return a sentence: what is downloaded, the command that prepares it, and the folder of the result."""
    sources = [f"{url} ({info.size})" for url, info in builder.url_infos.items()]
    option = f" --builder_dir={builder_dir}" if builder_dir else ""
    return (
        f"{name} is not prepared in {builder.data_dir}: run `python -m research.data.prepare {name}{option}` with a "
        f"network{', which downloads ' if sources else ''}{', '.join(sources)}; or run it elsewhere, and copy the "
        f"folder that it names to {builder.data_dir}"
    )


def _nearest(name: str) -> list[str]:
    dataset, _, config = name.partition("/")
    known = tfds.list_builders(with_community_datasets=False)
    if dataset not in known:
        return get_close_matches(dataset, known)
    return [f"{dataset}/{near}" for near in get_close_matches(config, tfds.builder_cls(dataset).builder_configs)]


def _rows(builder: tfds.core.DatasetBuilder, split: str, languages: Sequence[str]) -> Any:
    """Return the rows of a split, which are read as they are asked for."""
    known = list(builder.info.features.keys())
    missing = [language for language in languages if language not in known]
    if missing:
        raise ValueError(f"{builder.info.full_name} has {', '.join(known)}, not data.languages {', '.join(missing)}")
    try:
        return builder.as_data_source(split)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{builder.info.full_name} has no split {split!r}; data.splits may name {', '.join(builder.info.splits)}"
        ) from error


def _pairs(rows: Any, numbers: range, languages: Sequence[str]) -> list[Pair]:
    source, target = languages
    pairs: list[Pair] = []
    for start in range(0, len(numbers), READ_ROWS):
        chunk = rows.__getitems__(numbers[start : start + READ_ROWS])
        pairs += [Pair(_text(row[source]), _text(row[target])) for row in chunk]
    return pairs


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _parallel_files(root: Path, languages: Sequence[str]) -> dict[str, tuple[Path, Path]]:
    """Return split -> (source file, target file) for every split with both sides in `root`."""
    if not root.is_dir():
        raise FileNotFoundError(
            f"no folder {root}; set --config.data.root to one with files like train.{languages[0]}.gz"
        )
    sides: dict[str, dict[str, Path]] = {}
    for path in sorted(root.iterdir()):
        split, _, language = path.name.removesuffix(".gz").rpartition(".")
        if split and language in languages:
            sides.setdefault(split, {})[language] = path
    found = {split: (paths[languages[0]], paths[languages[1]]) for split, paths in sides.items() if len(paths) == 2}
    if not found:
        raise FileNotFoundError(
            f"{root} has no pair of files such as train.{languages[0]}.gz and train.{languages[1]}.gz"
        )
    return {split.replace(".", "_"): paths for split, paths in found.items()}

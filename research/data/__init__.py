"""From config.data to a corpus: `build` reads or generates the pairs, `build_vocabularies` learns the pieces.

This is the one place in the room that sees a config; everything below it takes named fields.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from research.data.download import obtain
from research.data.pairs import Pair, Split
from research.data.text import read_pairs
from research.data.vocabulary import Vocabularies

SUBSET_SEED = 20_150_817  # of the one shuffle whose beginnings are the subsets; never config.seed, never changed


@dataclass(frozen=True)
class Corpus:
    """Pairs by split, and where they come from."""

    splits: dict[str, Split]
    """"train", "validation", and each test split by its own name."""
    digests: dict[str, str]
    """SHA-256 of each file or, where there are no files, of each split's text: for provenance.json."""
    notes: tuple[str, ...] = ()
    """What a person should be told about the reading: sentences to print."""
    empty: int = field(default=0)
    """Training pairs left out because a side was empty."""


def build(config: ConfigDict) -> Corpus:
    """The corpus that `config`, the whole config.data, names.

    Training pairs with an empty side are counted and left out, then the subset is taken. Every other split keeps all
    its pairs in order. Lower-casing, when asked for, is of both sides of every split, references included.
    """
    if config.source not in SOURCES:
        raise ValueError(f"no data.source {config.source!r}; choose one of {', '.join(SOURCES)}")
    splits, digests = SOURCES[config.source](config)
    if config.lowercase:
        splits = {name: [_lowered(pair) for pair in split] for name, split in splits.items()}
    whole = splits["train"]
    train = [pair for pair in whole if pair.source.strip() and pair.target.strip()]
    empty, notes = len(whole) - len(train), []
    if empty:
        notes.append(f"{empty:,} of {len(whole):,} training pairs have an empty side and are left out")
    if not train:
        raise ValueError(f"no training pairs: of {len(whole):,} read, none has text on both sides")
    if config.subset:
        if not 0 < config.subset <= len(train):
            raise ValueError(
                f"data.subset={config.subset:,}, but there are {len(train):,} training pairs: take fewer, or 0 for all"
            )
        train = nested_subset(train, config.subset)
        notes.append(f"training on {len(train):,} of {len(whole):,} pairs")
    return Corpus({**splits, "train": train}, digests, tuple(notes), empty)


def build_vocabularies(config: ConfigDict, train: Split) -> Vocabularies:
    """The vocabularies that `config`, the whole config.data, asks for, learnt from the training split alone."""
    fields = config.vocabulary
    return Vocabularies.train(
        train,
        joint=fields.joint,
        kind=fields.kind,
        size=fields.size,
        character_coverage=fields.character_coverage,
        byte_fallback=fields.byte_fallback,
    )


def nested_subset(split: Split, pairs: int) -> list[Pair]:
    """The first `pairs` of one fixed shuffle, whatever the run's seed: a smaller subset begins a larger one."""
    # RandomState, because NumPy promises that its stream never changes; that of a Generator may.
    order = np.random.RandomState(SUBSET_SEED).permutation(len(split))
    return [split[i] for i in order[:pairs]]


def _embedded(config: ConfigDict) -> tuple[dict[str, Split], dict[str, str]]:
    from research.data.embedded import generate

    splits: dict[str, Split] = {**generate(**config.embedded.to_dict())}
    return splits, _digests(splits, "embedded")


def _text(config: ConfigDict) -> tuple[dict[str, Split], dict[str, str]]:
    files = {"train": config.train, "validation": config.validation, **config.tests.to_dict()}
    root = Path(config.root).expanduser()
    recorded = {name.replace("__", "."): digest for name, digest in config.sha256.items()}
    splits: dict[str, Split] = {}
    digests: dict[str, str] = {}
    for split, names in files.items():
        where = f"data.{split}" if split in ("train", "validation") else f"data.tests.{split}"
        if len(names) != 2 or bool(names[0]) != bool(names[1]):
            raise ValueError(f"{where}={names!r} must name two files, the source's and the target's")
        if not names[0]:
            if split in ("train", "validation"):
                raise ValueError(f"{where} names no files; set --config.{where}=\"('a.en.gz', 'a.de.gz')\"")
            continue
        paths = []
        for name in names:
            path, digest = obtain(name, root=root, url=config.download, sha256=recorded.get(name, ""), field=where)
            paths.append(path)
            digests[name] = digest
        splits[split] = read_pairs(*paths)
    return splits, digests


def _tfds(config: ConfigDict) -> tuple[dict[str, Split], dict[str, str]]:
    from research.data.translation_datasets import read_splits  # importing TFDS takes half a second

    splits = read_splits(
        config.builder,
        languages=config.languages,
        splits=config.splits,
        builder_dir=config.builder_dir,
        root=config.root,
    )
    return splits, _digests(splits, config.builder)


def _digests(splits: dict[str, Split], origin: str) -> dict[str, str]:
    digests = {}
    for name, split in splits.items():
        digest = hashlib.sha256()
        for pair in split:
            digest.update(f"{pair.source}\n{pair.target}\n".encode())
        digests[f"{origin}:{name}"] = digest.hexdigest()
    return digests


def _lowered(pair: Pair) -> Pair:
    return pair._replace(source=pair.source.lower(), target=pair.target.lower())


SOURCES: dict[str, Callable[[ConfigDict], tuple[dict[str, Split], dict[str, str]]]] = {
    "embedded": _embedded,
    "text": _text,
    "tfds": _tfds,
}

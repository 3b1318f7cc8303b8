"""From config.data to training data: pairs by `build`, vocabularies by `build_vocabularies`, then `training_batches`.

Generated pairs, vocabularies and ids of the training split come from the cache where they are there (see `cache`). From
`data.stream_pairs` training pairs on, they are never in memory all at once: see `chunked_text`, `shards` and
`streamed_batches`. This is the only file of the room that sees a config; everything below it takes named fields.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from research.data.batches import Batches
from research.data.cache import Arrays, cached
from research.data.chunked_text import ChunkedText
from research.data.download import obtain
from research.data.examples import Examples, Sentences, encode
from research.data.pairs import Pair, Split, lowered
from research.data.splits import refuse_test_names
from research.data.text import count_pairs, read_chunks, read_pairs
from research.data.vocabulary import Vocabularies, Vocabulary
from research.data.word_counts import count_words
from research.data.workers import in_processes
from research.files import expanded

FIRST_PAIRS = 1_000  # of a generated corpus that is streamed: its digest is of these, and of the knobs
VOCABULARY_PAIRS = 500_000  # of a corpus that is streamed, from which vocabularies are trained
SUBSET_SEED = 20_150_817  # of the shuffle whose first pairs are the subset; not config.seed, and never changed


@dataclass(frozen=True)
class Corpus:
    """The pairs of each split, and where they come from."""

    splits: dict[str, Split]
    """"train", unless it is streamed, "validation", and each test split by its own name."""
    digests: dict[str, str]
    """SHA-256 of each file or, where there are no files, of each split's text: for provenance.json."""
    notes: tuple[str, ...] = ()
    """Sentences to print: pairs that were left out."""
    empty: int = field(default=0)
    """Training pairs left out because a side was empty."""
    streamed: ChunkedText | None = None
    """The training text, if it is streamed."""

    @property
    def train(self) -> "TrainingText":
        """The training text, in memory or streamed."""
        return self.streamed or self.splits["train"]


TrainingText = Split | ChunkedText


def build(config: ConfigDict) -> Corpus:
    """Read or generate the corpus that `config`, the whole config.data, names.

    Training pairs with an empty side are counted and left out, then the subset is taken. Every other split keeps all
    its pairs in order. `config.lowercase` lower-cases both sides of every split, the references too.
    """
    if config.source not in SOURCES:
        raise ValueError(f"data.source={config.source!r}: choose one of {', '.join(SOURCES)}")
    _refuse_languages(config.languages)
    splits, digests = SOURCES[config.source](config)
    streamed = splits.pop("train") if isinstance(splits["train"], ChunkedText) else None
    if config.lowercase:
        splits = {name: [lowered(pair) for pair in split] for name, split in splits.items()}
    if streamed is not None:
        return Corpus(splits, digests, streamed=replace(streamed, lowercase=config.lowercase))
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


def build_vocabularies(config: ConfigDict, train: TrainingText) -> Vocabularies:
    """Train the vocabularies that `config`, the whole config.data, asks for, on the training split alone.

    Of one that is streamed, `VOCABULARY_PAIRS` are read.
    """
    fields = config.vocabulary.to_dict()
    if isinstance(train, ChunkedText):
        text: list[Any] = ["streamed", VOCABULARY_PAIRS, train.pairs, train.lowercase, train.depends_on]
    else:
        text = [len(train), _digest(train)]

    def make() -> Arrays:
        if isinstance(train, ChunkedText):
            [models] = in_processes(partial(_train_on_sample, fields=fields), [train], most=1)
        else:
            models = [vocabulary.model for vocabulary in Vocabularies.train(train, **fields)]
        return {side: np.frombuffer(model, np.uint8) for side, model in zip(Vocabularies._fields, models, strict=True)}

    depends_on = [*text, fields, version("sentencepiece")]
    models = cached("vocabulary", make, depends_on=depends_on, code=["vocabulary.py"])
    return Vocabularies.of(Vocabulary(models["source"].tobytes()), Vocabulary(models["target"].tobytes()))


def training_batches(config: ConfigDict, train: TrainingText, vocabularies: Vocabularies, *, seed: int) -> Batches:
    """Return the batches of the training split, held in memory or streamed.

    Args:
        config: the whole config.data.
        train: the training split.
        vocabularies: of both sides.
        seed: of the order.
    """
    fields: dict[str, Any] = {name: config[name] for name in ("batch_tokens", "buckets", "max_tokens")}
    if not isinstance(train, ChunkedText):
        return Batches(encode_training(train, vocabularies), seed=seed, **fields)
    from research.data.shards import find_shards
    from research.data.streamed_batches import StreamedBatches

    return StreamedBatches(find_shards(train, vocabularies), workers=config.workers, seed=seed, **fields)


def count_target_words(train: TrainingText, vocabularies: Vocabularies) -> Counter[str]:
    """Return the frequency of each target word of the training split."""
    if not isinstance(train, ChunkedText):
        return count_words(pair.target for pair in train)
    from research.data.shards import find_shards

    return find_shards(train, vocabularies).words()


def encode_training(train: Split, vocabularies: Vocabularies) -> Examples:
    """Encode the training split."""

    def make() -> Arrays:
        examples = encode(train, vocabularies)
        sides = {"source": examples.sources, "target": examples.targets}
        return {f"{side}_{name}": getattr(each, name) for side, each in sides.items() for name in ("ids", "lengths")}

    models = [hashlib.sha256(vocabulary.model).hexdigest() for vocabulary in vocabularies]
    depends_on = [len(train), _digest(train), models, version("sentencepiece")]
    arrays = cached("ids", make, depends_on=depends_on, code=["vocabulary.py", "examples.py"])
    return Examples(
        *(Sentences.joined(arrays[f"{side}_ids"], arrays[f"{side}_lengths"]) for side in ("source", "target"))
    )


def nested_subset(split: Split, pairs: int) -> list[Pair]:
    """Return the first `pairs` of one fixed shuffle; a smaller subset is the beginning of a larger one."""
    # RandomState: NumPy promises that its stream never changes; that of a Generator may.
    order = np.random.RandomState(SUBSET_SEED).permutation(len(split))
    return [split[i] for i in order[:pairs]]


def _embedded(config: ConfigDict) -> tuple[dict[str, Any], dict[str, str]]:
    knobs = config.embedded.to_dict()
    streamed = _is_streamed(config, knobs["train_pairs"])
    held = {**knobs, "train_pairs": 1} if streamed else knobs

    def make() -> Arrays:
        from research.data.embedded import generate

        return {name: np.frombuffer(json.dumps(pairs).encode(), np.uint8) for name, pairs in generate(**held).items()}

    arrays = cached("pairs", make, depends_on=[held], code=["embedded/*.py"])
    splits: dict[str, Any] = {name: _pairs_of(held) for name, held in arrays.items()}
    if not streamed:
        return splits, _digests(splits, "embedded")
    from research.data.embedded import generate_chunks

    chunks = partial(generate_chunks, knobs)
    known = json.dumps([knobs, _digest(next(chunks())(FIRST_PAIRS))], sort_keys=True)
    digest = hashlib.sha256(known.encode()).hexdigest()
    splits["train"] = ChunkedText(knobs["train_pairs"], (digest,), chunks)
    return splits, _digests(splits, "embedded")


def _pairs_of(held: np.ndarray) -> list[Pair]:
    return [Pair(source, target, tuple(map(tuple, links))) for source, target, links in json.loads(held.tobytes())]


def _text(config: ConfigDict) -> tuple[dict[str, Any], dict[str, str]]:
    tests = config.tests.to_dict()
    refuse_test_names(tests, "data.tests")
    files = {"train": config.train, "validation": config.validation, **tests}
    root = expanded(config.root)
    recorded = {name.replace("__", "."): digest for name, digest in config.sha256.items()}
    splits: dict[str, Any] = {}
    digests: dict[str, str] = {}
    for split, names in files.items():
        where = f"data.{split}" if split in ("train", "validation") else f"data.tests.{split}"
        if not _are_two_texts(names) or bool(names[0]) != bool(names[1]):
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
        if split == "train" and config.stream_pairs:
            pairs = count_pairs(*paths, enough=config.stream_pairs)
            if _is_streamed(config, pairs):
                splits[split] = ChunkedText(pairs, tuple(digests[name] for name in names), partial(read_chunks, *paths))
                continue
        splits[split] = read_pairs(*paths)
    return splits, digests


def _tfds(config: ConfigDict) -> tuple[dict[str, Any], dict[str, str]]:
    from research.data.translation_datasets import read_splits  # importing TFDS takes half a second

    splits = read_splits(
        config.builder,
        languages=config.languages,
        splits=config.splits,
        builder_dir=config.builder_dir,
        root=config.root,
        streamed_from=config.stream_pairs if _is_streamed(config, config.stream_pairs) else 0,
    )
    return splits, _digests(splits, config.builder)


def _is_streamed(config: ConfigDict, pairs: int) -> bool:
    """Tell whether so many training pairs are streamed; a subset is chosen in memory, and then trained on there."""
    return 0 < config.stream_pairs <= pairs and not config.subset


def _digests(splits: dict[str, Any], origin: str) -> dict[str, str]:
    return {
        f"{origin}:{name}": split.depends_on[0] if isinstance(split, ChunkedText) else _digest(split)
        for name, split in splits.items()
    }


def _digest(split: Split) -> str:
    """Return the SHA-256 of the text of a split."""
    digest = hashlib.sha256()
    for pair in split:
        digest.update(f"{pair.source}\n{pair.target}\n".encode())
    return digest.hexdigest()


def _refuse_languages(languages: Sequence[str]) -> None:
    """Raise ValueError unless the config names two languages."""
    if not _are_two_texts(languages) or not all(each and each.isprintable() for each in languages):
        raise ValueError(
            f"data.languages={languages!r}: expected two, the source's and the target's, e.g. ('en', 'de')"
        )


def _are_two_texts(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(each, str) for each in value)


def _train_on_sample(text: ChunkedText, fields: dict[str, Any]) -> list[bytes]:
    """Train vocabularies in a process of its own, which gives its memory back."""
    return [vocabulary.model for vocabulary in Vocabularies.train(text.sample(VOCABULARY_PAIRS), **fields)]


SOURCES: dict[str, Callable[[ConfigDict], tuple[dict[str, Any], dict[str, str]]]] = {
    "embedded": _embedded,
    "text": _text,
    "tfds": _tfds,
}

"""The measured sentences: Multi30k where it is at hand, made-up ones of the same lengths elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from benchmarks.workload import Workload
from research.data.batches import Batches
from research.data.evaluation_batches import evaluation_batches
from research.data.examples import Examples, Sentences, encode
from research.data.text import read_pairs
from research.data.vocabulary import Vocabularies

# Lengths of Multi30k en-de in 8,000 joint BPE pieces, `eos` included, as log-normals: fitted to the training split.
SOURCE_LOG_MEAN, SOURCE_LOG_DEVIATION = 2.682, 0.294
RATIO_LOG_MEAN, RATIO_LOG_DEVIATION = 0.022, 0.170
SHORTEST, LONGEST = 3, 53
TRAINING_PAIRS = 29_000
FIRST_WORD = 4  # ids below are control pieces
FILES = {"train": ("train.en.gz", "train.de.gz"), "test": ("test_2016_flickr.en.gz", "test_2016_flickr.de.gz")}


def build(root: Path | None, config: ConfigDict, batches: int, sentences: int) -> Workload:
    """Return the first `batches` training batches of `config.data`, and `sentences` to translate.

    root: a folder with Multi30k's published files, or None for made-up sentences of the same lengths.
    """
    data = config.data
    if root is None:
        random = np.random.default_rng(0)
        vocabulary = data.vocabulary.size
        train, test = made_up(random, TRAINING_PAIRS, vocabulary), made_up(random, sentences, vocabulary)
        origin = "made-up sentences with Multi30k's lengths"
    else:
        train, test, vocabulary = multi30k(root, data.vocabulary, sentences)
        origin = "Multi30k en-de, test_2016_flickr"
    stream = Batches(
        train,
        batch_tokens=data.batch_tokens,
        buckets=data.buckets,
        max_tokens=data.max_tokens,
        seed=config.seed,
    )
    training = [stream[i] for i in range(batches)]
    evaluation = config.evaluation
    decoding = list(to_translate(test, evaluation.batch_sentences, evaluation.extra_tokens))
    return Workload(vocabulary, training, decoding, origin)


def made_up(random: np.random.Generator, count: int, vocabulary: int) -> Examples:
    """Return `count` pairs of random ids, with the joint distribution of lengths of Multi30k."""
    sources = np.exp(random.normal(SOURCE_LOG_MEAN, SOURCE_LOG_DEVIATION, count))
    targets = sources * np.exp(random.normal(RATIO_LOG_MEAN, RATIO_LOG_DEVIATION, count))
    sides = [np.clip(np.rint(side), SHORTEST, LONGEST).astype(int) - 1 for side in (sources, targets)]
    return Examples(*(Sentences(random.integers(FIRST_WORD, vocabulary, n) for n in side) for side in sides))


def multi30k(root: Path, fields: ConfigDict, sentences: int) -> tuple[Examples, Examples, int]:
    """Return (train, test, vocabulary size), the splits as ids."""
    train, test = (read_pairs(*(root / file for file in FILES[split])) for split in ("train", "test"))
    test = test[:sentences]
    both = Vocabularies.train(train, joint=True, kind="bpe", size=fields.size)
    return encode(train, both), encode(test, both), len(both.target)


def to_translate(examples: Examples, batch_sentences: int, extra_tokens: int) -> Iterator[dict[str, np.ndarray]]:
    """Return batches in the shapes of `run.py translate`, with the length at which each translation is cut off."""
    assert examples.targets is not None
    wanted = np.minimum(examples.targets.lengths + 1, 3 * examples.sources.lengths // 2 + extra_tokens)
    for indices, batch in evaluation_batches(Examples(examples.sources), batch_sentences):
        length_B = np.zeros(len(batch["source_BS"]), np.int32)  # rows of nothing but padding are not wanted
        length_B[: len(indices)] = wanted[indices]
        yield {"source_BS": batch["source_BS"], "length_B": length_B}

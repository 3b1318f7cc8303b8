"""Multi30k: its config without the data, and the real files where they are."""

import hashlib
import re

import pytest

from configs.command_line import load, override
from research import data
from research.data.batches import Batches
from research.data.evaluation_batches import evaluation_batches
from research.data.examples import encode

ARCHITECTURES = ["none", "luong", "bahdanau", "transformer", "tiny", "tiny_published", "luong_tokenised"]


def config(architecture="luong", *overrides):
    return override(load(f"configs/multi30k.py:{architecture}"), list(overrides))[0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_file_that_is_fetched_has_a_digest(architecture):
    fields = config(architecture).data
    files = [*fields.train, *fields.validation, *(name for pair in fields.tests.values() for name in pair)]
    assert len(set(files)) == len(files) >= 8
    assert all(re.fullmatch("[0-9a-f]{64}", fields.sha256[name.replace(".", "__")]) for name in files)
    assert all(en.replace(".en", ".de") == de for en, de in zip(files[::2], files[1::2], strict=True))
    assert re.search("/dataset/[0-9a-f]{40}/data/task1", fields.download)


def test_tiny_has_the_published_shape():
    model = config("tiny_published").model
    assert (model.encoder_layers, model.decoder_layers, model.width, model.ffn, model.heads) == (4, 4, 128, 256, 4)
    assert model.tie == "all"


@pytest.fixture(scope="module")
def corpus(multi30k):
    return data.build(config("luong", f"--config.data.root={multi30k}", "--config.data.download=").data)


@pytest.mark.data
def test_the_real_files(corpus, multi30k):
    counts = {"train": 29_000, "validation": 1_014, "test_2016_flickr": 1_000, "test_2017_flickr": 1_000}
    assert {name: len(split) for name, split in corpus.splits.items()} == counts | {"test_2017_mscoco": 461}
    assert corpus.splits["train"][0].source == "Two young, White males are outside near many bushes."
    assert corpus.digests["val.de.gz"] == hashlib.sha256((multi30k / "val.de.gz").read_bytes()).hexdigest()


@pytest.mark.data
def test_the_tokenised_text_is_the_published_one(multi30k):
    fields = config("tiny_published", f"--config.data.root={multi30k}", "--config.data.download=").data
    assert data.build(fields).splits["train"][0].source.startswith("two young , white males")


@pytest.mark.data
def test_real_text_through_vocabulary_and_batches(corpus):
    fields = config().data
    train = corpus.splits["train"]
    vocabularies = data.build_vocabularies(fields, train)
    assert vocabularies.joint
    assert len(vocabularies.source) == fields.vocabulary.size
    examples = encode(train, vocabularies)
    for i in range(0, len(train), 97):
        assert vocabularies.target.decode(examples.targets[i]) == " ".join(train[i].target.split())
        words = vocabularies.target.word_of_piece(train[i].target)
        assert len(words) == len(examples.targets[i])
        assert words[-1] == len(train[i].target.split()) - 1
    stream = Batches(
        examples, batch_tokens=fields.batch_tokens, buckets=fields.buckets, max_tokens=fields.max_tokens, seed=0
    )
    assert stream.skipped == 0
    assert stream.fill > 0.84  # of 100 positions that are computed, those that are subwords, in six shapes
    assert sum(int(stream[i]["source_BS"].any(axis=1).sum()) for i in range(stream.batches_per_epoch)) == 29_000
    test = encode(corpus.splits["test_2016_flickr"], vocabularies)
    order = [int(index) for indices, _ in evaluation_batches(test, 100) for index in indices]
    assert sorted(order) == list(range(1_000))

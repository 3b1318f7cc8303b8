"""Batches of every config whose corpus is at hand: mostly words, and of enough sentences."""

import pytest

from configs.base import MODELS
from configs.command_line import load, override
from research import data
from research.data.batches import Batches

FILL = 0.75  # of the positions that are computed
SENTENCES = 48  # a step, on average


def batches_of(config):
    fields = config.data
    train = data.build(fields).splits["train"]
    return Batches(
        data.encode_training(train, data.build_vocabularies(fields, train)),
        batch_tokens=fields.batch_tokens,
        buckets=fields.buckets,
        max_tokens=fields.max_tokens,
        seed=0,
    )


def check(config):
    found = batches_of(config)
    assert found.fill >= FILL
    assert found.pairs / found.batches_per_epoch >= SENTENCES
    assert found.advice == ""


@pytest.mark.parametrize("name", ["embedded", "embedded_tiny"])
def test_batches_of_the_embedded_corpus_are_full(name):
    check(load(f"configs/{name}.py"))


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["multi30k_small:luong", "multi30k:luong", "multi30k:tiny_published", "multi30k:tutorial_none"]
)
def test_batches_of_multi30k_are_full(name, multi30k):
    file, _, architecture = name.partition(":")
    check(override(load(f"configs/{file}.py:{architecture}"), [f"--config.data.root={multi30k}"])[0])


@pytest.mark.parametrize("name", ["embedded", "embedded_tiny", "multi30k", "multi30k_small"])
def test_all_architectures_have_the_same_batches(name):
    fields = {architecture: load(f"configs/{name}.py:{architecture}").data.to_json() for architecture in MODELS}
    assert len(set(fields.values())) == 1

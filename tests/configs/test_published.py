"""Published systems as configs: their sizes by hand, the layout of their data, and the commands of the document."""

import re
import shlex
from itertools import pairwise

import jax
import numpy as np
import pytest

from configs.command_line import load, override
from research import data, models
from research.data import translation_datasets
from research.data.pairs import Pair
from research.data.translation_datasets import LocalTranslation, find_builder
from tests.models.variants import shapes


def lstm(inputs, width):
    return 4 * (inputs * width + width**2 + width)


def gru(inputs, width):
    """Two biases, as in cuDNN."""
    return 3 * (inputs * width + width**2 + 2 * width)


def transformer(layers, width, ffn):
    """Attention has 4 (d² + d), the feed-forward layer 2 d f + f + d, and each sublayer a norm of 2 d."""
    attention, feed_forward, norm = 4 * (width**2 + width), 2 * width * ffn + ffn + width, 2 * width
    return layers * (attention + feed_forward + 2 * norm + 2 * attention + feed_forward + 3 * norm)


# Luong et al. 2015: 4 + 4 layers of 1,000, and three tables of 50,000 words.
D = 1_000
STACKS = 8 * lstm(D, D) + 3 * 50_000 * D
READING = STACKS + 2 * D * D  # W_c
FEEDING = READING + 4 * D * D  # the first layer of the decoder gets 1,000 more inputs
# name -> (source vocabulary, target vocabulary, parameters)
SIZES = {
    "wmt14:base": (37_000, 37_000, transformer(6, 512, 2_048) + 37_000 * 512),
    "wmt14:big": (37_000, 37_000, transformer(6, 1_024, 4_096) + 37_000 * 1_024),
    "wmt14:luong_base": (50_000, 50_000, STACKS),
    "wmt14:luong_reversed": (50_000, 50_000, STACKS),
    "wmt14:luong_dropout": (50_000, 50_000, STACKS),
    "wmt14:luong_location": (50_000, 50_000, READING + 51 * D),
    "wmt14:luong_location_feeding": (50_000, 50_000, FEEDING + 51 * D),
    "wmt14:luong_dot": (50_000, 50_000, FEEDING),
    "wmt14:luong_general": (50_000, 50_000, FEEDING + D * D),
    "wmt14:luong_local_m": (50_000, 50_000, FEEDING + D * D),
    "wmt14:luong_local_p": (50_000, 50_000, FEEDING + D * D + D * D + D),  # W_a, W_p and v_p
    "wmt14_fr:rnnsearch": (
        30_000,
        30_000,
        2 * gru(620, 500) + gru(620 + D, D) + 2 * D * D + D + 2 * D * D + 30_000 * (2 * 620 + D),
    ),
    "wmt17:flax": (32_000, 32_000, transformer(6, 1_024, 4_096) + 2 * 2 * 1_024 + 32_000 * 1_024),
    "iwslt14:joeynmt_rnn": (
        32_000,
        32_000,
        2 * gru(620, 500) + gru(620 + D, D) + 2 * D * D + D + 2 * D * D + 32_000 * (2 * 620 + D),
    ),
    "iwslt14:joeynmt_transformer": (32_000, 32_000, transformer(6, 256, 1_024) + 2 * 2 * 256 + 32_000 * 256),
    "iwslt15:scaled_luong": (
        8_000,
        8_000,
        2 * lstm(512, 256) + lstm(512 + 512, 512) + lstm(512, 512) + 512**2 + 1 + 2 * 512**2 + 3 * 8_000 * 512,
    ),
    "multi30k:tiny_published": (10_000, 10_000, transformer(4, 128, 256) + 10_000 * 128),
    "multi30k:tutorial_none": (
        7_853,
        5_893,
        2 * (lstm(256, 512) + lstm(512, 512)) + (7_853 + 5_893) * 256 + 5_893 * 512,
    ),
    "multi30k:tutorial_context": (
        7_853,
        5_893,
        gru(256, 512) + gru(256 + 512, 512) + 2 * 512**2 + (7_853 + 5_893) * 256 + 5_893 * 512,
    ),
    "multi30k:tutorial_attention": (
        7_853,
        5_893,
        2 * gru(256, 256) + gru(256 + 512, 512) + 2 * 512**2 + 512 + 2 * 512**2 + (7_853 + 5_893) * 256 + 5_893 * 512,
    ),
    "multi30k:tutorial_transformer": (
        7_853,
        5_893,
        transformer(3, 256, 512) + 2 * 100 * 256 + (7_853 + 2 * 5_893) * 256,
    ),
}
# name -> (published parameters, the most that vocabulary, rounding and named differences explain)
STATED = {
    "wmt14:base": (65_000_000, 4_500 * 512),  # "about 37000" subwords: a few thousand are the difference
    "wmt14:big": (213_000_000, 4_500 * 1_024),
    "iwslt14:joeynmt_transformer": (19_180_000, 300 * 256),
    # An output bias of 5,893, and in each of four LSTM layers a second bias.
    "multi30k:tutorial_none": (13_898_501, 5_893 + 4 * 4 * 512),
    "multi30k:tutorial_transformer": (9_038_341, 5_893),
}
ALL = list(SIZES)


def config(name, *overrides):
    return override(load("configs/{}.py:{}".format(*name.split(":"))), list(overrides))[0]


@pytest.mark.parametrize("name", ALL)
def test_a_published_model_has_the_size_of_the_paper_by_hand(name):
    source, target, parameters = SIZES[name]
    translator = models.build(config(name).model, source_vocabulary=source, target_vocabulary=target)
    sizes = [int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes(translator.clone(deterministic=False)))]
    assert sum(sizes) == parameters


@pytest.mark.parametrize("name", STATED)
def test_the_size_is_the_one_that_the_paper_states(name):
    stated, explained = STATED[name]
    assert abs(SIZES[name][2] - stated) <= explained


@pytest.mark.parametrize("name", ALL)
def test_the_vocabulary_is_of_the_size_that_the_model_is_counted_with(name):
    vocabulary = config(name).data.vocabulary
    source, target, _ = SIZES[name]
    if "tutorial" in name:  # counted with their words
        assert not vocabulary.joint
    else:
        assert source == target == vocabulary.size
        assert vocabulary.joint or config(name).model.tie != "all"


def test_a_row_of_luong_differs_from_the_one_before_in_what_it_names():
    rows = ("base", "reversed", "dropout", "location", "location_feeding", "local_p")
    found = [config(f"wmt14:luong_{row}").model.to_dict() for row in rows]
    changes = [{field for field in below if below[field] != above[field]} for above, below in pairwise(found)]
    assert changes == [{"direction"}, {"dropout"}, {"reader", "score"}, {"input_feeding"}, {"score", "window"}]


@pytest.mark.parametrize(
    ("name", "validation", "test", "source", "target"),
    [
        ("iwslt14:joeynmt_rnn", "valid", "test", "de", "en"),  # lower-cased
        ("iwslt14:joeynmt_transformer", "valid", "test", "de", "en"),
        ("iwslt15:scaled_luong", "tst2012", "tst2013", "EN", "VI"),  # cased
    ],
)
def test_files_in_the_published_layout(tmp_path, name, validation, test, source, target):
    fields = config(name, f"--config.data.root={tmp_path}").data
    for split, count in (("train", 5), (validation, 2), (test, 3)):
        for language in (source, target):
            lines = [f"{language.upper()} {split} {i}\n" for i in range(count)]
            (tmp_path / f"{split}.{language.lower()}").write_text("".join(lines), encoding="utf-8")
    splits = data.build(fields).splits
    assert {split: len(pairs) for split, pairs in splits.items()} == {"train": 5, "validation": 2, test: 3}
    assert splits["validation"][1] == Pair(f"{source} {validation} 1", f"{target} {validation} 1")


@pytest.mark.data
def test_the_tutorial_translates_the_other_way_round(multi30k):
    fields = config("multi30k:tutorial_none", f"--config.data.root={multi30k}", "--config.data.download=").data
    first = data.build(fields).splits["train"][0]
    assert first.target == "two young, white males are outside near many bushes."
    assert first.source.startswith("zwei junge weiße männer")


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("wmt14:base", "en", "de"),
        ("wmt14:luong_dot", "en", "de"),
        ("wmt14_fr:rnnsearch", "en", "fr"),
        ("wmt17:flax", "de", "en"),
    ],
)
def test_a_builder_in_the_published_direction(tmp_path, monkeypatch, name, source, target):
    fields = config(name, "--config.data.subset=0").data
    genuine = find_builder(fields.builder, str(tmp_path / "genuine"))
    assert {"train", "validation", "test"} <= genuine.subsets.keys()
    assert set(genuine.info.features) == {source, target}
    for split in fields.splits:
        for language in (source, target):
            (tmp_path / f"{split}.{language}").write_text(f"{language} {split}\n", encoding="utf-8")
    prepared = LocalTranslation(root=tmp_path, languages=sorted((source, target)), data_dir=tmp_path / "prepared")
    prepared.download_and_prepare(file_format="array_record")
    monkeypatch.setattr(translation_datasets, "find_builder", lambda *_: prepared)
    splits = data.build(fields).splits
    assert splits == {split: [Pair(f"{source} {split}", f"{target} {split}")] for split in fields.splits}


def test_every_command_of_the_document_names_a_config(root):
    text = (root / "docs" / "reproductions.md").read_text("utf-8").replace("\\\n", " ")
    commands = [shlex.split(line) for line in re.findall(r"^ +python run\.py train (.*)$", text, flags=re.MULTILINE)]
    named = set()
    for arguments in commands:
        name = arguments[0].removeprefix("--config=")
        _, rest = override(load(name), arguments[1:])
        assert [flag.partition("=")[0] for flag in rest] == ["--workdir"]
        named.add(name.removeprefix("configs/").replace(".py:", ":"))
    assert named == set(ALL)

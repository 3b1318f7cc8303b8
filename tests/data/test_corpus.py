"""From a config to a corpus: every source, pairs that are left out, subsets, lower-casing, digests."""

import hashlib
import subprocess
import sys

import pytest

from configs.command_line import load, override
from research import data
from research.data.pairs import Pair
from research.data.vocabulary import UNK


def config(*overrides, file="configs/text.py:luong"):
    return override(load(file), list(overrides))[0].data


@pytest.fixture
def folder(tmp_path):
    texts = {
        "train.en": "One\n\nThree\nFour four\nFive\n",
        "train.de": "Eins\nZwei\n \nVier vier\nFünf\n",
        "dev.en": "A\n\nC\n",
        "dev.de": "Ä\nB\nC\n",
        "test.en": "\n",
        "test.de": "X\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def of(folder, *overrides):
    defaults = [
        "--config.data.train=('train.en', 'train.de')",
        "--config.data.validation=('dev.en', 'dev.de')",
        "--config.data.tests.test=('test.en', 'test.de')",
    ]
    given = {override.partition("=")[0] for override in overrides}
    kept = [default for default in defaults if default.partition("=")[0] not in given]
    return config(f"--config.data.root={folder}", *kept, *overrides)


def test_empty_sides_are_left_out_of_training_and_kept_elsewhere(folder):
    corpus = data.build(of(folder))
    assert corpus.splits["train"] == [Pair("One", "Eins"), Pair("Four four", "Vier vier"), Pair("Five", "Fünf")]
    assert corpus.splits["validation"] == [Pair("A", "Ä"), Pair("", "B"), Pair("C", "C")]
    assert corpus.splits["test"] == [Pair("", "X")]
    assert corpus.empty == 2
    assert corpus.notes == ("2 of 5 training pairs have an empty side and are left out",)
    assert corpus.digests["train.de"] == hashlib.sha256((folder / "train.de").read_bytes()).hexdigest()
    assert list(corpus.digests) == ["train.en", "train.de", "dev.en", "dev.de", "test.en", "test.de"]


def test_lowercase_changes_both_sides_of_every_split(folder):
    corpus = data.build(of(folder, "--config.data.lowercase=True"))
    assert corpus.splits["train"][0] == ("one", "eins", ())
    assert corpus.splits["validation"][0] == ("a", "ä", ())


def test_subsets_nest_whatever_the_seed():
    pairs = [Pair(str(i), str(-i)) for i in range(997)]
    subsets = [data.nested_subset(pairs, n) for n in (11, 101, 997)]
    assert subsets[0] == subsets[1][:11]
    assert subsets[1] == subsets[2][:101]
    assert sorted(subsets[2]) == sorted(pairs)
    assert subsets[2] != pairs
    # Pinned: a subset that moved would silently be another experiment.
    assert [pair.source for pair in subsets[0][:5]] == ["777", "220", "106", "368", "284"]


def test_the_subset_is_taken_after_empty_sides_are_left_out(folder):
    small, whole = (data.build(of(folder, f"--config.data.subset={n}")) for n in (2, 3))
    assert whole.splits["train"][:2] == small.splits["train"]
    assert small.notes[1] == "training on 2 of 5 pairs"
    assert small.splits["validation"] == whole.splits["validation"]
    with pytest.raises(ValueError, match=r"data.subset=4, but there are 3 training pairs"):
        data.build(of(folder, "--config.data.subset=4"))


def test_the_vocabulary_is_trained_on_the_training_split_alone(folder):
    settings = of(folder, "--config.data.vocabulary.size=60")
    vocabularies = data.build_vocabularies(settings, data.build(settings).splits["train"])
    assert UNK in vocabularies.target.encode("Ä")
    assert UNK not in vocabularies.target.encode("ü")
    assert vocabularies.joint


@pytest.mark.parametrize(
    ("overrides", "error", "complaint"),
    [
        (["--config.data.source=web"], ValueError, "data.source='web': choose one of embedded, text, tfds"),
        (["--config.data.languages=('en',)"], ValueError, r"data.languages=\('en',\): expected two, .* \('en', 'de'\)"),
        (["--config.data.languages=('en', 'de', 'fr')"], ValueError, "data.languages=.*'fr'.*: expected two"),
        (["--config.data.languages=('en', '')"], ValueError, "data.languages=.*: expected two"),
        (["--config.data.train=('', '')"], ValueError, "data.train names no files"),
        (["--config.data.train=('train.en', '')"], ValueError, "must name two files"),
        (["--config.data.train=('train.en', 'dev.de')"], ValueError, "train.en has 5 lines and .*dev.de has 3"),
        (["--config.data.validation=('dev.en', 'dev.fr')"], FileNotFoundError, "dev.fr, which data.validation names"),
        (["--config.data.train=('test.en', 'test.de')"], ValueError, "of 1 read, none has text on both sides"),
    ],
)
def test_errors_name_the_field_and_the_remedy(folder, overrides, error, complaint):
    with pytest.raises(error, match=complaint):
        data.build(of(folder, *overrides))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("train", "data.tests names a test split 'train', and there is another split of that name"),
        ("validation", "data.tests names a test split 'validation', and there is another split of that name"),
        ("en/de", "data.tests names a test split 'en/de', which cannot be a file name"),
        ("", "data.tests names a test split '', which cannot be a file name"),
    ],
)
def test_a_test_split_cannot_have_the_name_of_another_split(folder, name, complaint):
    settings = of(folder)
    with settings.unlocked():
        settings.tests[name] = ("test.en", "test.de")
    with pytest.raises(ValueError, match=complaint):
        data.build(settings)


def test_a_bare_string_is_not_two_languages(folder):
    settings = of(folder).copy_and_resolve_references()
    with settings.ignore_type():
        settings.languages = "en"
    with pytest.raises(ValueError, match=r"data\.languages='en': expected two"):
        data.build(settings)


def test_a_split_without_files_is_left_out(folder):
    assert "test" not in data.build(of(folder, "--config.data.tests.test=('', '')")).splits


def test_the_embedded_corpus_is_a_source():
    settings = config(
        "--config.data.embedded.train_pairs=211",
        "--config.data.embedded.validation_pairs=13",
        "--config.data.embedded.test_pairs=17",
        file="configs/embedded.py:luong",
    )
    corpus, again = data.build(settings), data.build(settings)
    assert {name: len(split) for name, split in corpus.splits.items()} == {"train": 211, "validation": 13, "test": 17}
    assert all(pair.alignment for pair in corpus.splits["test"])
    assert corpus.digests == again.digests
    assert len(corpus.digests) == 3


def test_tensorflow_is_not_imported(root):
    program = "import research.data, research.data.translation_datasets, sys; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

"""The cache of prepared corpora: the same data with and without it, made once, damage noticed, never needed."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from configs.command_line import load, override
from research import data
from research.data import cache
from research.data.cache import cached
from research.data.vocabulary import Vocabulary

SMALL = ["train_pairs=211", "validation_pairs=13", "test_pairs=17"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "corpora"


def embedded(*overrides):
    fields = [f"--config.data.embedded.{field}" for field in SMALL]
    size = "--config.data.vocabulary.size=500"
    return override(load("configs/embedded.py:luong"), [*fields, size, *overrides])[0].data


def text(tmp_path, *overrides, content="one two\nthree\n"):
    for name in ("a.en", "a.de", "b.en", "b.de"):
        (tmp_path / name).write_text(content + f"{name}\n")
    fields = ["root=" + str(tmp_path), "train=('a.en', 'a.de')", "validation=('b.en', 'b.de')", "vocabulary.size=40"]
    given = [f"--config.data.{field}" for field in fields]
    return override(load("configs/text.py:luong"), [*given, *overrides])[0].data


def prepared(config):
    """Return everything that a run takes from its data."""
    corpus = data.build(config)
    vocabularies = data.build_vocabularies(config, corpus.splits["train"])
    examples = data.encode_training(corpus.splits["train"], vocabularies)
    arrays = [getattr(side, name) for side in (examples.sources, examples.targets) for name in ("ids", "lengths")]
    models = [vocabulary.model for vocabulary in vocabularies]
    assert (vocabularies.source is vocabularies.target) == config.vocabulary.joint
    return corpus, models, [(array.dtype, array.tolist()) for array in arrays]


def entries(folder):
    return sorted(file.name for file in folder.iterdir())


def numbers(depends_on=(), made=None, kind="ids"):
    """Return the arrays of an entry; each time that they are made, `made` grows by `depends_on`."""

    def make():
        if made is not None:
            made.append(depends_on)
        return {"a": np.arange(1_000, dtype=np.int32), "b": np.zeros(0)}

    found = cached(kind, make, depends_on=depends_on, code=[])
    np.testing.assert_equal(found, make() if made is None else {"a": np.arange(1_000), "b": np.zeros(0)})
    return found


@pytest.mark.parametrize("joint", [True, False])
def test_data_is_the_same_with_and_without_the_cache(tmp_path, monkeypatch, folder, joint):
    monkeypatch.setenv("LOOKBACK_CACHE", "")
    for config in (embedded(f"--config.data.vocabulary.joint={joint}", "--config.data.subset=101"), text(tmp_path)):
        without = prepared(config)
        with monkeypatch.context() as here:
            here.setenv("LOOKBACK_CACHE", str(folder.parent))
            assert prepared(config) == without  # made, and written
            assert prepared(config) == without  # read
    assert len(entries(folder)) == 5
    assert all(type(pair) is data.Pair for pair in data.build(embedded()).splits["test"])


def test_nothing_is_made_twice(monkeypatch, folder):
    config = embedded()
    first = prepared(config)

    def fail(*_, **__):
        raise AssertionError("made again")

    monkeypatch.setattr("research.data.embedded.generate", fail)
    monkeypatch.setattr(Vocabulary, "train", fail)
    monkeypatch.setattr(Vocabulary, "encode_all", fail)
    assert prepared(config) == first
    with pytest.raises(AssertionError, match="made again"):
        prepared(embedded("--config.data.embedded.seed=1"))


def test_a_change_makes_again_whatever_depends_on_it(tmp_path, monkeypatch, folder):
    kinds = {"pairs": 0, "vocabulary": 1, "ids": 1}

    def made():
        now = {kind: sum(name.startswith(kind) for name in entries(folder)) for kind in kinds}
        new = {kind for kind in kinds if now[kind] > kinds[kind]}
        kinds.update(now)
        return new

    prepared(text(tmp_path))
    assert made() == set()
    prepared(text(tmp_path, "--config.data.languages=('x', 'y')", "--config.data.batch_tokens=7"))
    assert made() == set()
    prepared(text(tmp_path, "--config.data.vocabulary.kind=unigram"))
    assert made() == {"vocabulary", "ids"}
    prepared(text(tmp_path, "--config.data.subset=2"))
    assert made() == {"vocabulary", "ids"}
    prepared(text(tmp_path, content="one two\nfour\n"))
    assert made() == {"vocabulary", "ids"}
    prepared(embedded())
    assert made() == {"pairs", "vocabulary", "ids"}
    prepared(embedded("--config.data.vocabulary.size=400"))
    assert made() == {"vocabulary", "ids"}
    monkeypatch.setattr(cache, "code_digest", lambda *patterns: "changed code")
    prepared(embedded())
    assert made() == {"pairs", "vocabulary", "ids"}


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b[:20], lambda b: b"", lambda b: b[:99] + b"?" + b[100:]]
)
def test_a_damaged_entry_is_made_again(folder, damage):
    made = []
    numbers(made=made)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    numbers(made=made)
    assert len(made) == 2
    assert file.read_bytes() == whole
    numbers(made=made)
    assert len(made) == 2


def test_a_folder_that_cannot_be_written_or_read_is_no_error(tmp_path, monkeypatch, folder):
    made = []
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / "file" / "below"))
    numbers(made=made)
    monkeypatch.setenv("LOOKBACK_CACHE", "")
    numbers(made=made)
    monkeypatch.delenv("LOOKBACK_CACHE")
    monkeypatch.setattr(cache.Path, "expanduser", lambda path: (_ for _ in ()).throw(RuntimeError("no home directory")))
    numbers(made=made)
    assert len(made) == 3
    assert not folder.exists()


def test_a_cache_that_is_full_or_read_only_is_no_error(monkeypatch, folder):
    def fail(*_):
        raise OSError(28, "No space left on device")

    made = []
    numbers(made=made)
    monkeypatch.setattr(cache.os, "replace", fail)
    monkeypatch.setattr(cache.os, "utime", fail)
    numbers(made=made)
    numbers(depends_on=["other"], made=made)
    assert made == [(), ["other"]]
    assert len(entries(folder)) == 1


def test_the_home_directory_has_the_cache_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("LOOKBACK_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    numbers()
    assert len(entries(tmp_path / ".cache" / "lookback" / "corpora")) == 1


def test_jobs_side_by_side_get_the_same(folder):
    together = Barrier(8)

    def job(number):
        def make():
            together.wait()  # all find nothing before one has written
            return {"a": np.arange(10_007)}

        return [cached("ids", make, depends_on=[depends], code=[])["a"].sum() for depends in range(3)]

    with ThreadPoolExecutor(8) as pool:
        assert set(map(tuple, pool.map(job, range(8)))) == {(10_007 * 5_003,) * 3}
    assert len(entries(folder)) == 3


def test_the_entries_read_longest_ago_are_removed(monkeypatch, folder):
    numbers()
    size = next(folder.iterdir()).stat().st_size
    (folder / "mine.txt").write_text("x" * 10 * size)
    monkeypatch.setattr(cache, "LIMIT_BYTES", 3 * size + 1)
    made = []
    for number in range(3):
        numbers(depends_on=[number], made=made)
        for age, file in enumerate(sorted(folder.glob("ids-*"), key=lambda file: -file.stat().st_mtime_ns)):
            cache.os.utime(file, (1_000 - age, 1_000 - age))
    numbers(depends_on=[0], made=made)  # it is there, and is now the newest
    assert len(made) == 3
    numbers(depends_on=[3], made=made)  # takes the place of 1
    assert len(list(folder.glob("ids-*"))) == 3
    assert (folder / "mine.txt").exists()
    numbers(depends_on=[0], made=made)
    numbers(depends_on=[2], made=made)
    assert [*map(json.dumps, made)] == ["[0]", "[1]", "[2]", "[3]"]
    numbers(depends_on=[1], made=made)
    assert len(made) == 5

"""Corpora that are streamed: the pairs that are held otherwise, tokenised whole or not at all, and found again."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from configs.command_line import load, override
from research import data
from research.data import chunked_text, shards, text, workers
from research.data.batches import Batches
from research.data.pairs import Pair
from research.data.shards import find_shards
from research.data.vocabulary import Vocabularies

CHUNK = 7


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, small chunks, and no other processes."""
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / "cache"))
    for module in (chunked_text, text, shards):
        monkeypatch.setattr(module, "CHUNK_PAIRS", CHUNK)
    for module in (data, shards):
        monkeypatch.setattr(module, "in_processes", lambda function, tasks, most=0: map(function, tasks))
    return tmp_path / "cache" / "corpora"


def of_text(folder, lines, **fields):
    (folder / "corpus").mkdir(exist_ok=True)
    for language in ("en", "de"):
        (folder / "corpus" / f"train.{language}").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "corpus" / f"dev.{language}").write_text("one line\n")
    given = {"root": folder / "corpus", "train": ("train.en", "train.de"), "validation": ("dev.en", "dev.de")}
    given |= {"vocabulary.size": 60, "stream_pairs": 5} | fields
    return override(load("configs/text.py:luong"), [f"--config.data.{name}={value}" for name, value in given.items()])[
        0
    ].data


LINES = [f"line {i} of a text" if i % 6 else "" for i in range(23)]


def read(streamed):
    return [pair for part in streamed.parts() for pair in part.read().pairs]


def trained(config):
    """Return what a run takes from its data: the pairs that it trains on, its words, and its batches."""
    corpus = data.build(config)
    vocabularies = data.build_vocabularies(config, corpus.train)
    batches = data.training_batches(config, corpus.train, vocabularies, seed=0)
    return corpus, vocabularies, batches, data.count_target_words(corpus.train, vocabularies)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("lowercase", [False, True])
def test_files_give_the_pairs_that_they_would_in_memory(tmp_path, compressed, lowercase):
    config = of_text(tmp_path, [line.title() for line in LINES], lowercase=lowercase)
    if compressed:
        subprocess.run(["gzip", *(tmp_path / "corpus").glob("train.*")], check=True)
    streamed, vocabularies, batches, words = trained(config)
    config.stream_pairs = 0
    held, same, expected, counted = trained(config)
    assert "train" not in streamed.splits
    assert read(streamed.train) == held.splits["train"]
    assert [side.model for side in vocabularies] == [side.model for side in same], "the sample is the whole text here"
    assert words == counted
    assert (
        (streamed.train.pairs, batches.pairs, batches.empty)
        == (23, len(held.splits["train"]), held.empty)
        == (23, 19, 4)
    )
    assert {**streamed.digests} == held.digests
    assert batches.shapes == expected.shapes
    assert type(expected) is Batches
    numbers = np.concatenate([batches.pairs_of(step) for step in range(batches.batches_per_epoch)])
    assert sorted(numbers.tolist()) == [i for i in range(23) if LINES[i]]


def test_small_corpora_and_subsets_are_held_in_memory(tmp_path):
    for fields in ({"stream_pairs": 24}, {"subset": 9}, {"stream_pairs": 0}):
        assert data.build(of_text(tmp_path, LINES, **fields)).streamed is None


def test_damaged_text_is_refused_by_line(tmp_path):
    config = of_text(tmp_path, LINES)
    file = tmp_path / "corpus" / "train.de"
    whole = file.read_bytes()
    file.write_bytes(whole + b"more\n")
    with pytest.raises(ValueError, match=r"has 23 lines and .* has 24"):
        data.build(config)
    file.write_bytes(whole.replace(b"line 10", b"line \xe9"))
    with pytest.raises(ValueError, match=r"train.de, line 11: byte 0xe9"):
        trained(config)
    assert not list((tmp_path / "cache" / "corpora").glob("shards-*[!p]"))


def embedded(**knobs):
    fields = {"train_pairs": 30, "validation_pairs": 5, "test_pairs": 6} | knobs
    config = load("configs/embedded.py:luong").data
    config.embedded.update(fields)
    config.vocabulary.size = 400
    config.stream_pairs = 20
    return config


def test_generated_chunks_hold_out_the_splits_and_nest():
    corpus = data.build(embedded())
    held = data.build(embedded(train_pairs=19))
    assert {name: corpus.splits[name] for name in ("validation", "test")} == {
        name: held.splits[name] for name in ("validation", "test")
    }
    pairs = read(corpus.train)
    assert len(pairs) == 30
    others = {pair.source for name in ("validation", "test") for pair in corpus.splits[name]}
    assert not others & {pair.source for pair in pairs}
    few = {"clauses": 1, "words": 0.02, "ambiguity": 0.0, "test_pairs": 300, "train_pairs": 210}
    crowded = data.build(embedded(**few))
    assert not {pair.source for pair in crowded.splits["test"]} & {pair.source for pair in read(crowded.train)}
    larger = read(data.build(embedded(train_pairs=40)).train)
    assert larger[: 4 * CHUNK] == pairs[: 4 * CHUNK]
    assert len({pair.source for pair in pairs[:CHUNK]}) == CHUNK
    assert read(data.build(embedded(seed=1)).train) != pairs
    noisy = read(data.build(embedded(noise=0.5)).train)
    assert [pair.source for pair in noisy] == [pair.source for pair in pairs]
    assert sum(a.target != b.target for a, b in zip(noisy, pairs, strict=True)) > 20


def test_digests_of_a_generated_corpus_name_its_knobs():
    digests = [data.build(config).digests for config in (embedded(), embedded(), embedded(train_pairs=31))]
    assert digests[0] == digests[1]
    assert digests[0]["embedded:train"] != digests[2]["embedded:train"]
    assert digests[0]["embedded:test"] == digests[2]["embedded:test"]


def test_a_sample_is_spread_over_the_text():
    corpus = data.build(embedded())
    pairs = read(corpus.train)
    assert corpus.train.sample(10) == [pair for start in range(0, 30, CHUNK) for pair in pairs[start : start + 2]]


def test_what_was_tokenised_is_found_again(tmp_path, cache, monkeypatch):
    _, vocabularies, batches, _ = trained(of_text(tmp_path, LINES))
    [folder] = cache.glob("shards-*")
    assert folder == batches.shards.folder
    text_of = data.build(of_text(tmp_path, LINES)).train

    def fail(*_, **__):
        raise AssertionError("made again")

    with monkeypatch.context() as patch:
        patch.setattr(shards, "_make", fail)
        assert find_shards(text_of, vocabularies).folder == folder
        with pytest.raises(AssertionError, match="made again"):
            find_shards(data.build(of_text(tmp_path, [*LINES, "more"])).train, vocabularies)
    of_text(tmp_path, LINES)
    (folder / "00001.array_record").write_bytes(b"cut off")
    again = find_shards(text_of, vocabularies)
    assert again.folder == folder
    assert len(again.read(np.arange(again.pairs))) == 19


def test_without_a_cache_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOKBACK_CACHE", "")
    with pytest.raises(
        ValueError, match=r"23 training pairs are streamed from the cache, which is off: unset LOOKBACK"
    ):
        trained(of_text(tmp_path, LINES))


def test_a_text_of_empty_sides_is_refused(tmp_path):
    vocabularies = Vocabularies.train([Pair("a b c", "a b c")], joint=True, kind="bpe", size=10)
    with pytest.raises(ValueError, match="of 23 read, none has text on both sides"):
        find_shards(data.build(of_text(tmp_path, [""] * 23)).train, vocabularies)


def test_text_that_changes_while_it_is_read_is_refused(tmp_path):
    config = of_text(tmp_path, LINES)
    corpus = data.build(config)
    vocabularies = data.build_vocabularies(config, corpus.train)
    of_text(tmp_path, [*LINES, "more"])
    with pytest.raises(ValueError, match="changed while it was read: 24 pairs, not 23"):
        find_shards(corpus.train, vocabularies)


def test_what_a_killed_process_left_is_cleared(tmp_path, cache):
    _, vocabularies, batches, _ = trained(of_text(tmp_path, LINES))
    left = batches.shards.folder.rename(batches.shards.folder.with_suffix(".tmp"))
    (left / "00009.array_record").write_text("of another")
    (left / "facts.json").unlink()
    again = find_shards(data.build(of_text(tmp_path, LINES)).train, vocabularies)
    assert sorted(file.name for file in again.folder.iterdir())[-3:] == [
        "cells.npz",
        "facts.json",
        "target_words.tsv.gz",
    ]
    assert not left.exists()
    assert len(again.files) == len(list(again.folder.iterdir())) - 3


@pytest.mark.parametrize("name", ["facts.json", "cells.npz", "target_words.tsv.gz"])
def test_what_is_damaged_is_made_again(name, tmp_path):
    _, vocabularies, batches, _ = trained(of_text(tmp_path, LINES))
    file = batches.shards.folder / name
    whole = file.read_bytes()
    for byte in range(0, len(whole), len(whole) // 3):
        file.write_bytes(whole[:byte] + bytes([whole[byte] ^ 0b100]) + whole[byte + 1 :])
        find_shards(data.build(of_text(tmp_path, LINES)).train, vocabularies)
        assert name == "facts.json" or file.read_bytes() == whole


def test_a_damaged_record_is_named(tmp_path):
    _, _, batches, _ = trained(of_text(tmp_path, LINES))
    file = batches.shards.folder / batches.shards.files[0]
    file.write_bytes(bytes(len(file.read_bytes())))
    said = f"{file} is damaged .*: remove {file.parent}, and give the same command again, which makes it anew"
    with pytest.raises(OSError, match=said):
        batches.pairs_of(0)


def square(number):
    return number * number


def slow(_):
    time.sleep(600)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_processes_give_results_in_order_and_end_with_their_parent(number):
    assert list(workers.in_processes(square, iter(range(11)), most=2)) == [n * n for n in range(11)]
    program = (
        "from tests.data.test_shards import slow, workers\n"
        "if __name__ == '__main__': list(workers.in_processes(slow, [0, 1], most=2))"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", program], cwd=root, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (children := psutil.Process(process.pid).children()) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(15)  # until they have started
    assert children
    for each in (*children, psutil.Process(process.pid)):  # a terminal sends SIGINT to all
        if number == signal.SIGINT or each.pid == process.pid:
            each.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert said.count("Traceback") == (number == signal.SIGINT)
    assert not psutil.wait_procs(children, timeout=20)[1]

"""`run.py evaluate` and `translate` on a run folder that was made by hand and never trained."""

import hashlib
import io
import json
import os
import re
import shutil
import threading
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import jax
import numpy as np
import pytest
import sacrebleu

from configs.base import base
from research.data.examples import encode
from research.data.pairs import Pair
from research.data.splits import write_split
from research.data.vocabulary import Vocabularies
from research.data.word_counts import FILE, count_words, write_counts
from research.decoding.forced import force
from research.evaluation.added_split import ParallelFiles, add_split, read_files
from research.evaluation.alignment import best_layer, count_alignment
from research.evaluation.attention import attention_weights
from research.evaluation.comparable import read
from research.evaluation.evaluate import evaluate
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.gold import gold_of
from research.evaluation.loaded_run import load
from research.evaluation.perplexity import cross_entropy
from research.evaluation.quality import bleu, chrf, ter
from research.evaluation.samples import spread
from research.evaluation.score_again import score_again
from research.evaluation.split_result import measure_split
from research.evaluation.translate_text import translate_text
from research.evaluation.validation import validator
from research.results import counts
from research.results.checkpoints import Checkpoints
from research.results.identity import config_as_json
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder
from research.results.sums import Alignment
from tests.decoding.random_model import random_model, small_config

SOURCES = [
    "the dog runs", "a cat", "two old dogs run", "run", "a dog sees a cat", "the old cat sees a dog", "cats",
    "see the old cat", "dogs run", "two cats run", "a cat runs",
]  # fmt: skip
# "The old cat sees a dog" is aligned against the source's order, all others in it.
PAIRS = [
    Pair(source, source.upper(), tuple(enumerate(range(len(source.split()))[:: -1 if "old" in source else 1])))
    for source in SOURCES
]
TRAINING = ["THE DOG SEES A DOG", "A CAT", "RUN TWO"]  # DOG and A twice


def make_run(architecture, path):
    folder = RunFolder(path)
    config = base(small_config(architecture))
    config.data.max_tokens, config.data.languages = 16, ("en", "de")
    config.evaluation.update({"beam": 3, "batch_sentences": 5, "extra_tokens": 1})
    config.evaluation.update({"length_bins": (2, 4), "frequency_bins": (0, 1), "reordering_bins": (0.0, 0.5)})
    folder.write_json("config.json", config_as_json(config))
    vocabularies = Vocabularies.train(PAIRS, joint=True, kind="bpe", size=71)
    vocabularies.save(folder.vocabulary)
    write_counts(folder.vocabulary, count_words(TRAINING))
    write_split(folder.split_file("validation"), PAIRS[:7])
    write_split(folder.split_file("test"), PAIRS)
    costs = {"name": "a run", "steps": 3, "seconds": 1.5, "parameters": 7, "flops_per_token": 11}
    folder.write_json("provenance.json", costs)
    _, params = random_model(architecture, len(vocabularies.target))
    checkpoints = Checkpoints(folder.checkpoints)
    checkpoints.save(3, {"params": params}, {}, loss=1.0)
    checkpoints.close()
    return folder.path


@pytest.fixture(scope="module")
def none(tmp_path_factory):
    """Return the run folder of a model without attention."""
    return make_run("none", tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="module")
def transformer(tmp_path_factory):
    return make_run("transformer", tmp_path_factory.mktemp("transformer"))


def data_of(pairs, run):
    return EvaluationData(pairs, gold_of(pairs), None, encode(pairs, run.vocabularies))


def aligned_by_head(run, pairs):
    model, options = (run.translator, run.params), {"devices": run.devices, "batch_sentences": 5}
    return count_alignment(*model, run.vocabularies, data_of(pairs, run), **options).total()


@pytest.fixture(params=["none", "transformer"])
def workdir(request):
    """Return either run folder."""
    return request.getfixturevalue(request.param)


# For tests in which attention hardly matters.
transformer_unless_slow = pytest.mark.parametrize(
    "workdir", [pytest.param("none", marks=pytest.mark.slow), "transformer"], indirect=True
)


def test_result_equals_the_parts_measured_alone(workdir, capsys):
    result = evaluate(workdir, command="python run.py evaluate again")
    assert result == json.loads((workdir / "result.json").read_text())
    assert (result["name"], result["steps"]) == ("a run", 3)
    assert list(result["splits"]) == ["test"]  # the validation split only when asked for
    test = result["splits"]["test"]
    assert test["sentences"] == len(PAIRS)
    assert sorted(test["searches"]) == ["beam1", "beam3"]

    run = load(workdir)
    model, options = (run.translator, run.params), {"devices": run.devices, "batch_sentences": 5}
    entropy = cross_entropy(*model, encode(PAIRS, run.vocabularies), **options)
    assert test["perplexity"] == pytest.approx(entropy.perplexity)
    assert test["token_accuracy"] == entropy.token_accuracy
    references = [pair.target for pair in PAIRS]
    for search, scores in test["searches"].items():
        lines = (workdir / "translations" / f"test.{search}.txt").read_text("utf-8").split("\n")
        assert lines.pop() == ""
        expected = bleu(lines, references, tokenize="13a", lowercase=False)
        assert scores["bleu"] == {"score": expected.score, "signature": expected.signature}
        assert scores["bleu_lowercased"]["signature"].count("case:lc") == 1
        assert [(each["words"], each["sentences"]) for each in scores["bleu_by_length"]] == [
            ("1-2", 4), ("3-4", 5), ("5+", 2),
        ]  # fmt: skip
        assert scores["sentences_per_second"] > 0
        assert scores["truncated_sources"] == 0
        assert set(scores) >= {"chrf", "ter", "seconds", "cut_off"}
    assert len(test["samples"]) == 8
    for sample in test["samples"]:
        index = SOURCES.index(sample["source"])
        assert sample == {"source": SOURCES[index], "reference": references[index], "hypothesis": lines[index]}
    assert "test: perplexity" in capsys.readouterr().err

    if workdir.name.startswith("none"):
        assert test["alignment"] is None
        assert test["attention"] == []
        return
    by_head = aligned_by_head(run, PAIRS)
    layer = best_layer(aligned_by_head(run, PAIRS[:7]))
    assert test["alignment"]["layer"] == layer
    assert test["alignment"]["gold_sentences"] == len(PAIRS)
    for name, value in by_head[layer].measures().items():
        assert test["alignment"][name] == pytest.approx(value)
    heads = [f"layer_{layer}{head}" for layer in (0, 1) for head in ("", ".head_0", ".head_1")]
    assert list(by_head) == list(test["alignment"]["by_head"]) == [*heads, "mean"]
    for name, measures in test["alignment"]["by_head"].items():
        assert measures == pytest.approx(by_head[name].measures(), abs=1e-4)
    assert len(test["attention"]) == 4
    for each in test["attention"]:
        assert each["layer"] == layer
        shape = (len(each["target_tokens"]), len(each["source_tokens"]))
        assert np.shape(each["weights"]) == shape
        np.testing.assert_allclose(np.sum(each["weights"], axis=1), 1.0, atol=1e-3)
        assert each["source_tokens"][-1] == each["target_tokens"][-1] == "</s>"


def test_measures_of_summed_counts_equal_the_result(workdir, tmp_path):
    """Also with a pair that is too long, and so counts in translation measures only."""
    shutil.copytree(workdir, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    write_split(folder.split_file("long"), [Pair("cats run " * 10, "CATS RUN " * 10, ((0, 0),)), *PAIRS])
    evaluate(folder.path, split="test", beams=(1, 3), command="")
    splits = evaluate(folder.path, split="long", beams=(3,), command="")["splits"]
    for split, searches in (("test", ("beam1", "beam3")), ("long", ("beam3",))):
        held, result = counts.read(folder, split), splits[split]
        assert {len(array) for array in held.arrays.values()} == {result["sentences"]}
        expected = {("perplexity", None): result["perplexity"], ("token_accuracy", None): result["token_accuracy"]}
        expected[("word_perplexity", None)] = result["word_perplexity"]
        for search in searches:
            expected |= {(name, search): result["searches"][search][name]["score"] for name in ("bleu", "chrf", "ter")}
        aligned = result["alignment"] or {}
        expected |= {(name, None): aligned[name] for name in MEASURES if name in aligned}
        if aligned:
            expected[("aer", None)] = aligned["error"]
            assert len(expected) == 13 + 3 * len(searches)
            assert 0 < aligned["head_distance"] < 1
        for (name, search), score in expected.items():
            sums_1X = held.of(name, search).sum(axis=0, keepdims=True)
            [found] = MEASURES[name].of_sums(sums_1X)
            assert found == pytest.approx(score, rel=1e-9), (split, name)
            assert MEASURES[name].value(result, search or "none") == score
    words = [0, *(len(pair.target.split()) for pair in PAIRS)]  # each sentence in its row
    assert held.arrays["words"].tolist() == [0, *(n + 1 for n in words[1:])]
    assert held.arrays["beam3.ter"][1:, 1].tolist() == words[1:]
    if aligned:
        assert held.arrays["alignment"][:, Alignment._fields.index("target_words")].tolist() == words


@transformer_unless_slow
def test_breakdowns_count_every_sentence_once(workdir):
    test = evaluate(workdir, command="", beams=(1,))["splits"]["test"]
    lengths, known = [len(source.split()) for source in SOURCES], Counter(" ".join(TRAINING).split())
    bins = {
        "source_length": [bisect_left((2, 4), length) for length in lengths],
        "rarest_word": [bisect_left((0, 1), min(known[word] for word in pair.target.split())) for pair in PAIRS],
        "reordering": [2 if "old" in source else 0 for source in SOURCES],
    }
    names = {
        "source_length": ["1-2", "3-4", "5+"],
        "rarest_word": ["0", "1", "2+"],
        "reordering": ["0", "0-0.5", "0.5+"],
    }
    run = load(workdir)
    options = {"devices": run.devices, "batch_sentences": 5}
    forced = sorted(force(run.translator, run.params, encode(PAIRS, run.vocabularies), **options))
    lines = (workdir / "translations" / "test.beam1.txt").read_text("utf-8").split("\n")
    for breakdown, of_sentence in bins.items():
        ours, searched = test["by"][breakdown], test["searches"]["beam1"]["by"][breakdown]
        held = sorted(set(of_sentence))
        assert [row["bin"] for row in ours] == [row["bin"] for row in searched] == [names[breakdown][x] for x in held]
        for x, row, scores in zip(held, ours, searched, strict=True):
            where = [index for index, each in enumerate(of_sentence) if each == x]
            nats = -np.concatenate([forced[index].log_p_T for index in where]).astype(float)
            words = sum(len(PAIRS[index].target.split()) + 1 for index in where)
            assert row["sentences"] == scores["sentences"] == len(where)
            assert row["perplexity"] == pytest.approx(np.exp(nats.mean()))
            assert row["word_perplexity"] == pytest.approx(np.exp(nats.sum() / words))
            right = np.concatenate([forced[index].likeliest_T for index in where])
            assert row["token_accuracy"] == pytest.approx(right.mean())
            texts = [lines[index] for index in where], [PAIRS[index].target for index in where]
            assert scores["bleu"] == bleu(*texts, tokenize="13a", lowercase=False).score
            assert scores["chrf"] == chrf(*texts).score
            assert scores["ter"] == ter(*texts).score
    words = sum(lengths)
    assert test["word_perplexity"] == pytest.approx(
        test["perplexity"] ** (sum(len(each.log_p_T) for each in forced) / (words + len(PAIRS)))
    )
    by_word = test["by"]["word_frequency"]
    assert [row["bin"] for row in by_word] == ["0", "1", "2+", "</s>"]
    assert sum(row["words"] for row in by_word) == words + len(PAIRS)
    assert sum(row["words"] for row in test["searches"]["beam1"]["by"]["word_frequency"]) == words


def test_alignment_error_of_a_gold_file_equals_plain_python(workdir, tmp_path):
    random = np.random.default_rng(0)
    lines = []
    for pair in PAIRS:
        words = range(len(pair.source.split()))
        lines.append(
            " ".join(f"{s}{random.choice(list('-?p'))}{t}" for s in words for t in words if random.random() < 0.4)
        )
    lines[3] = ""  # unknown
    text = "".join(f"{line}\n" for line in lines)
    os.mkfifo(tmp_path / "gold")  # which can be read once
    threading.Thread(target=(tmp_path / "gold").write_text, args=(text,)).start()
    measured = evaluate(workdir, split="test", beams=(1,), command="", gold=tmp_path / "gold")["splits"]["test"]
    run = load(workdir)
    if workdir.name.startswith("none"):
        assert measured["alignment"] is None
        return
    assert measured["alignment"]["layer"] in ("layer_0", "layer_1")
    options = {"devices": run.devices, "batch_sentences": 5}
    found = right = right_sure = all_sure = 0
    for reading in attention_weights(run.translator, run.params, encode(PAIRS, run.vocabularies), **options):
        line, pair = lines[reading.sentence].split(), PAIRS[reading.sentence]
        sure = {tuple(map(int, link.split("-"))) for link in line if "-" in link}
        possible = {tuple(map(int, re.split("[-?p]", link))) for link in line}
        source, target = (v.word_of_piece(t) for v, t in zip(run.vocabularies, pair[:2], strict=True))
        weights = reading.mean_TS(measured["alignment"]["layer"])
        links = set()
        for t in set(target):
            rows = [weights[row] for row, word in enumerate(target) if word == t]
            read_by = [
                sum(row[i] for row in rows for i, word in enumerate(source) if word == s) for s in range(source[-1] + 1)
            ]
            links.add((int(np.argmax(read_by)), t))
        if line:
            found, all_sure = found + len(links), all_sure + len(sure)
            right, right_sure = right + len(links & possible), right_sure + len(links & sure)
    assert measured["alignment"]["error"] == pytest.approx(1 - (right_sure + right) / (found + all_sure))
    assert measured["alignment"]["precision"] == pytest.approx(right / found)
    assert measured["alignment"]["recall"] == pytest.approx(right_sure / all_sure)
    assert measured["alignment"]["gold_sentences"] == sum(map(bool, lines))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert measured["alignment"]["gold_sha256"] == digest
    assert run.folder.is_evaluated("test", "beam1", digest)
    assert not run.folder.is_evaluated("test", "beam1", "0" * 64)
    with pytest.raises(ValueError, match="aligns one split; name it with --split: test, validation"):
        evaluate(workdir, every_split=True, command="", gold=tmp_path / "gold")


def test_a_changed_translator_is_measured_by_the_same_call(workdir):
    """The translator and the weights that are passed in are measured, not those of the folder."""
    run = load(workdir)
    other = run._replace(params=jax.tree.map(lambda leaf: 0 * leaf, run.params))
    data = data_of(PAIRS, run)

    def track(task, sentences):
        return lambda done: None

    measured, *_ = measure_split(other, data, beams=(1,), best_layer=lambda: None, track=track)
    assert measured["perplexity"] == pytest.approx(len(run.vocabularies.target))  # all alike
    if measured["alignment"]:
        assert measured["alignment"]["layer"] == "mean"  # no layer was chosen
        assert {each["layer"] for each in measured["attention"]} == {"mean"}
        assert measured["alignment"]["coverage"] < 1


@transformer_unless_slow
def test_without_word_counts_breakdowns_are_left_out_with_a_note(workdir, tmp_path, capsys):
    shutil.copytree(workdir, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    (folder.vocabulary / FILE).unlink()
    test = evaluate(folder.path, beams=(1,), command="")["splits"]["test"]
    assert list(test["by"]) == list(test["searches"]["beam1"]["by"]) == ["source_length", "reordering"]
    said = capsys.readouterr().err
    assert "holds no word counts of its training split, so breakdowns by them are left out" in said


@transformer_unless_slow
def test_a_folder_of_another_version_is_refused_in_one_sentence(workdir, tmp_path):
    shutil.copytree(workdir, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    config = folder.read_json("config.json")
    config["model"] = {
        "family": "recurrent",
        "encoder": "bi",
    }  # as an old version wrote it
    folder.write_json("config.json", config)
    with pytest.raises(ValueError, match=r"by another version of Lookback, without model\.decoder: train") as error:
        evaluate(folder.path, command="")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("field", ["evaluation.extra_tokens", "model.tie", "data.languages", "training.strategy"])
@transformer_unless_slow
def test_a_config_that_lacks_a_field_is_refused_by_its_name(field, workdir, tmp_path):
    shutil.copytree(workdir, tmp_path / "run")
    folder, (section, name) = RunFolder(tmp_path / "run"), field.split(".")
    config = folder.read_json("config.json")
    del config[section][name]
    folder.write_json("config.json", config)
    with pytest.raises(ValueError, match=rf"without {re.escape(field)}: train it again"):
        evaluate(folder.path, command="")


@transformer_unless_slow
def test_a_later_search_is_added_to_the_result(workdir):
    evaluate(workdir, split="validation", beams=(2,), command="first")
    result = evaluate(workdir, split="validation", beams=(1,), command="then")
    searches = result["splits"]["validation"]["searches"]
    assert {name: scores["command"] for name, scores in searches.items()} == {"beam1": "then", "beam2": "first"}
    with pytest.raises(ValueError, match=r"has no split 'tset'; it has: test, validation"):
        evaluate(workdir, split="tset", command="")


def written(folder, sources, references, names=("news.en", "news.de")):
    """Return the two files of a test set."""
    files = [folder / name for name in names]
    for file, lines in zip(files, (sources, references), strict=True):
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return files


def test_a_test_set_that_is_given_after_training_is_scored_as_one_of_the_corpus(workdir, tmp_path):
    folder = RunFolder(shutil.copytree(workdir, tmp_path / "run"))
    folder.record_files()
    files = written(tmp_path, SOURCES, [pair.target for pair in PAIRS])
    evaluate(folder.path, command="")
    first = evaluate(folder.path, files=ParallelFiles(*files), command="with files")["splits"]["news"]
    splits = evaluate(folder.path, split="news", beams=(2,), command="")["splits"]
    assert [*splits][:2] == folder.splits()[:2] == ["test", "news"]  # the run's own first, whatever the names
    gold = ("alignment", "by", "seconds", "attention", "samples", "searches")  # the set has no alignment
    test, news = ({key: value for key, value in splits[name].items() if key not in gold} for name in ("test", "news"))
    assert news == test
    for search in ("beam1", "beam3"):
        for score in ("bleu", "chrf", "ter"):
            assert splits["news"]["searches"][search][score] == splits["test"]["searches"][search][score]
        texts = [(folder.path / "translations" / f"{name}.{search}.txt").read_text() for name in ("test", "news")]
        assert texts[0] == texts[1]
    assert splits["news"]["searches"]["beam3"]["command"] == "with files"
    assert "beam2" in splits["news"]["searches"]  # by its name alone, later
    if first["alignment"]:  # the layer is chosen on the validation split, whose gold alignment is known
        assert first["alignment"]["layer"] == splits["test"]["alignment"]["layer"] != "mean"
    assert counts.read(folder, "news").of("bleu", "beam3").shape[0] == len(PAIRS)
    assert "## news\n" in (folder.path / "result.md").read_text()
    compared = [read([folder.path], [folder.path], split=split, search=None).split for split in (None, "news")]
    assert compared == ["test", "news"]  # where none is named, the corpus's own
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    facts = {"source": "news.en", "source_sha256": digests[0], "reference": "news.de", "reference_sha256": digests[1]}
    assert folder.provenance()["added"] == {"news": facts}
    folder.split_file("news").write_bytes(b"")
    with pytest.raises(ValueError, match=r"news\.jsonl\.gz is not what was written"):
        evaluate(folder.path, split="news", command="")


@transformer_unless_slow
def test_an_added_test_set_stays_what_it_is(workdir, tmp_path):
    folder = RunFolder(shutil.copytree(workdir, tmp_path / "run"))
    config = folder.read_json("config.json")
    config["data"]["lowercase"] = True
    folder.write_json("config.json", config)
    files = ParallelFiles(*written(tmp_path, ["A Cat"], ["A CAT"]), "another")
    evaluate(folder.path, files=files, beams=(1,), command="")
    assert load(folder.path).split("another") == [Pair("a cat", "a cat")]  # as the run's own splits are
    evaluate(folder.path, files=files, beams=(2,), command="")
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    assert sorted(folder.result()["splits"]["another"]["searches"]) == ["beam1", "beam2"]
    written(tmp_path, ["A Cat"], ["A DOG"])
    with pytest.raises(ValueError, match=r"has a test set 'another' already, of other text \(news.en, news.de\): give"):
        evaluate(folder.path, files=files, command="")
    written(tmp_path, ["cats " * 20], ["cats"])
    with pytest.raises(ValueError, match="every pair of the split is longer"):
        evaluate(folder.path, files=files._replace(name="long"), command="")
    with folder.alone(), pytest.raises(OSError, match="another process is training into"):
        evaluate(folder.path, files=ParallelFiles(*written(tmp_path, ["a"], ["a"])), command="")
    assert {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("killed_in", ["research.evaluation.added_split.write_split", "RunFolder.record_files"])
def test_a_test_set_that_a_kill_left_half_added_is_completed_by_the_same_command(
    none, tmp_path, killed_in, monkeypatch
):
    folder = RunFolder(shutil.copytree(none, tmp_path / "run"))
    split = read_files(ParallelFiles(*written(tmp_path, ["a cat"], ["A CAT"])), folder, lowercase=False)
    place = killed_in if killed_in.startswith("research") else f"research.results.run_folder.{killed_in}"

    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(place, kill)
        with pytest.raises(KeyboardInterrupt):
            add_split(split, folder)
    folder.refuse_changed_files()  # the run is as usable as before
    split = read_files(ParallelFiles(*written(tmp_path, ["a cat"], ["A CAT"])), folder, lowercase=False)
    add_split(split, folder)
    assert "splits/news.jsonl.gz" in folder.provenance()["files"]
    assert load(folder.path).split("news") == split.pairs


def test_the_files_of_a_test_set_are_read_once(none, tmp_path, monkeypatch):
    """They may be pipes, which are empty when they are read again."""
    read, read_bytes = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: read.append(file.name) or read_bytes(file))
    files = ParallelFiles(*written(tmp_path, ["a cat"], ["A CAT"]))
    split = read_files(files, RunFolder(none), lowercase=False)
    assert read == ["news.en", "news.de"]
    assert [split.facts[f"{side}_sha256"] for side in ("source", "reference")] == [
        hashlib.sha256(text).hexdigest() for text in (b"a cat\n", b"A CAT\n")
    ]


@transformer_unless_slow
def test_translations_are_scored_again_with_another_tokeniser(workdir, tmp_path, capsys):
    folder = RunFolder(shutil.copytree(workdir, tmp_path / "run"))
    before = evaluate(folder.path, command="", every_split=True)["splits"]
    for tokenize in ("char", "intl"):
        after = score_again(folder.path, tokenize, command=f"with {tokenize}")["splits"]
    assert folder.result()["splits"] == after
    tables = (folder.path / "result.md").read_text()
    for split, pairs in (("test", PAIRS), ("validation", PAIRS[:7])):
        for search, found in after[split]["searches"].items():
            lines = (folder.path / "translations" / f"{split}.{search}.txt").read_text("utf-8").split("\n")[:-1]
            again = found.pop("bleu_by_tokenizer")
            assert list(again) == ["char", "intl"]
            for tokenize, held in again.items():
                expected = sacrebleu.corpus_bleu(lines, [[pair.target for pair in pairs]], tokenize=tokenize)
                assert held["score"] == pytest.approx(expected.score)
                assert f"tok:{tokenize}" in held["signature"]
                assert held["command"] == f"with {tokenize}"
                assert f"- BLEU: {held['signature']}\n" in tables
            assert f"| {again['char']['score']:.2f} | {again['intl']['score']:.2f} |\n" in tables
    assert after == before  # nothing else has changed
    assert "BLEU char | BLEU intl |\n" in tables
    assert "test, tok:intl: greedy BLEU" in capsys.readouterr().err
    file = folder.path / "translations" / "test.beam1.txt"
    held = file.read_text()
    file.write_text(held.upper().replace(" ", "") + "x\n")
    with pytest.raises(ValueError, match=r"has 12 lines for the 11 sentences of test; evaluate it again"):
        score_again(folder.path, "char", command="")
    file.write_text("".join(f"{pair.target}\n" for pair in PAIRS))
    with pytest.raises(ValueError, match=r"translations of test by beam1 score 100\.00, but result\.json says"):
        score_again(folder.path, "char", command="")


@transformer_unless_slow
def test_every_split_is_in_the_result_and_the_tables(workdir, capsys):
    result = evaluate(workdir, every_split=True, command="")
    assert result == json.loads((workdir / "result.json").read_text())
    assert list(result["splits"]) == ["test", "validation"]
    printed, table = capsys.readouterr().out, (workdir / "result.md").read_text()
    for measured in result["splits"].values():
        assert {"beam1", "beam3"} <= measured["searches"].keys()
        for row in measured["by"]["source_length"]:
            shown = f"{row['perplexity']:.2f}" if row["perplexity"] < 1e4 else f"{row['perplexity']:.1e}"
            assert f"| {row['bin']} | {row['sentences']} | {shown} |" in table
    for split in ("test", "validation"):
        assert f"## {split}\n" in table
        assert f"{split} · By source length" in printed


def test_translate_text_line_for_line(workdir, tmp_path):
    text = "a cat\n\ndogs run\r\n" + " ".join(SOURCES) + "\nthe old cat sees a dog"
    output = io.StringIO()
    drawn = []

    def draw(source_tokens, target_tokens, weights):
        assert np.shape(weights) == (len(target_tokens), len(source_tokens))
        drawn.append("".join(source_tokens))
        return b"a picture"

    translate_text(workdir, io.BytesIO(text.encode()), output, beam=1, attention=tmp_path / "maps", draw=draw)
    lines = output.getvalue().split("\n")
    assert len(lines) == 6
    assert lines[1] == lines[5] == ""
    known = (workdir / "translations" / "test.beam1.txt").read_text("utf-8").split("\n")
    assert [lines[0], lines[2], lines[4]] == [known[1], known[8], known[5]]
    if workdir.name.startswith("none"):
        assert not (tmp_path / "maps").exists()
        return
    assert drawn[0] == "▁a▁cat</s>"
    files = sorted(file.name for file in (tmp_path / "maps").iterdir())
    assert files == [".lookback-attention", *(f"000{line}.{kind}" for line in (1, 3, 4, 5) for kind in ("npz", "png"))]
    with np.load(tmp_path / "maps" / "0001.npz") as held:
        assert held["weights"].shape == (len(held["target_tokens"]), len(held["source_tokens"]))


@transformer_unless_slow
def test_validator_measures_greedy_bleu_of_the_first_sentences(workdir):
    run = load(workdir)
    options = {"devices": run.devices, "batch_sentences": 5, "tokenize": "13a", "extra_tokens": 1, "max_tokens": 16}
    options["attention_sentences"] = 0
    measured = validator(run.translator, run.vocabularies, PAIRS, bleu_sentences=3, **options)(run.params)
    known = (workdir / "translations" / "test.beam1.txt").read_text("utf-8").split("\n")[:3]
    expected = bleu(known, [pair.target for pair in PAIRS[:3]], tokenize="13a", lowercase=False).score
    assert measured["bleu"] == pytest.approx(expected)
    entropy = cross_entropy(
        run.translator, run.params, encode(PAIRS, run.vocabularies), devices=run.devices, batch_sentences=5
    )
    assert measured["perplexity"] == pytest.approx(entropy.perplexity)
    without = validator(run.translator, run.vocabularies, PAIRS, bleu_sentences=0, **options)(run.params)
    assert sorted(without) == ["perplexity", "token_accuracy"]


def test_validator_measures_attention_of_the_first_sentences(workdir):
    run = load(workdir)
    options = {"devices": run.devices, "batch_sentences": 5}
    named = {**options, "tokenize": "13a", "extra_tokens": 1, "max_tokens": 16, "bleu_sentences": 0}

    def measured(pairs):
        validate = validator(run.translator, run.vocabularies, pairs, attention_sentences=4, **named)
        scores = validate(run.params)
        return {name: scores[name] for name in scores if name not in ("perplexity", "token_accuracy")}

    if workdir.name.startswith("none"):
        assert measured(PAIRS) == {}
        return
    expected = aligned_by_head(run, PAIRS[:4])["mean"]
    found, without_gold = measured(PAIRS), measured([pair._replace(alignment=()) for pair in PAIRS])
    assert found.pop("aer") == expected.error
    assert found == without_gold
    assert list(found) == ["attention_entropy", "head_distance"]
    assert found["attention_entropy"] == expected.measures()["entropy"]
    rows, distances = 0, 0.0
    for reading in attention_weights(run.translator, run.params, encode(PAIRS[:4], run.vocabularies), **options):
        for one, other in reading.layers.values():
            rows, distances = rows + len(one), distances + np.maximum(one - other, 0).sum()
    assert found["head_distance"] == pytest.approx(distances / rows, abs=1e-6)


@transformer_unless_slow
def test_a_very_long_pair_is_left_out_of_perplexity_with_a_note(workdir, capsys):
    run = load(workdir)
    long = Pair("cats run " * 5_000, "CATS RUN " * 5_000, ())
    options = {"devices": run.devices, "batch_sentences": 5, "tokenize": "13a", "extra_tokens": 1, "max_tokens": 16}
    options |= {"bleu_sentences": 0, "attention_sentences": 3}  # those that fit
    with_it, without = (
        validator(run.translator, run.vocabularies, pairs, **options)(run.params) for pairs in ([long, *PAIRS], PAIRS)
    )
    assert with_it == without
    with pytest.raises(ValueError, match="every validation pair is longer than"):
        validator(run.translator, run.vocabularies, [long], **options)
    write_split(run.folder.split_file("long"), [long, *PAIRS])
    measured = evaluate(workdir, split="long", beams=(1,), command="")["splits"]["long"]
    run.folder.split_file("long").unlink()
    assert (measured["sentences"], measured["too_long"]) == (len(PAIRS) + 1, 1)
    assert measured["perplexity"] == pytest.approx(without["perplexity"])
    assert measured["searches"]["beam1"]["truncated_sources"] == 1
    test = evaluate(workdir, split="test", beams=(1,), command="")["splits"]["test"]
    for row, expected in zip(measured["by"]["source_length"], test["by"]["source_length"], strict=True):
        assert row.pop("bin") == expected.pop("bin")
        assert row == pytest.approx(expected)
    assert [row["sentences"] for row in measured["searches"]["beam1"]["by"]["source_length"]] == [4, 5, 3]
    assert "1 pairs longer than data.max_tokens are left out of both" in capsys.readouterr().err


def test_spread_chooses_from_short_to_long():
    lengths = [5, 1, 9, 3, 7, 2, 8, 4, 6, 0]
    assert [lengths[i] for i in spread(lengths, 5)] == [1, 3, 5, 7, 9]
    assert sorted(spread([2, 1], 8)) == [0, 1]


@pytest.mark.parametrize("batches", [100, 1])
def test_a_line_that_is_not_utf8_is_named(batches, workdir, monkeypatch):
    """In what comes later too, after the lines before it were translated."""
    monkeypatch.setattr("research.evaluation.translate_text.BATCHES_AT_ONCE", batches)
    lines, output = [b"a cat"] * 6 + [b"\xff"], io.StringIO()
    with pytest.raises(ValueError, match="standard input, line 7: byte 0xff"):
        translate_text(workdir, io.BytesIO(b"\n".join(lines)), output, beam=1)
    assert output.getvalue().count("\n") == (5 if batches == 1 else 0)


@pytest.mark.parametrize("options", [{"beam": 1}, {"beam": 2, "n_best": 2}, {"sample": 2, "seed": 3}])
def test_lines_that_come_in_parts_are_translated_as_all_at_once(options, workdir, monkeypatch):
    text = "\n".join(["the old cat", "", "dogs run", "a cat sees a dog"] * 3).encode()
    outputs = []
    for batches in (100, 1):
        monkeypatch.setattr("research.evaluation.translate_text.BATCHES_AT_ONCE", batches)
        outputs.append(io.StringIO())
        translate_text(workdir, io.BytesIO(text), outputs[-1], **options)
    assert outputs[0].getvalue() == outputs[1].getvalue()


def test_on_a_cpu_each_core_becomes_a_device(workdir, monkeypatch):
    asked = []
    monkeypatch.setattr("research.parallel.host.cores_as_devices", lambda: asked.append(1))
    assert load(workdir).devices.count == 8
    assert asked


@pytest.mark.parametrize(("language", "asked", "said"), [("th", "", True), ("th", "char", False), ("ko", "", False)])
def test_a_language_without_a_tokeniser_is_said(none, tmp_path, capsys, language, asked, said):
    folder = RunFolder(shutil.copytree(none, tmp_path / "run"))
    config = folder.read_json("config.json")
    config["data"]["languages"], config["evaluation"]["tokenize"] = ["en", language], asked
    folder.write_json("config.json", config)
    evaluate(folder.path, beams=(1,), split="test", command="")
    assert ("note: sacreBLEU has no tokeniser for Thai, which has no spaces" in capsys.readouterr().err) == said


def test_a_mean_of_fewer_checkpoints_than_asked_for_is_said(none, tmp_path, capsys):
    folder = RunFolder(shutil.copytree(none, tmp_path / "run"))
    _, params = random_model("none", len(load(none).vocabularies.target))
    checkpoints = Checkpoints(folder.checkpoints, keep_last=5)
    checkpoints.save(7, {"params": params}, {}, loss=2.0)
    checkpoints.close()
    config = folder.read_json("config.json")
    said = f"note: training.average_last=5, but {folder.path} has checkpoints of steps 3, 7 only: their mean is used\n"
    for wanted in (5, 2, 1):
        config["training"]["average_last"] = wanted
        folder.write_json("config.json", config)
        capsys.readouterr()
        load(folder.path)
        assert capsys.readouterr().err == (said if wanted == 5 else "")


@pytest.fixture
def loads(monkeypatch):
    """Return the calls of `load`, from which on evaluating and translating take time."""
    calls = []
    for module in ("evaluate", "translate_text"):
        monkeypatch.setattr(f"research.evaluation.{module}.load", lambda *_, **__: calls.append(1))
    return calls


@pytest.mark.parametrize("name", ["translations", "counts"])
def test_a_run_that_cannot_be_written_is_refused_before_it_is_loaded(none, tmp_path, name, loads):
    folder = RunFolder(shutil.copytree(none, tmp_path / "run", ignore=lambda *_: ["translations", "counts"]))
    (folder.path / name).write_text("")
    with pytest.raises(OSError, match=f"cannot write .*/{name}: not a directory"):
        evaluate(folder.path, command="")
    assert not loads


def test_a_folder_of_maps_that_cannot_be_written_is_refused_before_anything_is_translated(none, tmp_path, loads):
    (tmp_path / "index.html").write_text("a person's")
    with pytest.raises(ValueError, match=r"index\.html is there already"):
        translate_text(none, io.BytesIO(b"a"), io.StringIO(), attention=tmp_path, page=lambda *_: "")
    with pytest.raises(OSError, match="cannot write"):
        translate_text(none, io.BytesIO(b"a"), io.StringIO(), attention=tmp_path / "index.html" / "maps")
    assert not loads


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a run folder"):
        evaluate(tmp_path, command="")

"""Evidence of a run: what it holds, that reports and intervals read it as they read the run, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from configs.embedded import get_config
from research.evaluation import quality
from research.evaluation.comparable import read as compare_read
from research.report import write_report
from research.report.runs import read_runs
from research.report.seeds import over_seeds
from research.results.counts import read, write
from research.results.evidence import keep
from research.results.identity import config_as_json
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder

SENTENCES = 1_000
WORDS = ["a", "dog", "and", "two", "cats", "sleep", "in", "the", "park", "near", "old", "river"]


def made_up(path, seed=0, splits=("test", "validation")):
    """An evaluated run of 1,000 sentences a split, greedy and beam 5."""
    folder, draw = RunFolder(path), np.random.default_rng(seed)
    config = config_as_json(get_config("luong"))
    folder.write_json("config.json", config)
    folder.update_provenance({"name": path.name, "steps": 40, "parameters": 5, "flops_per_token": 1.0, "command": "c"})
    for step in (10, 20, 30, 40):
        folder.append_metrics({"step": step, "seconds": 2.0 * step, "train/loss": 1.0})
        folder.append_metrics({"step": step, "validation/perplexity": 9.0 - step / 10, "validation/bleu": 0.4 * step})
    for split in splits:
        references = [" ".join(draw.choice(WORDS, 1 + n % 20)) for n in range(SENTENCES)]
        tokens = np.array([len(each.split()) + 1.0 for each in references])
        counts = {"nll": tokens * draw.exponential(size=SENTENCES), "correct": tokens - 1, "tokens": tokens}
        counts |= {"words": tokens, "shuffled": tokens * 3.3, "alignment": draw.random((SENTENCES, 12))}
        searches = {}
        for search in ("beam1", "beam5"):
            hypotheses = [" ".join(draw.permutation(each.split())) for each in references]
            bleu = quality.bleu(hypotheses, references, tokenize="13a", lowercase=False)
            counts[f"{search}.bleu"] = np.array(bleu.counts, float)
            counts[f"{search}.chrf"] = draw.integers(0, 90, (SENTENCES, 18)).astype(float)
            searches[search] = {"bleu": {"score": bleu.score, "signature": bleu.signature}, "by": {"long": [1] * 5_000}}
        write(folder, split, 40, counts)
        folder.write_result(
            split,
            {
                "sentences": SENTENCES,
                "step": 40,
                "digest": f"{seed}",
                "perplexity": float(np.exp(counts["nll"].sum() / tokens.sum())),
                "token_accuracy": float(counts["correct"].sum() / tokens.sum()),
                "searches": searches,
                "samples": [{"source": "s" * 900, "reference": "r", "hypothesis": "h"}] * 3,
                "attention": [
                    {"source_tokens": ["a"] * 50, "target_tokens": ["b"] * 50, "weights": [[0.02] * 50] * 50}
                ],
                "by": {"source_length": [{"bin": "1-5"}] * 900},
                "alignment": {"error": None, "entropy": 1.0, "by_head": {"0": [1.0] * 900}},
            },
        )
    return folder


def size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_of_many_validations_some_are_kept_with_the_first_the_last_and_the_middle(tmp_path):
    run = made_up(tmp_path / "run")
    values = {step: 8.0 + 1 / step for step in range(50, 12_801, 50)}
    run.write_text("metrics.jsonl", "")
    for step, value in values.items():
        run.append_metrics({"step": step, "seconds": step / 7, "validation/perplexity": value, "validation/aer": 0.3})
    [kept] = keep([run.path], tmp_path / "kept")
    assert size(kept) <= 20_000
    found = RunFolder(kept).validations("perplexity")
    assert 10 < len(found) <= 17
    assert {50, 6_400, 12_800} <= found.keys()
    assert found == pytest.approx({step: values[step] for step in found}, rel=1e-4)


def test_it_is_a_small_run_folder_with_the_scores_and_the_counts_of_the_first_split(tmp_path):
    run = made_up(tmp_path / "runs" / "luong")
    [kept] = keep([run.path], tmp_path / "kept")
    assert kept == tmp_path / "kept" / "luong"
    assert size(kept) <= 20_000
    again = RunFolder.existing(kept)
    assert again.config() == run.config()
    assert again.provenance() == run.provenance()
    assert again.validations("perplexity") == run.validations("perplexity") == {10: 8.0, 20: 7.0, 30: 6.0, 40: 5.0}
    for split, whole in run.result()["splits"].items():
        measured = again.result()["splits"][split]
        assert {"samples", "attention", "by"}.isdisjoint(measured)
        assert [each["bleu"] for each in measured["searches"].values()] == [
            each["bleu"] for each in whole["searches"].values()
        ]
        assert measured["perplexity"] == whole["perplexity"]
    ours, theirs = read(again, "test"), read(run, "test")
    for measure in ("bleu", "perplexity", "token_accuracy", "word_perplexity"):
        np.testing.assert_allclose(ours.of(measure, "beam5"), theirs.of(measure, "beam5"), rtol=2**-11)
    score = MEASURES["bleu"].of_sums(ours.of("bleu", "beam5").sum(0)[None])
    assert score == pytest.approx([run.result()["splits"]["test"]["searches"]["beam5"]["bleu"]["score"]])


def test_equal_runs_give_equal_bytes_and_evidence_is_never_changed(tmp_path):
    run = made_up(tmp_path / "runs" / "luong")
    [kept] = keep([run.path], tmp_path / "kept")
    before = {file: file.read_bytes() for file in kept.rglob("*") if file.is_file()}
    assert keep([run.path], tmp_path / "kept") == [kept]
    shutil.rmtree(run.path)
    other = made_up(tmp_path / "runs" / "luong", seed=1)
    with pytest.raises(
        ValueError,
        match=r"kept/luong is there already and differs: it is of another run, or this one was evaluated again",
    ):
        keep([other.path], tmp_path / "kept")
    assert {file: file.read_bytes() for file in kept.rglob("*") if file.is_file()} == before


def test_a_report_of_evidence_has_the_numbers_and_intervals_of_the_runs(tmp_path):
    runs = [made_up(tmp_path / "runs" / f"luong.{seed}", seed, splits=["test"]).path for seed in (1, 2, 3)]
    for seed, run in enumerate(runs, 1):
        folder = RunFolder(run)
        folder.write_json("config.json", folder.read_json("config.json") | {"seed": seed})
    write_report(runs, tmp_path / "ours")
    write_report(keep(runs, tmp_path / "kept"), tmp_path / "theirs")
    for name in ("results.csv", "curves.png"):
        assert (tmp_path / "ours" / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes()
    [ours], [theirs] = (over_seeds(read_runs((tmp_path / folder).iterdir())[0]) for folder in ("runs", "kept"))
    for measure in ("perplexity", "token_accuracy", "bleu_beam5"):
        assert theirs.measures[measure] == pytest.approx(ours.measures[measure], rel=1e-4)
    assert (ours.measures["bleu_beam1"].seeds_alone, theirs.measures["bleu_beam1"].seeds_alone) == (False, True)


def test_runs_stand_below_the_folder_as_they_stood_below_theirs(tmp_path):
    runs = [made_up(tmp_path / "runs" / name / "1", splits=["test"]).path for name in ("luong", "none")]
    kept = keep(runs, tmp_path / "kept")
    assert kept == [tmp_path / "kept" / "luong" / "1", tmp_path / "kept" / "none" / "1"]


def test_nothing_is_written_when_one_run_has_no_result(tmp_path):
    run = made_up(tmp_path / "runs" / "a")
    bare = RunFolder(tmp_path / "runs" / "b")
    bare.write_json("config.json", config_as_json(get_config("luong")))
    with pytest.raises(
        ValueError, match=r"b is not evaluated by this version: `python run\.py evaluate --workdir=.*/b` comes first"
    ):
        keep([run.path, bare.path], tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    run = made_up(tmp_path / "runs" / "luong")
    monkeypatch.setattr("pathlib.Path.rename", lambda self, target: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        keep([run.path], tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_commands_and_the_root_of_the_data_lose_the_folders_of_this_machine(tmp_path):
    run = made_up(tmp_path / "runs" / "luong", splits=["test"])
    config = run.read_json("config.json")
    config["data"] |= {"root": "/home/me/my corpus", "train": ["tok/a.en", "/home/me/a.de"]}  # a run depends on `train`
    run.write_json("config.json", config)
    options = "--config.data.root='/home/me/my corpus' --config.data.download=https://example.org/a?b=/c/d"
    command = f"python run.py train --config=configs/a.py:b --workdir=/home/me/runs/a.1 {options}"
    run.update_provenance(
        {"command": command, "went_on": [{"command": "python /home/me/run.py train --workdir=../a.1"}]}
    )
    [kept] = map(RunFolder, keep([run.path], tmp_path / "kept"))
    fields = kept.read_json("config.json")["data"]
    assert (fields["root"], fields["train"]) == ("my corpus", ["tok/a.en", "/home/me/a.de"])
    options = "'--config.data.root=my corpus' '--config.data.download=https://example.org/a?b=/c/d'"
    assert kept.provenance()["command"] == f"python run.py train --config=configs/a.py:b --workdir=a.1 {options}"
    assert kept.provenance()["went_on"] == [{"command": "python run.py train --workdir=../a.1"}]


def test_a_run_counts_once_however_it_is_named_and_nothing_leaves_the_folder(tmp_path, monkeypatch):
    run = made_up(tmp_path / "runs" / "luong", splits=["test"])
    monkeypatch.chdir(run.path.parent)
    named = [run.path, Path("luong"), Path("../runs/luong"), Path("luong/counts/..")]
    assert keep(named, Path("../kept")) == [Path("../kept/luong")]
    assert [each.name for each in (tmp_path / "kept").iterdir()] == ["luong"]


def test_counts_that_are_missing_are_named(tmp_path):
    run = made_up(tmp_path / "runs" / "luong", splits=["test"])
    arrays = read(run, "test").arrays
    del arrays["beam5.bleu"]
    run.counts_file("test").unlink()
    write(run, "test", 40, arrays)
    with pytest.raises(
        ValueError, match=r"holds no counts 'beam5\.bleu' of test: evaluate it again with `python run\.py"
    ):
        keep([run.path], tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_evidence_is_not_compared(tmp_path):
    [kept] = keep([made_up(tmp_path / "luong", splits=["test"]).path], tmp_path / "kept")
    with pytest.raises(ValueError, match="holds no sentences, as evidence does not: to compare takes the run folder"):
        compare_read([kept], [kept], split=None, search=None)

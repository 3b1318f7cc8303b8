"""The output of `run.py translate`, from run folders made by hand and never trained."""

import io

import numpy as np
import pytest

from configs.base import base
from research.data.examples import encode
from research.data.pairs import Pair
from research.data.vocabulary import Vocabularies
from research.decoding.forced import force
from research.decoding.translate import Translation
from research.evaluation.loaded_run import load
from research.evaluation.score_text import score_text
from research.evaluation.translate_text import n_best_line, translate_text
from research.models.ensemble import Ensemble
from research.results.checkpoints import Checkpoints
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder
from tests.decoding.random_model import random_model, small_config

SOURCES = ["the dog runs", "", "a cat", "two old dogs run"]
PAIRS = [Pair(source, source.upper()) for source in SOURCES if source]


def run_folder(path, seeds, pairs=PAIRS):
    """Make a run with checkpoints of steps 1, 2 and so on, each with its own weights."""
    folder = RunFolder(path)
    config = base(small_config("luong"))
    config.data.max_tokens = 16
    config.evaluation.update({"beam": 3, "batch_sentences": 5, "extra_tokens": 1, "checkpoint": "last"})
    folder.path.mkdir()
    folder.write_json("config.json", config_as_json(config))
    vocabularies = Vocabularies.train(pairs, joint=True, kind="bpe", size=53)
    vocabularies.save(folder.vocabulary)
    checkpoints = Checkpoints(folder.checkpoints, keep_last=len(seeds))
    for step, seed in enumerate(seeds, start=1):
        _, params = random_model("luong", len(vocabularies.target), seed)
        checkpoints.save(step, {"params": params}, {}, loss=1.0 / step)
    checkpoints.close()
    return folder.path


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs")
    return [run_folder(path / "a", (1, 2, 3)), run_folder(path / "b", (4,))]


def written(folder, sources=SOURCES, **options):
    output = io.StringIO()
    translate_text(folder, io.BytesIO("".join(f"{line}\n" for line in sources).encode()), output, **options)
    return output.getvalue().split("\n")[:-1]


def test_n_best_and_samples_are_written_as_moses_does(folders, tmp_path):
    plain = written(folders[0])
    best = [line.split(" ||| ") for line in written(folders[0], n_best=3)]
    assert [text for _, text, _ in best[:1]] == plain[:1]
    assert [int(index) for index, *_ in best] == [0, 0, 0, 1, 2, 2, 2, 3, 3, 3]
    assert best[3] == ["1", "", "0.0000"]
    run = load(folders[0])
    samples = [line.split(" ||| ") for line in written(folders[0], sample=2, top_k=5, seed=3)]
    assert [int(index) for index, *_ in samples] == [0, 0, 1, 2, 2, 3, 3]
    again = [line.split(" ||| ") for line in written(folders[0], sample=2, top_k=5)]  # the config's seed, 0
    assert [text for _, text, _ in again] != [text for _, text, _ in samples]
    likeliest = [line.split(" ||| ") for line in written(folders[0], beam=1, n_best=1)]
    assert [text for _, text, _ in likeliest] == written(folders[0], beam=1)
    assert run.config.seed == 0


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a ||| b", "a &#124;&#124;&#124; b"),
        ("|||", "&#124;&#124;&#124;"),
        ("||||", "&#124;&#124;&#124;&#124;"),
        ("|| a | b ||", "|| a | b ||"),
        ("R&D &#124;", "R&D &#124;"),
        ("", ""),
    ],
)
def test_a_line_of_an_n_best_list_has_three_fields(text, field):
    line = n_best_line(7, Translation(text, (), -1.5, True))
    assert line.split("|||") == ["7 ", f" {field} ", " -1.5000\n"]
    assert line.split(" ||| ") == ["7", field, "-1.5000\n"]


def test_several_runs_or_checkpoints_make_an_ensemble(folders):
    one = load(folders[0])
    assert load(folders[0], last=1).translator == one.translator
    run = load(*folders, last=1)
    assert isinstance(run.translator, Ensemble)
    assert (run.folder.path, run.step) == (folders[0], 1)
    np.testing.assert_array_equal(run.params["members_0"]["embeddings"]["target"], one.params["embeddings"]["target"])
    last = load(folders[0], last=3)
    assert len(last.translator.members) == 3
    tables = [last.params[f"members_{index}"]["embeddings"]["target"] for index in range(3)]
    np.testing.assert_array_equal(tables[2], one.params["embeddings"]["target"])
    assert not np.allclose(tables[0], tables[1])
    together = written(folders[0], also=folders[1:], beam=1)
    assert len(together) == len(SOURCES)
    assert together != written(folders[0], beam=1)


def test_score_text_equals_forced_decoding(folders, tmp_path):
    run = load(*folders)
    targets = [source.upper() for source in SOURCES]
    pairs = [Pair(source, target) for source, target in zip(SOURCES, targets, strict=True)]
    options = {"devices": run.devices, "batch_sentences": 5}
    forced = sorted(force(run.translator, run.params, encode(pairs, run.vocabularies), **options))
    target, output = tmp_path / "target", io.StringIO()
    target.write_text("\n".join([*targets, "A CAT"]))
    sources = "\n".join([*SOURCES, "a cat " * 9])
    score_text(folders[0], io.BytesIO(sources.encode()), target, output, also=folders[1:])
    lines = output.getvalue().split("\n")
    assert lines[:4] == [f"{each.log_p:.4f}\t{each.mean:.4f}" for each in forced]
    assert lines[4:] == ["nan\tnan", ""]


def test_refuses_wrong_input_with_a_reason(folders, tmp_path):
    target, output = tmp_path / "target", io.StringIO()
    target.write_text("A CAT\n")
    with pytest.raises(ValueError, match=r"standard input has 2 lines and .*target has 1: line n of one must"):
        score_text(folders[0], io.BytesIO(b"a\nb\n"), target, output)
    with pytest.raises(ValueError, match=r"keeps 3 checkpoints \(1, 2, 3\), not 4: ask for fewer"):
        load(folders[0], last=4)
    other = run_folder(tmp_path / "c", (1,), [Pair("quite another text", "with other pieces")])
    with pytest.raises(ValueError, match=r"a and .*c do not share their source vocabulary"):
        load(folders[0], other)
    with pytest.raises(ValueError, match="n_best=4 with beam=3"):
        written(folders[0], n_best=4)
    with pytest.raises(ValueError, match="top_p=2 must be above 0"):
        written(folders[0], sample=1, top_p=2)
    assert output.getvalue() == ""

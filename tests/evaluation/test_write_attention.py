"""Files of `translate --attention`, against the model run on all sentences in one batch."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from configs.base import base
from research.data.pairs import Pair
from research.data.vocabulary import BOS, EOS, Vocabularies
from research.evaluation.loaded_run import LoadedRun
from research.evaluation.write_attention import write_attention
from research.models.translator import cross_attention
from research.parallel.devices import Devices
from research.results.run_folder import RunFolder
from tests.decoding.random_model import random_model, small_config

SOURCES = ["a dog sees two cats", "", "Hund", "두 고양이 가 본다"]  # not sorted by length, with an empty line
TRANSLATIONS = ["Hund", "", "고양이 가 본다", "a dog sees two cats"]
PAIRS = [Pair(text, text) for text in SOURCES if text]
SHAPES = {"transformer": (2, 2), "luong": (1, 1)}  # layers, heads


def opened(name, folder):
    vocabularies = Vocabularies.train(PAIRS, joint=True, kind="bpe", size=47)
    config = base(small_config(name))
    config.data.languages, config.evaluation.batch_sentences = ("en", "ko"), 2
    # spread=1: with larger weights, float32's order of sums in another batch would change more than 1e-5.
    translator, params = random_model(name, len(vocabularies.target), spread=1.0)
    devices = Devices(devices=jax.devices()[:1])
    return LoadedRun(RunFolder(folder / "runs" / name), config, translator, params, vocabularies, devices, step=3)


def write(run, folder, draw=None, page=None, sources=SOURCES):
    said = io.StringIO()
    targets = [run.vocabularies.target.encode(text) for text in TRANSLATIONS][: len(sources)]
    console = Console(file=said)
    write_attention(run, sources, TRANSLATIONS, targets, folder, draw=draw, page=page, console=console)
    return targets, said.getvalue()


def weights_at_once(run, texts, targets):
    """Return weights_BLHTS of all sentences in one batch, padded to the longest."""
    sources = [[*run.vocabularies.source.encode(text), EOS] for text in texts]
    target_ins = [[BOS, *ids] for ids in targets]
    source_BS, target_in_BT = (
        jnp.array([ids + [0] * (max(map(len, rows)) - len(ids)) for ids in rows]) for rows in (sources, target_ins)
    )
    apply = jax.jit(
        lambda params: run.translator.apply({"params": params}, source_BS, target_in_BT, mutable=["attention"])
    )
    return np.stack(list(cross_attention(apply(run.params)[1]).values()), axis=1)


@pytest.mark.parametrize("name", SHAPES)
def test_writes_every_layer_and_head_of_every_line(name, tmp_path):
    run, folder, drawn, pages = opened(name, tmp_path), tmp_path / "maps", [], []

    def draw(source_tokens, target_tokens, weights):
        drawn.append((source_tokens, target_tokens, weights))
        return b"a picture"

    def page(files, model, languages):
        assert all(file.exists() for file in files)
        pages.append(([file.name for file in files], model, tuple(languages)))
        return "<!doctype html> 본다"

    targets, _ = write(run, folder, draw, page)
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        [".lookback-attention", "index.html", *(f"000{line}.{kind}" for line in (1, 3, 4) for kind in ("npz", "png"))]
    )
    assert pages == [(["0001.npz", "0003.npz", "0004.npz"], name, ("en", "ko"))]
    assert (folder / "index.html").read_text("utf-8") == "<!doctype html> 본다"
    assert len(drawn) == 3
    written = [0, 2, 3]
    expected_BLHTS = weights_at_once(run, [SOURCES[line] for line in written], [targets[line] for line in written])
    for line, expected_LHTS in zip(written, expected_BLHTS, strict=True):
        with np.load(folder / f"000{line + 1}.npz") as held:
            T, S = len(held["target_tokens"]), len(held["source_tokens"])
            assert held["weights_LHTS"].dtype == held["weights"].dtype == np.float32
            assert held["weights_LHTS"].shape == (*SHAPES[name], T, S)
            np.testing.assert_allclose(held["weights_LHTS"], expected_LHTS[..., :T, :S], rtol=0, atol=2e-6)
            np.testing.assert_allclose(held["weights"], held["weights_LHTS"].mean((0, 1)), atol=1e-6)
            np.testing.assert_allclose(held["weights"].sum(1), 1, atol=1e-5)
            assert (str(held["source"]), str(held["target"])) == (SOURCES[line], TRANSLATIONS[line])
            for side, text in (("source", SOURCES[line]), ("target", TRANSLATIONS[line])):
                *pieces, end = held[f"{side}_tokens"].tolist()
                assert "".join(pieces).replace("▁", " ").strip() == text
                assert end == "</s>"
            (picture,) = (each for each in drawn if each[0] == held["source_tokens"].tolist())
            assert picture[1] == held["target_tokens"].tolist()
            np.testing.assert_array_equal(np.array(picture[2], np.float32), held["weights"])


def test_only_files_of_an_earlier_call_are_removed(tmp_path):
    run, folder = opened("luong", tmp_path), tmp_path / "maps"
    write(run, folder, page=lambda *_: "")
    for own in ("2024.png", "0007.npz", "notes.txt"):
        (folder / own).write_bytes(b"a person's")
    write(run, folder, page=lambda *_: "", sources=["", SOURCES[0], ""])
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        [".lookback-attention", "index.html", "0002.npz", "2024.png", "0007.npz", "notes.txt"]
    )
    assert (folder / "0007.npz").read_bytes() == b"a person's"


def test_a_file_that_is_not_ours_is_not_replaced(tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "0003.npz").write_bytes(b"a person's")
    with pytest.raises(ValueError, match=r"0003\.npz is there already, and attention did not write it: move it"):
        write(opened("luong", tmp_path), folder, page=lambda *_: "")
    assert [file.name for file in folder.iterdir()] == ["0003.npz"]


@pytest.mark.parametrize(
    ("name", "sources", "why"),
    [("none", SOURCES, "this model does not attend (model.reader=none)"), ("luong", ["", ""], "there is no text")],
)
def test_nothing_to_draw_gives_a_note_and_no_files(name, sources, why, tmp_path):
    _, said = write(opened(name, tmp_path), tmp_path / "maps", page=lambda *_: "", sources=sources)
    assert f"note: nothing to draw: {why}" in said
    assert not (tmp_path / "maps").exists()

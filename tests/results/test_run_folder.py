"""The run folder: each file is written whole or not at all, and damage is reported in one sentence."""

import json
import math
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from configs import base
from configs.embedded import get_config
from research.results.identity import config_as_json, config_digest
from research.results.run_folder import RunFolder

COSTS = {"name": "luong", "steps": 7, "seconds": 1.5, "parameters": 11, "flops_per_token": 13.0}


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path / "run")
    made.write_json("config.json", config_as_json(get_config("luong")))
    return made


@pytest.mark.parametrize("architecture", base.MODELS)
def test_a_config_comes_back_as_it_went_in(architecture, folder):
    """With tuples, resolved references, and locked."""
    config = get_config(architecture)
    folder.write_json("config.json", config_as_json(config))
    back = folder.config()
    assert back.to_dict() == config.copy_and_resolve_references().to_dict()
    assert isinstance(back.data.languages, tuple)
    assert back.is_locked
    with pytest.raises(AttributeError):
        back.training.stepz = 3


def test_a_folder_without_a_run_is_an_error_in_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a run folder: it has no config\.json; make one with"):
        RunFolder.existing(tmp_path)
    assert RunFolder(tmp_path).metrics() == []
    assert RunFolder(tmp_path).result() == {}
    with pytest.raises(FileNotFoundError, match=r"provenance\.json is missing; is .* a finished run folder\?"):
        RunFolder(tmp_path).read_json("provenance.json")


@pytest.mark.parametrize("damage", [b'{"half": ', b"", b"\xff\xfe", b"null and more", b"[" * 100_000])
def test_a_damaged_file_is_named(damage, folder):
    for name, read in {"config.json": folder.config, "result.json": folder.result}.items():
        (folder.path / name).write_bytes(damage)
        with pytest.raises(ValueError) as error:
            read()
        assert str(error.value).startswith(f"{folder.path / name} is damaged (")
        assert str(error.value).endswith("); restore it, or make the run again")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", "{}", "object missing required field `seed`"),
        ("config.json", '{"model": 3}', "model: expected `object`, got `int`"),
        ("config.json", '{"data": {"languages": ["en"]}}', "data.languages: expected `array` of length 2, got 1"),
        ("provenance.json", "[]", "expected `object`, got `array`"),
        ("provenance.json", '{"steps": "many"}', "steps: expected `int`, got `str`"),
        ("result.json", "null", "expected `object`, got `null`"),
        ("result.json", '{"splits": {"test": 3}}', "splits[...]: expected `object`, got `int`"),
        ("result.json", '{"splits": {"test": {"searches": []}}}', "splits[...].searches: expected `object`"),
        (
            "result.json",
            '{"splits": {"test": {"searches": {"wide": {}}}}}',
            "expected `str` matching",
        ),
        (
            "result.json",
            '{"splits": {"test": {"attention": [{}]}}}',
            "splits[...].attention[0]: object missing required",
        ),
    ],
)
def test_json_of_another_shape_is_refused_by_file_and_field(folder, name, content, said):
    (folder.path / name).write_text(content)
    read = {"config.json": folder.config, "provenance.json": folder.provenance, "result.json": folder.result}[name]
    with pytest.raises(ValueError, match=re.escape(f"{folder.path / name} is damaged: {said}")) as error:
        read()
    assert str(error.value).endswith("; restore it, or make the run again")


def with_numbers_as(kind, value):
    """Return JSON as a tool with one kind of number writes it: every whole number as a float, or as an int."""
    if isinstance(value, dict):
        return {name: with_numbers_as(kind, item) for name, item in value.items()}
    if isinstance(value, list):
        return [with_numbers_as(kind, item) for item in value]
    return kind(value) if type(value) in (int, float) and value == int(value) else value


@pytest.mark.parametrize("architecture", base.MODELS)
@pytest.mark.parametrize("kind", [int, float])
def test_a_config_that_another_tool_wrote_is_the_same_run(kind, architecture, folder):
    """5.0 is read as 5 and 1 as 1.0, so that no digest changes."""
    config = get_config(architecture)
    folder.write_json("config.json", with_numbers_as(kind, config_as_json(config)))
    unread = ["evaluation.reordering_bins"]  # shares, of which 0 and 1 may be whole: no number depends on them
    assert config_digest(folder.config(), without=unread) == config_digest(config, without=unread)


def test_whole_numbers_that_another_tool_wrote_as_floats_are_whole(folder):
    aligned = {"error": 0.5, "gold_sentences": 3.0, "by_head": {"0": 2.0}}
    lengths = [{"words": "1–5", "sentences": 2.0, "bleu": 7.0}]
    split = {"step": 7.0, "searches": {"beam1": {"cut_off": 0.0, "bleu_by_length": lengths}}, "alignment": aligned}
    folder.write_json("result.json", {"steps": 7.0, "flops_per_token": 13.0, "splits": {"test": split}})
    folder.write_json("provenance.json", {**COSTS, "steps": 7.0, "skipped_pairs": {"too long": 2.0}})
    folder.append_metrics({"step": 5.0, "loss": 2.0})
    whole = {
        "steps": 7,
        "flops_per_token": 13.0,
        "splits": {
            "test": {
                "step": 7,
                "searches": {
                    "beam1": {"cut_off": 0, "bleu_by_length": [{"words": "1–5", "sentences": 2, "bleu": 7.0}]}
                },
                "alignment": {"error": 0.5, "gold_sentences": 3, "by_head": {"0": 2.0}},
            }
        },
    }
    assert repr(folder.result()) == repr(whole)
    assert repr(folder.provenance()) == repr({**COSTS, "skipped_pairs": {"too long": 2}})
    assert repr(folder.metrics()) == repr([{"step": 5, "loss": 2.0}])


@pytest.mark.parametrize("number", [5.5, 1e300])
def test_a_number_that_is_not_whole_is_refused(number, folder):
    folder.write_json("provenance.json", {**COSTS, "steps": number})
    with pytest.raises(ValueError, match=r"steps: expected `int`, got `float`; restore it"):
        folder.provenance()
    folder.append_metrics({"step": number})
    with pytest.raises(ValueError, match=r"step: expected `int`, got `float`; remove that line"):
        folder.metrics()


def test_a_result_needs_the_cost_of_its_run(folder):
    folder.write_json("provenance.json", {**COSTS, "parameters": None})
    with pytest.raises(ValueError, match=r"provenance\.json is damaged: parameters: expected `int`, got `null`"):
        folder.write_result("test", {"searches": {"beam1": {}}})


@pytest.mark.parametrize("left", ["a file", "nothing"])
def test_a_folder_that_another_process_trains_into_is_waited_for(left, tmp_path, capsys):
    """If that process leaves nothing, it deletes the folder whose lock we waited for, and there is a new one."""
    begun, done = threading.Event(), []

    def other():
        with RunFolder(tmp_path / "run").alone():
            begun.set()
            time.sleep(0.3)
            if left == "a file":
                (tmp_path / "run/file").touch()
            done.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait()
    with RunFolder(tmp_path / "run").alone(wait=True):
        done.append("ours")
        with pytest.raises(OSError, match="wait for it, or stop it"), RunFolder(tmp_path / "run").alone():
            pass
        thread.join()
    assert done == ["other", "ours"]
    assert capsys.readouterr().err == (
        f"another process is training into {tmp_path / 'run'}; this one goes on when it has ended\n"
    )


def test_numbers_that_are_not_finite_are_null(folder):
    folder.write_json("result.json", {"splits": {"test": {"perplexity": math.inf}}})
    folder.append_metrics({"step": 1, "nll": math.nan, "validation/perplexity": np.float32(np.inf)})
    folder.append_metrics({"step": 2, "nll": 1.5, "validation/perplexity": 4.0})

    def refuse(name):
        pytest.fail(f"{name} is no JSON")

    result = json.loads((folder.path / "result.json").read_text(), parse_constant=refuse)
    assert result["splits"]["test"]["perplexity"] is None
    first, _ = [json.loads(line, parse_constant=refuse) for line in folder.metrics_file.read_text().splitlines()]
    assert first == {"step": 1, "nll": None, "validation/perplexity": None}
    assert folder.validations("perplexity") == {2: 4.0}


def test_a_full_disk_leaves_the_old_file(folder, monkeypatch):
    """The disk is full halfway through the new file."""
    before = folder.config_file.read_bytes()
    write = Path.write_bytes

    def half(self, content):
        write(self, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match=r"cannot write .*config\.json: no space left on device; make room"):
        folder.write_json("config.json", {"other": 1})
    assert folder.config_file.read_bytes() == before
    assert [file.name for file in folder.path.iterdir()] == ["config.json"]


def test_an_empty_folder_is_deleted_after_its_lock(tmp_path):
    for name, writes in (("nothing", False), ("something", True)):
        folder = RunFolder(tmp_path / name)
        with folder.alone():
            if writes:
                folder.write_text("config.json", "{}")
        assert folder.path.exists() == writes


def test_splits_are_listed_with_tests_first(folder):
    assert folder.splits() == []
    (folder.path / "splits").mkdir()
    for name in ("validation", "test_b", "another"):
        folder.split_file(name).write_bytes(b"")
    assert folder.splits() == ["another", "test_b", "validation"]


def test_metrics_are_appended_and_deleted_after_a_step(folder):
    for step in (1, 2, 2, 5):
        folder.append_metrics({"step": step, "train/loss": step / 2})
    assert [record["step"] for record in folder.metrics()] == [1, 2, 2, 5]
    folder.forget_metrics_after(2)
    assert folder.metrics() == [{"step": n, "train/loss": n / 2} for n in (1, 2, 2)]


def test_a_last_line_cut_short_is_left_out_for_good(folder):
    folder.append_metrics({"step": 1})
    with open(folder.metrics_file, "a") as file:
        file.write('{"step": 2, "tra')
    assert folder.metrics() == [{"step": 1}]
    folder.forget_metrics_after(2)
    folder.append_metrics({"step": 2})
    assert folder.metrics() == [{"step": 1}, {"step": 2}]


def test_a_damaged_line_of_metrics_is_named(folder):
    folder.metrics_file.write_text('{"step": 1}\n{"step"\n{"step": 3}\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl, line 2, is damaged .*; remove that line"):
        folder.metrics()


def test_results_of_splits_and_searches_are_kept_beside_each_other(folder):
    folder.write_json("provenance.json", {**COSTS, "commit": "abc"})
    folder.write_result("test", {"perplexity": 9.0, "searches": {"beam2": {"bleu": {"score": 1.0}}}})
    folder.write_result("other", {"perplexity": 3.0, "searches": {"beam5": {"bleu": {"score": 2.0}}}})
    folder.write_result("test", {"perplexity": 8.0, "searches": {"beam5": {"bleu": {"score": 3.0}}}})
    assert folder.result() == {
        **COSTS,
        "config": json.loads(folder.config_file.read_text()),
        "splits": {
            "test": {
                "perplexity": 8.0,
                "searches": {"beam2": {"bleu": {"score": 1.0}}, "beam5": {"bleu": {"score": 3.0}}},
            },
            "other": {"perplexity": 3.0, "searches": {"beam5": {"bleu": {"score": 2.0}}}},
        },
    }


def test_the_order_of_splits_does_not_depend_on_the_order_of_measuring(folder):
    folder.write_json("provenance.json", COSTS)
    for split in ("validation", "test_b", "test_a"):
        folder.write_result(split, {"searches": {"beam1": {}}})
    assert list(folder.result()["splits"]) == ["test_a", "test_b", "validation"]


def attention(width):
    return {"source_tokens": ["a"], "target_tokens": ["b"] * width, "weights": [[1.0]] * width}


def test_samples_and_maps_are_those_of_the_widest_beam(folder):
    folder.write_json("provenance.json", COSTS)
    for width in (5, 1, 8):
        measured = {
            "step": 3,
            "searches": {f"beam{width}": {}},
            "samples": [{"source": f"beam {width}"}],
            "attention": [attention(width)],
        }
        folder.write_result("test", measured)
    split = folder.result()["splits"]["test"]
    assert sorted(split["searches"]) == ["beam1", "beam5", "beam8"]
    assert (split["samples"], split["attention"]) == ([{"source": "beam 8"}], [attention(8)])


def test_a_file_is_utf_8_and_readable(folder):
    folder.write_json("result.json", {"sentence": "나는 책을 읽었다"})
    assert "나는 책을 읽었다" in (folder.path / "result.json").read_text("utf-8")
    assert folder.result() == {"sentence": "나는 책을 읽었다"}

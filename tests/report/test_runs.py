"""Reading run folders: order, names, groups, curves, and sentences for what is broken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from research.report.run_tables import notes
from research.report.runs import read_runs, run_groups, widths

Fabricate = Callable[..., Path]
Split = Callable[..., dict[str, Any]]


def test_runs_come_in_the_order_of_the_story(fabricate: Fabricate) -> None:
    paths = [fabricate(name) for name in ("transformer", "bahdanau", "none", "luong")]
    runs, others = read_runs(paths)
    assert [run.name for run in runs] == ["none", "luong", "bahdanau", "transformer"]
    assert others == []


def test_runs_of_one_name_are_told_apart_by_folder(fabricate: Fabricate) -> None:
    runs, _ = read_runs([fabricate("luong", folder=f"{seed}/luong") for seed in (3, 5)])
    assert [(run.name, run.title) for run in runs] == [("luong (3)", "Luong (3)"), ("luong (5)", "Luong (5)")]
    runs, _ = read_runs([fabricate("luong", folder=f"{seed}/runs/luong") for seed in (3, 5)])
    assert [run.name for run in runs] == [f"luong ({run.path})" for run in runs]


def test_a_run_has_the_name_of_its_folder(fabricate: Fabricate) -> None:
    path = fabricate("luong")
    moved = path.rename(path.with_name("renamed"))
    assert [run.name for run in read_runs([moved])[0]] == ["renamed"]


def test_a_folder_given_twice_is_one_run(fabricate: Fabricate) -> None:
    path = fabricate("luong")
    assert len(read_runs([path, str(path)])[0]) == 1


def test_a_folder_without_config_is_left_out_and_said(fabricate: Fabricate, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    runs, others = read_runs([fabricate("luong"), tmp_path / "notes"])
    assert len(runs) == 1
    assert others == [tmp_path / "notes"]
    with pytest.raises(ValueError, match=r"no run folder to report.*config\.json"):
        read_runs([tmp_path / "notes"])


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no run folder .*lounge; "):
        read_runs([tmp_path / "lounge"])


@pytest.mark.parametrize("name", ["config.json", "result.json", "provenance.json"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"name": "luong",\n "steps": }', r"is damaged \(Expecting value: line 2 column 11.*; restore it"),
        (b"[1, 2]", r"is damaged: expected `object`, got `array`; restore it"),
        (b'{"name": "\xff"}', r"is damaged .*position 10"),
    ],
)
def test_broken_json_is_one_sentence(fabricate: Fabricate, name: str, content: bytes, said: str) -> None:
    path = fabricate("luong")
    (path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said) as caught:
        read_runs([path])
    assert str(path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_broken_metrics_name_the_line_but_a_line_cut_short_is_none(fabricate: Fabricate) -> None:
    path = fabricate("luong")
    whole = (path / "metrics.jsonl").read_text()
    (path / "metrics.jsonl").write_text(whole + '{"step": 20')
    (run,), _ = read_runs([path])
    assert len(run.metrics) == len(whole.splitlines())
    (path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 20\n{"step": 3}\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl, line 2, is damaged .*; remove that line"):
        read_runs([path])


def test_a_missing_field_is_named(fabricate: Fabricate) -> None:
    path = fabricate("luong")
    (path / "config.json").write_text('{"model": {"encoder": "recurrent", "decoder": "recurrent"}}')
    with pytest.raises(ValueError, match=r"config\.json has no field model\.reader"):
        read_runs([path])


def test_curves_over_steps_and_seconds_count_a_repeated_step_once(fabricate: Fabricate) -> None:
    path = fabricate("luong")
    rows = [
        {"step": 5, "seconds": 2.0, "train/loss": 1.0},
        {"step": 5, "validation/bleu": 11.0},
        {"step": 7, "seconds": 3.0, "train/loss": 1.0},
        {"step": 7, "validation/bleu": 13.0},
        {"step": 7, "seconds": 4.0, "validation/bleu": 17.0},
        {"step": 9, "seconds": 5.0, "validation/bleu": float("nan")},
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run,), _ = read_runs([path])
    assert run.curve("bleu", "steps") == [(5, 11.0), (7, 17.0)]
    assert run.curve("bleu", "seconds") == [(2.0, 11.0), (4.0, 17.0)]
    assert run.curve("perplexity", "steps") == []


def test_commands_are_those_that_trained_and_evaluated(fabricate: Fabricate) -> None:
    searched = {"a": {"searches": {"beam1": {"command": "both"}, "beam5": {"command": "both"}}}}
    searched["b"] = {"searches": {"beam1": {"command": "one"}}}
    (run,), _ = read_runs([fabricate("luong", provenance={"command": "train"}, splits=searched)])
    assert run.commands == ["train", "both", "one"]


def test_runs_whose_bleu_is_another_are_not_compared(fabricate: Fabricate, split: Split) -> None:
    tokenised = split("luong")
    for search in tokenised["searches"].values():
        search["bleu"]["signature"] = "tok:none"
    runs, _ = read_runs([fabricate("luong", splits={"test": tokenised}), fabricate("none"), fabricate("transformer")])
    assert [[run.name for run in each.runs] for each in run_groups(runs)] == [["none", "transformer"], ["luong"]]
    [note] = notes(runs, [])
    assert str(note) == "BLEU of luong on test is tok:none, and does not compare with the others"


def test_runs_measured_on_other_sentences_are_not_compared(fabricate: Fabricate) -> None:
    german = fabricate("luong", folder="german", languages=("en", "de"))
    runs, _ = read_runs([german, fabricate("none"), fabricate("transformer")])
    assert [[run.path.name for run in each.runs] for each in run_groups(runs)] == [["none", "transformer"], ["german"]]
    assert [each.title for each in run_groups(runs)] == ["test, English → Korean", "test, English → German"]


def test_a_comparison_uses_the_widest_search_that_all_have(fabricate: Fabricate, split: Callable) -> None:
    narrow = split("luong")
    del narrow["searches"]["beam5"]
    runs, _ = read_runs([fabricate("none"), fabricate("luong", splits={"test": narrow})])
    (comparison,) = run_groups(runs)
    assert comparison.search == "beam1"
    assert widths(runs[0].splits["test"]) == [1, 5]
    assert comparison.bins(runs[0]) == runs[0].splits["test"]["searches"]["beam1"]["bleu_by_length"]


def test_a_metric_that_is_no_object_is_one_sentence(fabricate: Fabricate) -> None:
    path = fabricate("luong")
    for line, said in (
        ("7", "expected `object`, got `int`"),
        ('{"seconds": 3}', "object missing required field `step`"),
        ('{"step": "five"}', "step: expected `int`, got `str`"),
        ('{"step": 5, "nll": "low"}', r"\[...\]: expected `float \| null`, got `str`"),
    ):
        (path / "metrics.jsonl").write_text(f"{line}\n")
        with pytest.raises(ValueError, match=rf"metrics\.jsonl, line 1, is damaged: {said}; remove that line"):
            read_runs([path])


def test_what_a_run_cost_is_known_before_it_is_evaluated(fabricate: Fabricate) -> None:
    (run,), _ = read_runs([fabricate("luong", evaluated=False, provenance={"parameters": 7, "steps": 11})])
    assert (run.cost("parameters"), run.cost("steps"), run.cost("seconds")) == (7, 11, None)

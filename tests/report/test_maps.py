"""Attention maps: one sentence for all runs, readable tokens, weights of the right shape."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from research.report import write_report
from research.report.maps import attention_maps, sharpest, tokens
from research.report.runs import read_runs, run_groups

Fabricate = Callable[..., Path]


def test_subwords_read_as_words() -> None:
    assert tokens(["▁teach", "er", "s", ".", "▁", "</s>"]) == ("teach", "-er", "-s", ".", "␣", "⟨end⟩")
    assert tokens(["Haus", "ist"]) == ("Haus", "ist")


def test_every_map_of_a_row_shows_the_same_sentence(fabricate: Fabricate, split: Callable) -> None:
    fewer = split("bahdanau")
    fewer["attention"] = fewer["attention"][1:3]
    paths = [fabricate("none"), fabricate("luong"), fabricate("bahdanau", splits={"test": fewer})]
    (group,) = run_groups(read_runs(paths)[0])
    found = attention_maps(group)
    assert [[each.run.name for each in maps] for maps in found] == [["luong", "bahdanau"]] * 2
    assert all(len({each.source for each in maps}) == 1 for maps in found)


def test_the_sharpest_has_the_least_alignment_error(fabricate: Fabricate) -> None:
    (group,) = run_groups(read_runs([fabricate("luong"), fabricate("transformer"), fabricate("bahdanau")])[0])
    assert sharpest(attention_maps(group)[0], group).run.name == "transformer"


def without_gold(measured: dict[str, Any]) -> dict[str, Any]:
    """Return what an evaluation writes of a corpus without gold alignment."""
    measured["alignment"] |= {"error": None, "precision": None, "recall": None}
    return measured


@pytest.mark.parametrize(
    ("known", "first"), [((), "luong"), (("bahdanau",), "bahdanau"), (("luong", "bahdanau"), "luong")]
)
def test_an_error_that_is_not_known_is_never_the_least(
    known: tuple[str, ...], first: str, fabricate: Fabricate, split: Callable
) -> None:
    names = ("luong", "bahdanau")
    measured = {name: split(name) if name in known else without_gold(split(name)) for name in names}
    paths = [fabricate(name, splits={"test": measured[name]}) for name in names]
    (group,) = run_groups(read_runs(paths)[0])
    assert sharpest(attention_maps(group)[0], group).run.name == first


def test_runs_without_gold_alignment_are_reported(fabricate: Fabricate, split: Callable, tmp_path: Path) -> None:
    """Two attentive runs of a person's own corpus, Multi30k or WMT; the table's cell stays empty."""
    paths = [fabricate(name, splits={"test": without_gold(split(name))}) for name in ("luong", "bahdanau")]
    out = tmp_path / "report"
    assert '<div class="maps">' in write_report(paths, out).read_text("utf-8")
    assert (out / "attention.png").is_file()
    (head, *rows) = csv.DictReader((out / "results.csv").read_text("utf-8").splitlines())
    assert {row["alignment_error"] for row in [head, *rows]} == {""}


def test_weights_of_another_shape_are_one_sentence(fabricate: Fabricate, split: Callable) -> None:
    measured = split("luong")
    measured["attention"][0]["weights"].pop()
    (group,) = run_groups(read_runs([fabricate("luong", splits={"test": measured})])[0])
    with pytest.raises(ValueError, match=r"result\.json has an attention map whose weights are not \d+ target"):
        attention_maps(group)

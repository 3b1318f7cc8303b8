"""Attention maps: one sentence for all runs, readable tokens, every weight in its cell."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from research.report.maps import maps, sharpest, svg, tokens
from research.report.runs import comparisons, read_runs

Fabricate = Callable[..., Path]


def test_subwords_read_as_words() -> None:
    assert tokens(["▁teach", "er", "s", ".", "▁", "</s>"]) == ("teach", "-er", "-s", ".", "␣", "⟨end⟩")
    assert tokens(["Haus", "ist"]) == ("Haus", "ist")


def test_every_panel_of_a_row_shows_the_same_sentence(fabricate: Fabricate, split: Callable) -> None:
    fewer = split("bahdanau")
    fewer["attention"] = fewer["attention"][1:3]
    paths = [fabricate("none"), fabricate("luong"), fabricate("bahdanau", splits={"test": fewer})]
    (comparison,) = comparisons(read_runs(paths)[0])
    found = maps(comparison)
    assert [[panel.run.name for panel in panels] for panels in found] == [["luong", "bahdanau"]] * 2
    assert all(len({panel.source for panel in panels}) == 1 for panels in found)


def test_the_sharpest_has_the_least_alignment_error(fabricate: Fabricate) -> None:
    (comparison,) = comparisons(read_runs([fabricate("luong"), fabricate("transformer"), fabricate("bahdanau")])[0])
    assert sharpest(maps(comparison)[0], comparison).run.name == "transformer"


def test_svg_has_every_weight_and_escapes_tokens(fabricate: Fabricate, split: Callable) -> None:
    measured = split("luong")
    record = {"source_tokens": ["▁<b>", "▁&", "</s>"], "target_tokens": ['▁"', "</s>"]}
    measured["attention"] = [record | {"weights": [[0.5, 0.375, 0.125], [0.0, 0.0625, 0.9375]]}]
    (comparison,) = comparisons(read_runs([fabricate("luong", splits={"test": measured})])[0])
    drawn = svg(maps(comparison)[0][0], "a <label>")
    assert re.findall(r'fill-opacity="([\d.]+)"', drawn) == ["0.500", "0.375", "0.125", "0.000", "0.062", "0.938"]
    assert "<b>" not in drawn
    assert "a &lt;label&gt;" in drawn
    assert "&lt;b&gt;" in drawn


def test_weights_of_another_shape_are_one_sentence(fabricate: Fabricate, split: Callable) -> None:
    measured = split("luong")
    measured["attention"][0]["weights"].pop()
    (comparison,) = comparisons(read_runs([fabricate("luong", splits={"test": measured})])[0])
    with pytest.raises(ValueError, match=r"result\.json has an attention map whose weights are not \d+ target"):
        maps(comparison)

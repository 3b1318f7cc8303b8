"""Charts of runs: all numbers, from zero, in each run's colour, in characters that the fonts have."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from research.report import attention_png, charts, run_charts, style
from research.report.charts import Panel
from research.report.maps import attention_maps
from research.report.runs import Run, read_runs, run_groups
from tests.report.specs import axis_labels, axis_of, layers_of, rows_of

Fabricate = Callable[..., Path]
ALL = ("none", "luong", "bahdanau", "transformer")


@pytest.fixture
def runs(fabricate: Fabricate) -> list[Run]:
    return read_runs([fabricate(name) for name in ALL])[0]


def panels(name: str, runs: list[Run]) -> list[Panel]:
    groups = run_groups(runs)
    return run_charts.length_panels(groups, runs) if name == "length" else run_charts.curve_panels(runs)


def figure(name: str, runs: list[Run]) -> Any:
    groups = run_groups(runs)
    if name == "maps":
        return run_charts.maps_figure(attention_maps(groups[0])[0], runs)
    overview = run_charts.overview_figure(groups, runs)
    assert overview is not None
    return overview[0] if name == "overview" else charts.below_each_other(panels(name, runs), 300)


@pytest.mark.parametrize("name", ["length", "curves", "maps", "overview"])
def test_pictures_have_each_runs_colour(runs: list[Run], name: str) -> None:
    drawn = vl_convert.vegalite_to_svg(figure(name, runs).to_dict())
    for run in runs:
        if name != "maps" or run.name != "none":
            assert drawn.count(f'"{style.colours(runs)[run.name][0]}"') > 3


@pytest.mark.parametrize("name", ["length", "curves"])
def test_axes_are_honest(runs: list[Run], name: str) -> None:
    for panel in panels(name, runs):
        low, _ = axis_of(panel.chart, "y")["scale"]["domain"]
        assert low == (1 if "perplexity" in str(panel.title) else 0)  # 1 is the least a perplexity can be


def test_lines_have_the_numbers(runs: list[Run]) -> None:
    (panel,) = panels("length", runs)
    rows = rows_of(panel.chart, "line")[0]
    for run in runs:
        bins = run.result["splits"]["test"]["searches"]["beam5"]["bleu_by_length"]
        colour = style.colours(runs)[run.name][0]
        assert [row["y"] for row in rows if row["colour"] == colour] == [each["bleu"] for each in bins]
    assert list(axis_labels(panel.chart, "x").values())[:2] == [["1–5", "n = 61"], ["6–10", "283"]]
    hollow = [row for row in rows if row["few"]]
    assert {row["x"] for row in hollow} == {5}  # of 13 sentences
    assert str(panel.across) == "source length, words (hollow: fewer than 30 sentences)"
    assert panel.names == ["No attention", "Luong", "Bahdanau", "Transformer"]


def test_bins_without_a_score_are_not_drawn(fabricate: Fabricate, split: Callable) -> None:
    measured = split("luong")
    for search in measured["searches"].values():
        search["bleu_by_length"][2]["bleu"] = None
    runs, _ = read_runs([fabricate("luong", splits={"test": measured})])
    (panel,) = panels("length", runs)
    assert [row["x"] for row in rows_of(panel.chart, "line")[0]] == [0, 1, 3, 4, 5]


def test_nothing_to_draw_is_no_chart(fabricate: Fabricate) -> None:
    path = fabricate("luong", evaluated=False)
    (path / "metrics.jsonl").unlink()
    runs, _ = read_runs([path])
    assert panels("length", runs) == panels("curves", runs) == []
    assert run_charts.overview_figure(run_groups(runs), runs) is None


def test_without_a_hangul_font_maps_are_romanised(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "has_glyph", lambda character: ord(character) < 0x1100 or character in "⟨⟩")
    found = figure("maps", runs)
    labels = axis_labels(found.vconcat[0].hconcat[0], "y")
    assert labels[0] == "chingu"
    assert all(ord(letter) < 0x1100 or letter in "⟨⟩" for label in labels.values() for letter in label)


def test_a_character_that_no_font_has_is_a_question_mark() -> None:
    assert style.drawable("Größe ß → $x$") == "Größe ß → $x$"
    assert style.drawable("a \U000f1234\x07") == "a ??"


def test_colours_are_distinct_and_do_not_move_when_runs_join(fabricate: Fabricate, runs: list[Run]) -> None:
    more, _ = read_runs([*(run.path for run in runs), fabricate("wide"), fabricate("deep"), fabricate("narrow")])
    assert len(set(style.colours(more).values())) == 7
    assert {name: style.colours(more)[name] for name in ALL} == style.colours(runs)
    assert len({style.DARK[colour] for colour, _ in style.colours(more).values()}) == 7


@given(st.lists(st.floats(0, 1), max_size=7))
def test_labels_keep_apart_and_inside(values: list[float]) -> None:
    placed = style.spread(values, 0.11, 0.05, 1.0)
    order = sorted(range(len(values)), key=values.__getitem__)
    gaps = [placed[above] - placed[below] for below, above in pairwise(order)]
    assert all(gap >= 0.11 - 1e-9 for gap in gaps)
    assert all(0.05 - 1e-9 <= place <= 1 + 1e-9 for place in placed)
    if len(values) == 1 and values[0] >= 0.05:
        assert placed == pytest.approx(values)


def test_a_map_has_its_tokens_and_every_weight(runs: list[Run]) -> None:
    maps = attention_maps(run_groups(runs)[0])[0]
    chart = run_charts.run_heatmap(maps[0], runs)
    cells = rows_of(chart, "rect")[0]
    drawn = np.zeros((len(maps[0].target), len(maps[0].source)))
    for cell in cells:
        drawn[cell["t"], cell["s"]] = cell["weight"]
    np.testing.assert_allclose(drawn, maps[0].weights, atol=0.51e-4)
    assert tuple(axis_labels(chart, "x").values()) == maps[0].source
    assert cells[1]["said"] == f"{maps[0].target[0]} ← {maps[0].source[1]}  {maps[0].weights[0][1]:.2f}"
    (mark,) = layers_of(chart)
    assert mark["encoding"]["fillOpacity"]["scale"] == {"domain": [0, 1], "range": [0, 1]}


def test_one_map_on_its_own_is_a_picture() -> None:
    weights = [[0.1, 0.7, 0.2, 0.0], [0.0, 0.0, 0.0, 1.0]]
    png = attention_png(["▁the", "▁dog", "s", "</s>"], ["▁{}", "</s>"], weights)
    assert png == attention_png(["▁the", "▁dog", "s", "</s>"], ["▁{}", "</s>"], weights)
    assert png.startswith(b"\x89PNG")

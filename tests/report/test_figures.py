"""Figures: something is drawn, from zero, in characters that the fonts have."""

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import image

from research.report import figures, maps, style
from research.report.runs import Run, comparisons, read_runs

Fabricate = Callable[..., Path]
ALL = ("none", "luong", "bahdanau", "transformer")


@pytest.fixture
def runs(fabricate: Fabricate) -> list[Run]:
    return read_runs([fabricate(name) for name in ALL])[0]


def draw(name: str, runs: list[Run]) -> figures.Figure | None:
    compared = comparisons(runs)
    return {
        "length": lambda: figures.length_figure(compared, runs, 7.2),
        "curves": lambda: figures.curves_figure(runs, 11),
        "maps": lambda: figures.maps_figure(maps.maps(compared[0])[0], runs),
        "overview": lambda: figures.overview_figure(compared, runs),
    }[name]()


@pytest.mark.parametrize("name", ["length", "curves", "maps", "overview"])
def test_pictures_have_each_runs_colour(runs: list[Run], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DOTS_PER_INCH", 60)
    pixels = image.imread(io.BytesIO(figures.png(draw(name, runs))), format="png")[..., :3]
    drawn = [run for run in runs if name != "maps" or run.name != "none"]
    for run in drawn:
        colour = style.colours(runs)[run.name][0]
        wanted = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        assert (np.abs(pixels - wanted).max(axis=-1) < 0.02).sum() > 20


@pytest.mark.parametrize("name", ["length", "curves"])
def test_axes_are_honest(runs: list[Run], name: str) -> None:
    for axes in draw(name, runs).axes:
        perplexity = "perplexity" in axes.get_title(loc="left")
        assert axes.get_ylim()[0] == (1 if perplexity else 0)  # 1 is the least a perplexity can be


def test_lines_have_the_numbers(runs: list[Run]) -> None:
    (axes,) = draw("length", runs).axes
    drawn = {line.get_color(): list(line.get_ydata()) for line in axes.lines if len(line.get_ydata()) == 6}
    for run in runs:
        bins = run.result["splits"]["test"]["searches"]["beam5"]["bleu_by_length"]
        assert drawn[style.colours(runs)[run.name][0]] == [each["bleu"] for each in bins]


def test_bins_without_a_score_are_not_drawn(fabricate: Fabricate, split: Callable) -> None:
    measured = split("luong")
    for search in measured["searches"].values():
        search["bleu_by_length"][2]["bleu"] = None
    runs, _ = read_runs([fabricate("luong", splits={"test": measured})])
    (axes,) = draw("length", runs).axes
    assert list(axes.lines[0].get_xdata()) == [0, 1, 3, 4, 5]


def test_nothing_to_draw_is_no_figure(fabricate: Fabricate) -> None:
    path = fabricate("luong", evaluated=False)
    (path / "metrics.jsonl").unlink()
    runs, _ = read_runs([path])
    assert draw("length", runs) is draw("curves", runs) is draw("overview", runs) is None


def test_without_a_hangul_font_maps_are_romanised(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "hangul_fonts", lambda: ())
    figure = draw("maps", runs)
    figures.png(figure)  # a missing glyph would be a warning, and so an error
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[0] == "chingu"
    assert all(ord(character) < 0x1100 or character in "⟨⟩" for label in labels for character in label)


def test_what_no_font_has_is_a_question_mark() -> None:
    assert style.drawable("Größe ß → ⟨end⟩ $x$") == "Größe ß → ⟨end⟩ $x$"
    assert style.drawable("신라 \U000f1234") == "silla ?"


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


def test_one_map_on_its_own_is_a_picture_with_its_tokens() -> None:
    figure = figures.map_figure(
        ["▁the", "▁dog", "s", "</s>"], ["▁개", "</s>"], [[0.1, 0.7, 0.2, 0.0], [0.0, 0.0, 0.0, 1.0]]
    )
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["the", "dog", "-s", "⟨end⟩"]
    assert axes.images[0].get_array().tolist() == [[0.1, 0.7, 0.2, 0.0], [0.0, 0.0, 0.0, 1.0]]
    assert figures.png(figure).startswith(b"\x89PNG")

"""What is drawn, read back from the axes: every seed, means and intervals where they belong, and honest scales."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from research.report import style
from research.report.front import front
from research.report.language import translator
from research.report.lines import apart, scale
from research.report.panel import Panel
from research.report.question_figures import PUBLISHED, looks, panels
from research.results.answers import FiledAnswer, read_answers
from tests.report.made_up_answers import (
    Made,
    attention_or_not,
    data_size,
    heads,
    learning_to_attend,
    recurrent_depth,
    write,
)


def read(folder: Path, made: Made) -> tuple[FiledAnswer, dict[str, Any]]:
    """The answer and the axes of its panels, by kind."""
    (answer,) = read_answers([write(folder, made)])
    return answer, {panel.kind: axes(panel) for panel in panels(answer)}


def axes(panel: Panel) -> Any:
    return panel.figure(7.0).axes[0]


def marks(drawn: Any, hollow: bool = False) -> np.ndarray:
    """(x, y) of the large marks."""
    found = []
    for each in drawn.collections:
        is_ours = isinstance(each, PathCollection) and each.get_sizes()[0] > 20
        if is_ours and (to_hex(each.get_facecolors()[0]) == style.PAPER) == hollow:
            found += each.get_offsets().tolist()
    return np.array(found)


def rings(drawn: Any) -> np.ndarray:
    """(x, y) of every seed."""
    found = [each.get_offsets() for each in drawn.collections if isinstance(each, PathCollection)]
    sizes = [each.get_sizes()[0] for each in drawn.collections if isinstance(each, PathCollection)]
    return np.concatenate([points for points, size in zip(found, sizes, strict=True) if size < 20])


def bars(drawn: Any) -> list[list[float]]:
    """The intervals: thick lines."""
    thick = [line for line in drawn.lines if line.get_linewidth() == 2.2]
    return [sorted({*map(float, line.get_xdata()), *map(float, line.get_ydata())}) for line in thick]


def test_rows_are_in_the_order_given_with_every_seed_and_interval(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, attention_or_not())
    main = drawn["main"]
    assert [label.get_text() for label in main.get_yticklabels()] == ["none", "luong", "bahdanau"]
    low, high = main.get_ylim()
    assert low > high  # the first is on top
    np.testing.assert_allclose(marks(main)[:, 0], [arm.score for arm in answer.arms])
    scores = [run.scores["bleu"] for arm in answer.arms for run in arm.runs]
    np.testing.assert_allclose(sorted(rings(main)[:, 0]), sorted(scores))  # type: ignore[type-var]
    for arm, bar in zip(answer.arms, bars(main), strict=True):
        assert arm.interval is not None
        np.testing.assert_allclose([bar[-2], bar[-1]], arm.interval)  # the row's own height is less than any BLEU


def test_the_literature_has_its_own_axes_and_marks_that_ours_never_have(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, attention_or_not())
    assert len(marks(drawn["main"], hollow=True)) == 0
    published = drawn["literature"]
    assert len(marks(published)) == 0
    wanted = [value for each in answer.literature for value in each.values.values()]
    np.testing.assert_allclose(marks(published, hollow=True)[:, 0], wanted)
    names = [text.get_text() for text in published.texts]
    assert names == ["Britz et al. 2017", "Bahdanau et al. 2015", "Luong et al. 2015"]
    assert not set(PUBLISHED[:1]) & {look[1] for look in looks(answer).values()}


def test_a_difference_in_the_literature_is_drawn_no_longer_than_ours(tmp_path: Path) -> None:
    """0.6 BLEU over four layers would else fill the axis beside our 7."""
    _, drawn = read(tmp_path, recurrent_depth())
    ours, theirs = (np.ptp(drawn[kind].get_ylim()) for kind in ("main", "literature"))
    assert theirs == pytest.approx(ours, rel=0.02)
    assert np.ptp(marks(drawn["literature"], hollow=True)[:, 1]) < 0.1 * theirs


def test_lines_go_over_x_group_by_group_and_an_arm_without_x_is_a_level(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, recurrent_depth())
    main = drawn["main"]
    found = marks(main)
    assert len(found) == 15
    for place, group in enumerate(("both", "encoder", "decoder")):
        arms = [arm for arm in answer.arms if arm.group == group]
        line = found[5 * place : 5 * place + 5]
        np.testing.assert_allclose(line[:, 0], [arm.x for arm in arms], atol=0.15)  # beside each other, not on top
        np.testing.assert_allclose(line[:, 1], [arm.score for arm in arms])
    assert (np.diff(found[[0, 5, 10], 0]) > 0.05).all()
    assert len(rings(main)) == 16 * 3
    level = next(line for line in main.lines if len(set(line.get_ydata())) == 1 and line.get_linewidth() == 1.4)
    assert level.get_ydata()[0] == pytest.approx(answer.arms[-1].score)
    names = [text.get_text() for text in main.texts]
    assert names == ["both", "encoder", "decoder", "transformer"]
    left, right = main.get_xlim()
    assert left < rings(main)[:, 0].min() < rings(main)[:, 0].max() < right


def test_many_arms_without_x_have_rows_of_their_own(tmp_path: Path) -> None:
    made = recurrent_depth()
    for each in made["arms"][10:15]:  # the decoder's
        each |= {"x": None, "group": ""}
    answer = read_answers([write(tmp_path, made)])[0]
    lines, rows, published, *_ = panels(answer)
    assert [text.get_text() for text in axes(lines).texts] == ["both", "encoder"]
    assert [label.get_text() for label in axes(rows).get_yticklabels()] == [arm.name for arm in answer.arms[10:]]
    np.testing.assert_allclose(marks(axes(rows))[:, 0], [arm.score for arm in answer.arms[10:]])
    assert published.kind == "literature"


def test_seconds_over_a_logarithmic_axis_are_drawn_by_their_ratio(tmp_path: Path) -> None:
    made = data_size()
    assert axes(panels(read_answers([write(tmp_path, made)])[0])[0]).get_yscale() == "linear"  # BLEU has no ratios
    made["measure"] = "seconds_per_step"
    for each in made["arms"]:
        each |= {"interval": [0.9 * each["score"], 1.1 * each["score"]]}
    (panel,) = panels(read_answers([write(tmp_path, made)])[0])
    assert axes(panel).get_yscale() == "log"
    assert str(panel.note).endswith("Scores on a log scale.")
    heights = [text.get_position()[1] for text in axes(panel).texts]
    assert 0.8 < heights[0] <= heights[1] <= 1  # the names are where the lines end: luong 38.8, transformer 43.1


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, data_size())
    assert [label.get_text() for label in drawn["main"].get_xticklabels()] == ["1,000", "3,000", "10,000", "29,000"]
    np.testing.assert_allclose(drawn["main"].get_xticks(), np.log10([1000, 3000, 10000, 29000]))
    across = panels(answer)[0].across
    assert [translator(code)(across) for code in ("en", "ko")] == ["sentence pairs, log scale", "문장 쌍, 로그 눈금"]


def test_zero_on_a_logarithmic_axis_stands_a_step_before_the_rest() -> None:
    where, ticks = scale([0.0, 0.01, 0.1, 1.0], log=True)
    np.testing.assert_allclose([where(x) for x in (0.0, 0.01, 0.1, 1.0)], [-3, -2, -1, 0])
    assert list(ticks.values()) == ["0", "0.01", "0.1", "1"]


def test_ticks_without_room_are_left_out_but_not_the_largest() -> None:
    assert apart([1, 2, 4, 8, 16, 32], (0, 33), 10) == [1, 4, 8, 16, 32]


def test_curves_have_a_line_a_seed_and_the_colour_of_their_arm(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, learning_to_attend())
    lines = [line for line in drawn["curves"].lines if len(line.get_xdata()) == 12]
    assert len(lines) == len(answer.curves) == 12
    for line, curve in zip(lines, answer.curves, strict=True):
        np.testing.assert_allclose(np.transpose(line.get_data()), curve.points)
        assert line.get_color() == looks(answer)[curve.arm][0]
    assert {text.get_text() for text in drawn["curves"].texts} == {arm.name for arm in answer.arms}


def test_an_arm_without_a_run_keeps_its_place(tmp_path: Path) -> None:
    _, drawn = read(tmp_path, heads())
    assert [label.get_text() for label in drawn["main"].get_xticklabels()] == ["1", "2", "4", "8", "16"]
    assert len(marks(drawn["main"])) == 4
    made = attention_or_not() | {"look": None}
    made["arms"][1] |= {"score": None, "interval": None, "runs": []}
    _, drawn = read(tmp_path, made)
    assert len(marks(drawn["main"])) == 2
    assert "–" in [text.get_text() for text in drawn["main"].texts]


def test_the_front_holds_what_nothing_cheaper_beats() -> None:
    points = [(1.0, 5.0), (2.0, 4.0), (2.0, 8.0), (3.0, 8.0), (4.0, 9.0), (0.5, 1.0)]
    assert front(points, better=1) == [5, 0, 2, 4]  # (2, 4) and (3, 8) are beaten, the one by its equal in price
    assert front(points, better=-1) == [5]  # the cheapest has the lowest score of all


def test_scores_over_their_cost(tmp_path: Path) -> None:
    made = attention_or_not() | {"cost": "seconds"}
    for each, seconds in zip(made["arms"], (10.0, 12.0, 90.0), strict=True):
        each["costs"]["seconds"] = seconds
    answer, drawn = read(tmp_path, made)
    panel = drawn["front"]
    np.testing.assert_allclose(marks(panel), [[arm.costs["seconds"], arm.score] for arm in answer.arms])
    line = next(line for line in panel.lines if line.get_linewidth() == 1.6)
    assert line.get_xdata().tolist() == [10.0, 12.0]  # bahdanau costs more than luong, and scores less
    assert panel.get_xscale() == "log"
    assert {text.get_text() for text in panel.texts} == {"none", "luong", "bahdanau"}
    assert len(set(looks(answer).values())) == 3  # a colour each
    made["cost"] = "money"
    with pytest.raises(ValueError, match="cost: there is no cost 'money'; known are parameters, "):
        read(tmp_path, made)


def test_nothing_is_drawn_where_nothing_was_measured(tmp_path: Path) -> None:
    made = heads()
    for each in made["arms"]:
        each |= {"score": None, "interval": None, "runs": []}
    answer, drawn = read(tmp_path, made)
    assert drawn == {}
    assert panels(answer) == []

"""Charts of answers: every run, means and intervals where they belong, and honest scales."""

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest
import vl_convert

from research.report import style
from research.report.answer_charts import (
    PUBLISHED,
    answer_figure,
    answer_panels,
    looks,
    pareto_front,
    places_on_axis,
)
from research.report.charts import Panel
from research.report.language import translator
from research.results.answer_files import read_answers
from research.results.answers import FiledAnswer
from tests.report.made_up_answers import (
    Made,
    attention_or_not,
    data_size,
    heads,
    learning_to_attend,
    recurrent_depth,
    write,
)
from tests.report.specs import axis_labels, axis_of, layers_of, mark_of, rows_of


def read(folder: Path, made: Made) -> tuple[FiledAnswer, dict[str, Panel]]:
    """Return the answer and its panels by kind."""
    (answer,) = read_answers([write(folder, made)])
    return answer, {panel.kind: panel for panel in answer_panels(answer)}


def points(chart: alt.TopLevelMixin, **options: Any) -> np.ndarray:
    """Return (x, y) of all marks of a size."""
    return np.array([[row["x"], row["y"]] for rows in rows_of(chart, "point", **options) for row in rows])


def means(panel: Panel) -> np.ndarray:
    return points(panel.chart, size=75)


def published(panel: Panel) -> np.ndarray:
    return points(panel.chart, size=70)


def rings(panel: Panel) -> np.ndarray:
    return points(panel.chart, size=20)


def bars(panel: Panel) -> list[dict[str, float]]:
    (found,) = rows_of(panel.chart, "rule", strokeWidth=2.5)
    return found


def names(panel: Panel) -> list[str]:
    """Return the text that is written into the chart."""
    return [row["name"] for rows in rows_of(panel.chart, "text") for row in rows]


def domain(panel: Panel, channel: str) -> list[float]:
    found: list[float] = axis_of(panel.chart, channel)["scale"]["domain"]
    return found


def test_rows_are_in_the_order_given_with_every_run_and_interval(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, attention_or_not())
    main = drawn["main"]
    assert list(axis_labels(main.chart, "y").values()) == ["none", "luong", "bahdanau"]
    low, high = domain(main, "y")
    assert low > high  # the first is on top
    np.testing.assert_allclose(means(main)[:, 0], [arm.score for arm in answer.arms])
    np.testing.assert_allclose(means(main)[:, 1], list(axis_labels(main.chart, "y")))
    scores = [run.scores["bleu"] for arm in answer.arms for run in arm.runs]
    np.testing.assert_allclose(rings(main)[:, 0], scores)
    assert [(bar["x"], bar["x2"]) for bar in bars(main)] == [arm.interval for arm in answer.arms]
    left, right = domain(main, "x")
    assert left < min(bar["x"] for bar in bars(main)) < max(bar["x2"] for bar in bars(main)) < right


def test_the_literature_has_its_own_axes_and_marks_that_ours_never_have(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, attention_or_not())
    assert len(published(drawn["main"])) == 0
    theirs = drawn["literature"]
    assert len(means(theirs)) == 0
    wanted = [value for each in answer.literature for value in each.values.values()]
    np.testing.assert_allclose(published(theirs)[:, 0], wanted)
    (layer,) = [each for each in layers_of(theirs.chart) if mark_of(each).get("size") == 70]
    assert mark_of(layer)["fill"] == style.PAPER
    shapes = layer["encoding"]["shape"]["scale"]
    assert shapes["domain"] == ["Britz et al. 2017", "Bahdanau et al. 2015", "Luong et al. 2015"]
    assert shapes["range"] == list(PUBLISHED[:3])
    assert not set(PUBLISHED[:1]) & {shape for _, shape in looks(answer).values()}


def test_a_difference_in_the_literature_is_drawn_no_longer_than_ours(tmp_path: Path) -> None:
    """0.6 BLEU over four layers would else fill the axis beside our 7."""
    _, drawn = read(tmp_path, recurrent_depth())
    ours, theirs = (np.ptp(domain(drawn[kind], "y")) for kind in ("main", "literature"))
    assert theirs == pytest.approx(ours, rel=0.02)
    assert np.ptp(published(drawn["literature"])[:, 1]) < 0.1 * theirs


def test_lines_go_over_x_group_by_group_and_an_arm_without_x_is_a_level(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, recurrent_depth())
    main = drawn["main"]
    found = means(main)
    assert len(found) == 15
    for place, group in enumerate(("both", "encoder", "decoder")):
        arms = [arm for arm in answer.arms if arm.group == group]
        line = found[5 * place : 5 * place + 5]
        np.testing.assert_allclose(line[:, 0], [arm.x for arm in arms], atol=0.15)  # beside each other, not on top
        np.testing.assert_allclose(line[:, 1], [arm.score for arm in arms])
    assert (np.diff(found[[0, 5, 10], 0]) > 0.05).all()
    assert len(rings(main)) == 16 * 3
    ((level,),) = rows_of(main.chart, "rule", strokeDash=[5, 4])
    assert level["y"] == pytest.approx(answer.arms[-1].score)
    assert [level["x"], level["x2"]] == domain(main, "x")
    ((band,),) = rows_of(main.chart, "rect")
    assert (band["y"], band["y2"]) == answer.arms[-1].interval
    assert names(main) == list(main.names) == ["both", "encoder", "decoder", "transformer"]
    left, right = domain(main, "x")
    assert left < rings(main)[:, 0].min() < rings(main)[:, 0].max() < right


def test_many_arms_without_x_have_rows_of_their_own(tmp_path: Path) -> None:
    made = recurrent_depth()
    for each in made["arms"][10:15]:  # the decoder's
        each |= {"x": None, "group": ""}
    answer = read_answers([write(tmp_path, made)])[0]
    lines, rows, literature, *_ = answer_panels(answer)
    assert list(lines.names) == ["both", "encoder"]
    assert list(axis_labels(rows.chart, "y").values()) == [arm.name for arm in answer.arms[10:]]
    np.testing.assert_allclose(means(rows)[:, 0], [arm.score for arm in answer.arms[10:]])
    assert str(rows.note).startswith("Arms that have no place on the axis. Large mark and bar")
    assert literature.kind == "literature"


def test_seconds_over_a_logarithmic_axis_are_drawn_by_their_ratio(tmp_path: Path) -> None:
    made = data_size()
    _, drawn = read(tmp_path, made)
    assert axis_of(drawn["main"].chart, "y")["scale"]["type"] == "linear"  # BLEU has no ratios
    made["measure"] = "seconds_per_step"
    for each in made["arms"]:
        each |= {"interval": [0.9 * each["score"], 1.1 * each["score"]]}
    (panel,) = answer_panels(read_answers([write(tmp_path, made)])[0])
    assert axis_of(panel.chart, "y")["scale"]["type"] == "log"
    assert str(panel.note).endswith("Scores on a log scale.")
    low, high = np.log(domain(panel, "y"))
    heights = [(np.log(row["y"]) - low) / (high - low) for row in rows_of(panel.chart, "text")[0]]
    assert 0.8 < heights[0] <= heights[1] <= 1  # the names are where the lines end: luong 38.8, transformer 43.1


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios(tmp_path: Path) -> None:
    _, drawn = read(tmp_path, data_size())
    labels = axis_labels(drawn["main"].chart, "x")
    assert list(labels.values()) == ["1,000", "3,000", "10,000", "29,000"]
    np.testing.assert_allclose(list(labels), np.log10([1000, 3000, 10000, 29000]))
    across = drawn["main"].across
    assert across is not None
    assert [translator(code)(across) for code in ("en", "ko")] == ["sentence pairs, log scale", "문장 쌍, 로그 눈금"]


def test_zero_on_a_logarithmic_axis_stands_a_step_before_the_rest() -> None:
    place, labels = places_on_axis([0.0, 0.01, 0.1, 1.0], log=True)
    np.testing.assert_allclose([place(x) for x in (0.0, 0.01, 0.1, 1.0)], [-3, -2, -1, 0])
    assert list(labels.values()) == ["0", "0.01", "0.1", "1"]


def test_curves_have_a_line_a_run_and_the_colour_of_their_arm(tmp_path: Path) -> None:
    answer, drawn = read(tmp_path, learning_to_attend())
    panel = drawn["curves"]
    lines = [each for each in layers_of(panel.chart) if mark_of(each).get("strokeWidth") == 1.5]
    assert len(lines) == len(answer.curves) == 12
    for line, curve in zip(lines, answer.curves, strict=True):
        np.testing.assert_allclose([(row["x"], row["y"]) for row in line["data"]["values"]], curve.points)
        assert mark_of(line)["color"] == looks(answer)[curve.arm][0]
    assert set(names(panel)) == {arm.name for arm in answer.arms}


def test_an_arm_without_a_run_keeps_its_place(tmp_path: Path) -> None:
    _, drawn = read(tmp_path, heads())
    assert list(axis_labels(drawn["main"].chart, "x").values()) == ["1", "2", "4", "8", "16"]
    assert len(means(drawn["main"])) == 4
    made = attention_or_not() | {"look": None}
    made["arms"][1] |= {"score": None, "interval": None, "runs": []}
    _, drawn = read(tmp_path, made)
    assert len(means(drawn["main"])) == 2
    assert names(drawn["main"]) == ["–"]
    assert len(axis_labels(drawn["main"].chart, "y")) == 3


def test_the_front_holds_what_nothing_cheaper_beats() -> None:
    found = [(1.0, 5.0), (2.0, 4.0), (2.0, 8.0), (3.0, 8.0), (4.0, 9.0), (0.5, 1.0)]
    assert pareto_front(found, better=1) == [5, 0, 2, 4]  # (2, 4) and (3, 8) are beaten, the one by its equal in price
    assert pareto_front(found, better=-1) == [5]  # the cheapest has the lowest score of all


def test_scores_over_their_cost(tmp_path: Path) -> None:
    made = attention_or_not() | {"cost": "seconds"}
    for each, seconds in zip(made["arms"], (10.0, 12.0, 90.0), strict=True):
        each["costs"]["seconds"] = seconds
    answer, drawn = read(tmp_path, made)
    panel = drawn["front"]
    np.testing.assert_allclose(means(panel), [[arm.costs["seconds"], arm.score] for arm in answer.arms])
    (line,) = rows_of(panel.chart, "line", strokeWidth=1.8)
    assert [row["x"] for row in line] == [10.0, 12.0]  # bahdanau costs more than luong, and scores less
    assert axis_of(panel.chart, "x")["scale"]["type"] == "log"
    assert axis_labels(panel.chart, "x") == {10.0: "10 s", 20.0: "20 s", 50.0: "50 s", 100.0: "1 min 40 s"}
    assert set(names(panel)) == {"none", "luong", "bahdanau"}
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
    assert answer_figure(answer) is None


def test_the_picture_of_an_answer_has_all_its_panels_and_sources(tmp_path: Path) -> None:
    (answer,) = read_answers([write(tmp_path, attention_or_not())])
    figure = answer_figure(answer)
    assert figure is not None
    drawn = vl_convert.vegalite_to_svg(figure[0].to_dict())
    for text in (
        "and the gap is",
        "BLEU, higher is better · test, greedy search",
        "In the literature: BLEU",
        "bahdanau",
    ):
        assert text in drawn
    for source in ("Britz et al. 2017", "Bahdanau et al. 2015", "Luong et al. 2015"):
        assert drawn.count(f">{source}<") == 1

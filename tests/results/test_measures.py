"""The table of measures."""

import numpy as np
import pytest

from research.report.language import translator
from research.results.measures import COSTS, MEASURES, title


@pytest.mark.parametrize("measured", [{}, {"alignment": None, "searches": {"beam5": {}}, "timing": None}])
def test_a_run_may_lack_any_measure(measured):
    assert {measure.value(measured, "beam1") for measure in MEASURES.values()} == {None}


def test_a_measure_of_translations_is_read_of_one_search():
    measured = {"searches": {"beam1": {"bleu": {"score": 3.0}}, "beam5": {"bleu": {"score": 4.0}}}}
    assert [MEASURES["bleu"].value(measured, search) for search in ("beam1", "beam5", "beam2")] == [3.0, 4.0, None]


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_has_what_sums_need_or_is_of_a_whole_run(name):
    measure = MEASURES[name]
    assert (measure.of_sums is None) == (measure.counts == ())
    assert measure.better in (-1, 0, 1)
    assert measure.floor is None or measure.better > 0  # a floor is where a task is too hard


def test_measures_and_costs_have_korean_titles():
    same = {
        str(each)
        for each in [*(m.title for m in MEASURES.values()), *COSTS.values()]
        if translator("ko")(each) == str(each)
    }
    assert same == {"BLEU", "chrF", "TER"}


def test_a_measure_that_is_none_of_ours_is_called_by_its_name():
    assert [str(title(name)) for name in ("aer", "of_mine")] == ["alignment error rate", "of mine"]


def test_sums_of_nothing_have_no_alignment_error():
    scores = MEASURES["aer"].of_sums(np.zeros((1, 12)))
    assert np.isnan(scores).tolist() == [True]

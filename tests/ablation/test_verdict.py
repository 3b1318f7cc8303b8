"""Made-up results to every verdict, and its edges."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from research.ablation.measured import MeasuredRun
from research.ablation.verdict import compare_pairs, design_of, scores_of, unresolved
from research.ablation.verdict import judge as judge_by
from research.results.measures import MEASURES, Measure
from research.results.message import Message
from research.statistics.contrasts import Scores
from research.statistics.hypotheses import (
    Crossing,
    Equivalence,
    Fraction,
    Level,
    Superiority,
    Trend,
    assess,
    crossing_points,
    holm,
)

WIDE, CLOSE = [-2.0, 0.0, 2.0], [-0.1, 0.0, 0.1]


@pytest.fixture(autouse=True)
def points(monkeypatch):
    """A measure that runs have as a whole; higher is better."""
    monkeypatch.setitem(MEASURES, "points", Measure(Message("points"), "points", 1, ("points",)))


def arms(measure="points", spread=CLOSE, **means):
    """Three runs an arm, of a measure that runs have as a whole."""
    return {
        arm: [MeasuredRun(seed, {}, {measure: mean + off}) for seed, off in enumerate(spread)]
        for arm, mean in means.items()
    }


def judge(hypotheses, measure, made):
    """By the scores of these very arms."""
    return judge_by(hypotheses, measure, made, partial(scores_of, arms=made))


def verdict(hypothesis, measure="points", **of):
    """Return the verdict over one hypothesis."""
    return judge([hypothesis], measure, arms(measure, **of))[0]


@pytest.mark.parametrize(
    ("hypothesis", "means", "spread", "expected"),
    [
        (Superiority("a", "b", 1.0), {"a": 5, "b": 3}, CLOSE, "supported"),
        (Superiority("a", "b", 1.0), {"a": 3, "b": 3}, CLOSE, "refuted"),
        (Superiority("a", "b", 1.0), {"a": 3.5, "b": 3}, CLOSE, "refuted"),  # better, and by less than was claimed
        (Superiority("a", "b", 1.0), {"a": 4, "b": 3}, CLOSE, "inconclusive"),  # on the margin
        (Superiority("a", "b", 1.0), {"a": 5, "b": 3}, WIDE, "inconclusive"),
        (Superiority("a", "b", 0.0), {"a": 2, "b": 3}, CLOSE, "refuted"),
        (Equivalence(("a",), "b", 1.0), {"a": 3.1, "b": 3}, CLOSE, "supported"),
        (Equivalence(("a",), "b", 1.0), {"a": 5, "b": 3}, CLOSE, "refuted"),
        (Equivalence(("a",), "b", 1.0), {"a": 1, "b": 3}, CLOSE, "refuted"),
        (Equivalence(("a",), "b", 1.0), {"a": 3, "b": 3}, WIDE, "inconclusive"),  # no difference was found: no proof
        (Equivalence(("a",), "b", 1.0), {"a": 4, "b": 3}, CLOSE, "inconclusive"),
        (Equivalence(("a", "c"), "b", 1.0), {"a": 3, "c": 5, "b": 3}, CLOSE, "refuted"),
        (Level("a", 10.0, more=False), {"a": 9}, CLOSE, "supported"),
        (Level("a", 10.0, more=False), {"a": 11}, CLOSE, "refuted"),
        (Level("a", 10.0, more=False), {"a": 10}, CLOSE, "inconclusive"),
        (Level("a", -3.0, more=True), {"a": -2}, CLOSE, "supported"),
        (Level("a", -3.0, more=True), {"a": -4}, CLOSE, "refuted"),
        (Fraction("a", "b", 0.4), {"a": 1, "b": 5}, CLOSE, "supported"),
        (Fraction("a", "b", 0.4), {"a": 3, "b": 5}, CLOSE, "refuted"),
        (Fraction("a", "b", 0.4), {"a": 2, "b": 5}, CLOSE, "inconclusive"),
        (Trend(("a", "b", "c"), (1, 2, 3), 0.0), {"a": 1, "b": 2, "c": 3}, CLOSE, "supported"),
        (Trend(("a", "b", "c"), (1, 2, 3), 0.0), {"a": 3, "b": 2, "c": 1}, CLOSE, "refuted"),
        (Trend(("a", "b", "c"), (1, 2, 3), 0.0, improves=False), {"a": 3, "b": 2, "c": 1}, CLOSE, "supported"),
        (Trend(("a", "b", "c"), (1, 2, 4), 0.9, log=True), {"a": 1, "b": 2, "c": 3}, CLOSE, "inconclusive"),
        (Trend(("a", "b", "c"), (1, 2, 4), 0.7, log=True), {"a": 1, "b": 2, "c": 3}, CLOSE, "supported"),
        (Trend(("a", "b", "c"), (1, 2, 4), 0.7), {"a": 1, "b": 2, "c": 3}, CLOSE, "inconclusive"),  # a unit is a step
        (Crossing(("a", "b"), ("c", "d"), 0.0), {"a": 3, "b": 4, "c": 1, "d": 6}, CLOSE, "supported"),
        (Crossing(("a", "b"), ("c", "d"), 0.0), {"a": 3, "b": 6, "c": 1, "d": 4}, CLOSE, "refuted"),
        (Crossing(("a", "b"), ("c", "d"), 0.0), {"a": 3, "b": 4, "c": 1, "d": 4}, CLOSE, "inconclusive"),
    ],
)
def test_what_is_seen_and_what_is_said(hypothesis, means, spread, expected):
    assert verdict(hypothesis, spread=spread, **means) == expected


@pytest.mark.parametrize(
    ("hypothesis", "means", "expected"),
    [
        (Superiority("a", "b", 1.0), {"a": 5, "b": 3}, "supported"),
        (Superiority("a", "b", 1.0), {"a": 3, "b": 3}, "refuted"),
        (Superiority("a", "b", 0.0), {"a": 3, "b": 3}, "inconclusive"),  # on the bound
        (Equivalence(("a",), "b", 1.0), {"a": 3, "b": 3}, "supported"),
        (Equivalence(("a",), "b", 1.0), {"a": 5, "b": 3}, "refuted"),
        (Equivalence(("a",), "b", 1.0), {"a": 2, "b": 3}, "inconclusive"),
        (Level("a", 0.01, more=False), {"a": 0}, "supported"),
        (Level("a", 0.01, more=True), {"a": 0}, "refuted"),
        (Trend(("a", "b", "c"), (1, 2, 3), 0.0), {"a": 1, "b": 2, "c": 3}, "supported"),
        (Crossing(("a", "b"), ("c", "d"), 0.0), {"a": 3, "b": 4, "c": 1, "d": 6}, "supported"),
    ],
)
def test_where_nothing_varies_the_number_decides_and_there_is_no_p(hypothesis, means, expected):
    """Three seeds that all score the same: nothing to test."""
    found, judged = judge([hypothesis], "points", arms(spread=[0.0, 0.0, 0.0], **means))
    assert found == expected
    assert {(each.claim.p_supports, each.claim.p_refutes, each.p_refutes) for each in judged} == {(None, None, None)}
    assert all(each.claim.interval == (each.claim.effect, each.claim.effect) for each in judged)


def test_a_claim_without_a_p_does_not_count_among_those_that_are_corrected():
    made = arms(spread=[-0.55, 0.0, 0.55], a=3, b=3.0) | arms(spread=[0.0] * 3, c=5, d=5)
    alone = judge([Superiority("a", "b", 1.3)], "points", made)[1]
    both = judge([Superiority("a", "b", 1.3), Equivalence(("c",), "d", 1.0)], "points", made)[1]
    assert [each.p_refutes for each in both] == [alone[0].p_refutes, None]


def test_identical_arms_have_no_p_and_no_interval_but_0():
    [pair] = compare_pairs(scores_of("points", arms(spread=[0.1, 0.2, 0.3], a=1) | arms(spread=[0.0] * 3, b=1)))
    assert pair.p_value is not None
    [pair] = compare_pairs(scores_of("points", arms(spread=[0.0] * 3, a=1, b=1)))
    assert (pair.difference, pair.interval, pair.p_value, pair.p_holm) == (0, (0, 0), None, None)


def test_lower_may_be_better():
    assert verdict(Superiority("a", "b", 1.0), measure="seconds_per_step", a=3, b=5) == "supported"
    assert verdict(Superiority("a", "b", 1.0), measure="seconds_per_step", a=5, b=3) == "refuted"


def test_two_seeds_are_not_enough():
    for few in ({"a": 5, "b": 3}, {"a": 3, "b": 3}):
        made = arms(**few)
        made["b"] = made["b"][:2]
        assert judge([Superiority("a", "b", 1.0)], "points", made) == ("not enough seeds", [])
        made["b"] = []
        assert judge([Superiority("a", "b", 1.0)], "points", made)[0] == "not enough seeds"


def test_an_arm_that_nobody_speaks_of_may_lack_seeds():
    made = {**arms(a=5, b=3), "c": []}
    assert judge([Superiority("a", "b", 1.0)], "points", made)[0] == "supported"


def test_all_must_be_true_and_one_that_is_false_is_enough():
    made = arms(a=5, b=3, c=3)
    wins, loses, open_ = Superiority("a", "b", 1.0), Superiority("c", "b", 1.0), Superiority("a", "b", 2.0)
    assert [judge(each, "points", made)[0] for each in ([wins], [wins, loses], [wins, open_])] == [
        "supported",
        "refuted",
        "inconclusive",
    ]


def test_arms_that_were_not_asked_of_leave_no_support():
    made = arms(a=5, b=3, c=3)
    wins, loses, unasked = Superiority("a", "b", 1.0), Superiority("c", "b", 1.0), Superiority("a", "d", 1.0)
    found = [judge(each, "points", made) for each in ([wins, unasked], [loses, unasked], [unasked])]
    assert [verdict for verdict, _ in found] == ["inconclusive", "refuted", "inconclusive"]
    assert [[each.verdict for each in judged] for _, judged in found] == [["supported"], ["refuted"], []]


def test_many_hypotheses_are_refuted_less_easily():
    """Each alone would be: p is corrected for their number."""
    means = {"a": 3, "b": 3.0}
    spread = [-0.55, 0.0, 0.55]
    one = judge([Superiority("a", "b", 1.3)], "points", arms(spread=spread, **means))
    assert one[0] == "refuted"
    others = {f"x{n}": 9.0 for n in range(8)}
    many = [Superiority("a", "b", 1.3), *(Superiority(other, "b", 1.0) for other in others)]
    assert judge(many, "points", arms(spread=spread, **means, **others))[0] == "inconclusive"


def test_p_to_refute_is_corrected_and_p_to_support_its_own():
    hypotheses = [Superiority("a", "b", 1.3), Superiority("c", "b", 1.0), Superiority("d", "b", 1.0)]
    made = arms(spread=[-0.55, 0.0, 0.55], a=3, b=3.0, c=3.2, d=9)
    alone = [judge([each], "points", made)[1][0] for each in hypotheses]
    together = judge(hypotheses, "points", made)[1]
    assert [each.p_refutes for each in together] == holm([each.p_refutes for each in alone])
    assert [each.claim.p_supports for each in together] == [each.claim.p_supports for each in alone]


def test_a_pair_has_the_same_interval_wherever_it_is_spoken_of():
    """Sentences are drawn at random, and for all that is said of a measure at once."""
    random = np.random.default_rng(0)

    def run(seed, share):
        nll, correct, tokens = np.ones(40), random.binomial(9, share, 40), np.full(40, 9)
        counts = {"token_accuracy": np.stack([nll, correct, tokens], axis=1)}
        return MeasuredRun(seed, counts, {"token_accuracy": share})

    shares = {"a": 0.8, "b": 0.5, "c": 0.6, "d": 0.4}
    made = {arm: [run(seed, share) for seed in range(3)] for arm, share in shares.items()}
    hypotheses = [Superiority("a", "b", 0.0), Superiority("c", "d", 0.0)]
    _, judged = judge(hypotheses, "token_accuracy", made)
    pairs = {(each.a, each.b): each.interval for each in compare_pairs(scores_of("token_accuracy", made))}
    assert [each.claim.interval for each in judged] == [pairs["a", "b"], pairs["c", "d"]]


@pytest.mark.parametrize(("level", "expected"), [(50.0, "supported"), (0.5, "inconclusive"), (99.0, "inconclusive")])
def test_alike_at_the_floor_or_the_ceiling_says_nothing(level, expected, monkeypatch):
    """Below 2, above 97, and between."""
    bounded = replace(MEASURES["points"], floor=2.0, ceiling=97.0)
    monkeypatch.setitem(MEASURES, "points", bounded)
    assert verdict(Equivalence(("a",), "b", 1.0), a=level, b=level) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 2.8, "inconclusive"),  # what is below 2 may as well be 2, and that is within 1 of 2.8
        (1.0, 9.0, "refuted"),  # but not of 9
        (2.5, 4.3, "refuted"),
    ],
)
def test_what_is_to_be_alike_and_stands_at_the_floor_says_nothing(a, b, expected, monkeypatch):
    monkeypatch.setitem(MEASURES, "points", replace(MEASURES["points"], floor=2.0))
    assert verdict(Equivalence(("a",), "b", 1.0), a=a, b=b) == expected


@pytest.mark.parametrize(
    ("apart", "at", "log", "expected"),
    [
        ((2, -1), (1_000, 8_000), True, [4_000]),  # two thirds of three doublings on
        ((2, -1), (0, 3), False, [2]),
        ((2, 1), (0, 3), False, []),
        ((6, -1, 2, -5), (0, 7, 10, 17), False, [6, 8, 12]),
        ((2, 0, -1), (0, 1, 2), False, [1]),  # where they meet
        ((2, 0, 1), (0, 1, 2), False, []),  # touched, not crossed
    ],
)
def test_where_lines_cross_by_hand(apart, at, log, expected):
    first, second = (tuple(f"{line}{place}" for place in at) for line in "ab")
    means = {name: 10.0 + off for name, off in zip(first, apart, strict=True)} | dict.fromkeys(second, 10.0)
    points = crossing_points(Crossing(first, second, 0.0), scores_of("points", arms(**means)), at, log=log)
    assert points == pytest.approx(expected)


def test_every_pair_is_compared_and_p_corrected():
    found = compare_pairs(scores_of("points", arms(a=1, b=2, c=2.0)))
    assert [(each.a, each.b) for each in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].difference == pytest.approx(-1)
    assert found[2].p_value == 1
    assert [each.p_holm for each in found] == holm([each.p_value for each in found])


def test_holm_by_hand():
    """Three tests: times 3, 2 and 1 in their order, never falling."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
    assert holm([0.01, None, 0.04, 0.03]) == [pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06)]
    p = np.random.default_rng(0).uniform(size=20)  # never below Benjamini and Hochberg's, nor above Bonferroni's
    assert (np.array(holm(p)) >= false_discovery_control(p) - 1e-12).all()
    assert (np.array(holm(p)) <= np.minimum(20 * p, 1) + 1e-12).all()


@pytest.mark.parametrize(
    ("hypothesis", "means", "spread", "expected"),
    [
        # Where the measure tells nothing apart.
        (Superiority("a", "b", 0.0), {"a": 99.0, "b": 99.1}, CLOSE, "saturated"),
        # A difference that is certainly smaller than what counts, 1 point.
        (Superiority("a", "b", 0.0), {"a": 3.1, "b": 3.0}, CLOSE, "no difference"),
        # One point beyond the bound would have been missed: seeds are 2 points apart.
        (Superiority("a", "b", 0.0), {"a": 5.0, "b": 3.0}, WIDE, "underpowered"),
        (Equivalence(("a",), "b", 1.0), {"a": 3.0, "b": 3.0}, WIDE, "underpowered"),
        # One point would have been seen, and the difference is on the margin.
        (Superiority("a", "b", 2.0), {"a": 5.0, "b": 3.0}, CLOSE, "open"),
        (Equivalence(("a",), "b", 1.0), {"a": 4.0, "b": 3.0}, CLOSE, "open"),
        (Level("a", 10.0, more=False), {"a": 10.0}, CLOSE, "open"),
    ],
)
def test_why_a_claim_is_neither_supported_nor_refuted(hypothesis, means, spread, expected, monkeypatch):
    points = Measure(Message("points"), "points", 1, ("points",), ceiling=98.0, negligible=1.0)
    monkeypatch.setitem(MEASURES, "points", points)
    overall, judged = judge([hypothesis], "points", arms(spread=spread, **means))
    assert overall == "inconclusive"
    assert unresolved(judged) == expected


def test_the_first_word_of_several_claims_counts(monkeypatch):
    points = Measure(Message("points"), "points", 1, ("points",), ceiling=98.0, negligible=1.0)
    monkeypatch.setitem(MEASURES, "points", points)
    made = {**arms(a=5.0, b=3.0), **arms(spread=WIDE, c=5.0)}
    claims = [Superiority("a", "b", 2.0), Superiority("c", "b", 0.0)]  # open, and underpowered
    assert unresolved(judge(claims, "points", made)[1]) == "underpowered"
    supported = judge([Superiority("a", "b", 1.0)], "points", made)[1]
    assert unresolved(supported) == "not measured"  # what was not judged is what is lacking


@pytest.mark.parametrize(("measure", "bound", "room"), [("head_distance", 0.01, 0.01), ("aer", 0.5, 0.05)])
def test_a_claim_has_no_more_room_below_its_bound_than_there_is(measure, bound, room):
    """Distances and errors end at 0: no truth lies 0.05 below a bound of 0.01."""
    scores = Scores.of_runs({"a": [0.001, 0.002, 0.003]})
    [claim] = assess(Level("a", bound, more=False), scores, MEASURES[measure].better)
    assert design_of(claim, measure).room == pytest.approx(room)

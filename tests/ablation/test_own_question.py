"""Questions from the command line: the file that is written asks what was meant."""

import pytest

from configs.command_line import load
from research.ablation.arms import cross, vary
from research.ablation.own_question import factor, own_question
from research.statistics.hypotheses import Equivalence


def read(text):
    held = {}
    exec(text, held)
    return held["EXPERIMENT"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model.layers=1,2,4", ("model.layers", (1, 2, 4))),
        ("model.dropout=0.1,1e-2", ("model.dropout", (0.1, 0.01))),
        ("model.residual=True,False", ("model.residual", (True, False))),
        ("model.score=dot,scaled_dot", ("model.score", ("dot", "scaled_dot"))),
        ("architecture=none,luong", ("architecture", ("none", "luong"))),
    ],
)
def test_values_are_what_they_look_like(text, expected):
    assert factor(text) == expected


@pytest.mark.parametrize("text", ["model.layers", "=1,2", "model.layers="])
def test_what_is_no_factor(text):
    with pytest.raises(ValueError, match=r"expected a field and its values, such as model\.layers=1,2,4"):
        factor(text)


def test_what_is_varied_is_compared_at_each_value_of_what_is_crossed():
    asked = read(own_question("luong", [("model.layers", (1, 2, 4))], [("data.subset", (1000, 9000))], "bleu", None))
    assert asked.arms == cross(vary("model.layers", 1, 2, 4), vary("data.subset", 1000, 9000))
    assert asked.verdict == (
        Equivalence(("layers=2, subset=1000", "layers=4, subset=1000"), "layers=1, subset=1000", 1.0),
        Equivalence(("layers=2, subset=9000", "layers=4, subset=9000"), "layers=1, subset=9000", 1.0),
    )
    assert (asked.base, asked.measure, asked.axis.field) == ("luong", "bleu", "model.layers")
    assert str(asked.claim) == "model.layers makes no difference beyond 1 BLEU."
    configs = asked.configs(lambda architecture: load(f"configs/multi30k_small.py:{architecture}"))
    assert [(each.model.layers, each.data.subset) for each in configs.values()] == [
        (layers, size) for layers in (1, 2, 4) for size in (1000, 9000)
    ]


def test_two_fields_that_are_varied_are_compared_in_every_combination():
    varied = [("model.score", ("dot", "general")), ("model.residual", (False, True))]
    asked = read(own_question("luong", varied, [], "nats", 0.05))
    assert asked.verdict == (
        Equivalence(("dot, residual", "general, no residual", "general, residual"), "dot, no residual", 0.05),
    )
    assert (asked.axis, asked.measure) == (None, "nats")


def test_a_quote_in_a_value_stays_a_value():
    asked = read(own_question("luong", [("data.source", ('a"b', "c'd"))], [], "bleu", None))
    assert [arm["data.source"] for arm in asked.arms.values()] == ['a"b', "c'd"]


@pytest.mark.parametrize(
    ("varied", "measure", "equivalent", "sentence"),
    [
        ([("model.layers", (1, 2))], "blue", None, "no measure 'blue'; choose one of bleu"),
        ([("model.layers", (1, 2))], "entropy", None, "nothing says which difference in entropy is none"),
        ([("model.layers", (1, 2))], "bleu", 0.0, "give --equivalent=X, above 0"),
        ([("model.layers", (1, 2))], "bleu", float("inf"), "give --equivalent=X, above 0"),
        ([("model.layers", (1, 2))], "bleu", float("nan"), "give --equivalent=X, above 0"),
        ([("model.layers", (1,))], "bleu", None, "there is nothing to compare"),
        ([("model.layers", (1, 1))], "bleu", None, "each of them once"),
        ([("model.layers", (1, 2)), ("model.layers", (3, 4))], "bleu", None, "sets model.layers in two factors"),
    ],
)
def test_what_cannot_be_asked(varied, measure, equivalent, sentence):
    with pytest.raises(ValueError, match=sentence):
        own_question("luong", varied, [], measure, equivalent)

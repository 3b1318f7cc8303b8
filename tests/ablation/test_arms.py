"""The arms algebra: what an arm is called, what it changes, and what can't be said in it."""

from dataclasses import replace

import pytest

from configs.command_line import load
from research.ablation.arms import build, chain, cross, named, subsample, together, vary
from research.results.identity import config_as_json, flat
from research.statistics.hypotheses import Level
from tests.ablation.pretended import QUESTION


def get_config(architecture):
    return load(f"configs/embedded_tiny.py:{architecture}")


def test_vary_names_an_arm_by_what_it_is():
    assert vary("model.layers", 1, 2) == {"layers=1": {"model.layers": 1}, "layers=2": {"model.layers": 2}}
    assert list(vary("model.score", "dot", "general")) == ["dot", "general"]
    assert list(vary("model.input_feeding", False, True)) == ["no input feeding", "input feeding"]


def test_cross_is_every_combination_the_last_fastest():
    arms = cross(vary("model.reader", "luong", "bahdanau"), vary("model.width", 32, 64))
    assert arms == {
        "luong, width=32": {"model.reader": "luong", "model.width": 32},
        "luong, width=64": {"model.reader": "luong", "model.width": 64},
        "bahdanau, width=32": {"model.reader": "bahdanau", "model.width": 32},
        "bahdanau, width=64": {"model.reader": "bahdanau", "model.width": 64},
    }


def test_chain_is_one_after_the_other():
    arms = chain(vary("model.heads", 1, 2), named("alike", {"model.head_spread": 0.0}))
    assert list(arms) == ["heads=1", "heads=2", "alike"]


def test_together_changes_fields_side_by_side():
    assert together(vary("model.width", 32, 64), vary("model.ffn", 128, 256)) == {
        "width=32, ffn=128": {"model.width": 32, "model.ffn": 128},
        "width=64, ffn=256": {"model.width": 64, "model.ffn": 256},
    }


def test_a_subsample_is_the_same_for_a_seed_and_keeps_the_order():
    arms = vary("model.layers", *range(1, 30))
    drawn = subsample(arms, 7, seed=3)
    assert drawn == subsample(arms, 7, seed=3) != subsample(arms, 7, seed=4)
    assert len(drawn) == 7
    assert list(drawn) == [name for name in arms if name in drawn]
    assert subsample(arms, 29, seed=0) == arms


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: together(vary("a", 1, 2), vary("b", 1)), r"as many arms each; they have \[2, 1\]"),
        (lambda: together(), r"as many arms each; they have \[\]"),
        (lambda: subsample(vary("a", 1, 2), 3, seed=0), "draws 1 to 2 of 2 arms, not 3"),
        (lambda: vary("model.layers"), "needs values, each of them once"),
        (lambda: vary("model.layers", 2, 2), "needs values, each of them once"),
        (lambda: cross(vary("model.layers", 1), vary("model.layers", 2)), r"sets model\.layers in two factors"),
        (lambda: chain(vary("model.layers", 1), vary("model.layers", 1)), "has the arm 'layers=1' twice"),
        (lambda: chain(named("a", {"model.layers": 1}), named("b", {"model.layers": 1})), "has the arm 'b' twice"),
        (
            lambda: build(get_config, "luong", {"model.layerz": 2}),
            r"no config has a field 'model\.layerz'; did you mean model\.layers",
        ),
        (lambda: build(get_config, "luong", {"training.layers": 2}), r"did you mean model\.layers"),
        (lambda: build(get_config, "luong", {"model.layers": "two"}), r"model\.layers takes int, such as 1, not 'two'"),
        (lambda: build(get_config, "luong", {"architecture": "lungo"}), "no architecture 'lungo'"),
        (
            lambda: build(get_config, "luong", {"model.width": "×1.51"}),
            "width is 64, of which '×1.51' is no such number",
        ),
        (lambda: build(get_config, "luong", {"model.width": "×inf"}), "of which '×inf' is no such number"),
        (lambda: build(get_config, "luong", {"data.subset": "×2"}), "subset is 0, of which '×2' is no such number"),
        (lambda: build(get_config, "luong", {"model.width": "×two"}), "of which '×two' is no such number"),
        (lambda: build(get_config, "luong", {"model.cell": "×2"}), "cell is 'lstm', of which '×2' is no such number"),
        (lambda: build(get_config, "luong", {"model.input_feeding": "×2"}), "of which '×2' is no such number"),
    ],
)
def test_what_cannot_be_said(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_so_many_times_is_named_with_its_field():
    assert list(vary("model.width", "×1", "×2")) == ["width=×1", "width=×2"]


def test_a_value_may_be_so_many_times_the_config_s_own():
    arm = build(get_config, "luong", {"model.width": 32}, {"model.width": "×2", "model.dropout": "×1.5"})
    assert arm.model.width == 64
    assert isinstance(arm.model.width, int)
    assert arm.model.dropout == pytest.approx(1.5 * get_config("luong").model.dropout)


@pytest.mark.parametrize("budget", [0, -1, float("inf"), float("nan"), None, "abc"])
def test_a_budget_is_a_number_above_0(budget):
    with pytest.raises(ValueError, match="a budget is a number above 0"):
        replace(QUESTION, arms=vary("budget", 1, budget), axis=None, verdict=(Level("budget=1", 1.0, more=True),))


def test_a_budget_of_all_arms_is_refused():
    with pytest.raises(ValueError, match="a budget is an arm's own"):
        replace(QUESTION, fields={"budget": 2})


def test_an_arm_is_its_base_with_its_fields_changed_and_no_others():
    base, arm = (
        flat(config_as_json(build(get_config, "luong", fields)))
        for fields in ({}, {"model.cell": "gru", "training.steps": 7})
    )
    assert {name for name in base if base[name] != arm[name]} == {"model.cell", "training.steps"}

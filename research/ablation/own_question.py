"""A question from the command line: the text of the experiment file that `ablate --vary` stands for."""

import ast
import json
import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from research.ablation.arms import cross, name_of, vary
from research.results.identity import NO_EFFECT_ON_RESULTS
from research.results.measures import MEASURES

ALSO = ("bleu", "chrf", "nats", "token_accuracy")
Factor = tuple[str, tuple[Any, ...]]
"""A field of the config, and its values."""

TEMPLATE = '''\
"""{title}

Written by `ablate --vary`; docs/experiments.md explains every line.
"""

from research.ablation.arms import {builders}
from research.ablation.experiment import {values}
from research.results.message import Message
from research.statistics.hypotheses import Equivalence

EXPERIMENT = Experiment(
    question=Message({question}),
    claim=Message({claim}),
    source="asked on the command line",
    base={base},
    arms={arms},
{axis}    measure={measure},
    also={also},
    verdict=(
{verdict}    ),
)
'''


def factor(text: str) -> Factor:
    """Read such as model.layers=1,2,4: numbers, True and False are what they look like, and the rest are strings.

    Raises:
        ValueError: there is no field, or no value.
    """
    field, equals, values = text.partition("=")
    if not (field and equals and values):
        raise ValueError(f"{text!r}: expected a field and its values, such as model.layers=1,2,4")
    return field, tuple(map(_value, values.split(",")))


def own_question(
    base: str, varied: Sequence[Factor], crossed: Sequence[Factor], measure: str, equivalent: float | None
) -> str:
    """Return a file of experiments/ that asks whether arms are alike.

    The arms are every combination of the values. Those that differ in a varied field alone are compared: all of them
    with the first value of each.

    Args:
        base: the architecture that arms begin from.
        varied: the fields that are asked about.
        crossed: the fields at each of whose values that is asked.
        measure: a name of `MEASURES`.
        equivalent: the largest difference that is called none; None: that of the measure.

    Raises:
        ValueError: a measure is unknown or has no such difference, or there is one arm alone.
    """
    if measure not in MEASURES:
        raise ValueError(f"no measure {measure!r}; choose one of {', '.join(MEASURES)}")
    margin = MEASURES[measure].negligible if equivalent is None else equivalent
    if not margin or not 0 < margin < math.inf:
        raise ValueError(f"nothing says which difference in {measure} is none: give --equivalent=X, above 0")
    fields = [field for field, _ in (*varied, *crossed)]
    if "seed" in fields:
        raise ValueError("every arm is trained under every seed of --seeds: leave seed out of --vary and --cross")
    if same := [field for field in fields if field in NO_EFFECT_ON_RESULTS]:
        raise ValueError(f"{same[0]} changes no number of a run: leave it out of --vary and --cross")
    cross(*(vary(field, *values) for field, values in (*varied, *crossed)))  # refuses what names an arm twice
    if all(len(values) == 1 for _, values in varied):
        raise ValueError("there is nothing to compare: give --vary a field with two values or more")
    changed = ", ".join(field for field, _ in varied)
    field, values = varied[0]
    drawn = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    axis = f"    axis=Axis({_said(field)}, Message({_said(field.rpartition('.')[2])})),\n" if drawn else ""
    return TEMPLATE.format(
        title=f"Does {changed} make a difference?",
        builders="vary" if len(varied) + len(crossed) == 1 else "cross, vary",
        values="Axis, Experiment" if drawn else "Experiment",
        question=_said(f"Does {changed} make a difference?"),
        claim=_said(f"{changed} makes no difference beyond {margin:g} {MEASURES[measure].unit or measure}."),
        base=_said(base),
        arms=_arms([*varied, *crossed]),
        axis=axis,
        measure=_said(measure),
        also=_said(tuple(name for name in ALSO if name != measure)),
        verdict="".join(map("        {},\n".format, _hypotheses(varied, crossed, margin))),
    )


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
        return value if not isinstance(value, float) or math.isfinite(value) else text
    except (ValueError, SyntaxError):
        return text


def _said(value: Any) -> str:
    """Return a value as a line of Python has it."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_said, value))}{',' * (len(value) == 1)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _arms(factors: Sequence[Factor]) -> str:
    said = [f"vary({_said(field)}, {', '.join(map(_said, values))})" for field, values in factors]
    if len(said) == 1:
        return said[0]
    return "cross(\n" + "".join(f"        {each},\n" for each in said) + "    )"


def _hypotheses(varied: Sequence[Factor], crossed: Sequence[Factor], margin: float) -> Iterator[str]:
    """Yield an equivalence for each combination of the crossed values: of all that is varied with its first values."""
    for at in product(*(values for _, values in crossed)):
        first, *others = (_name([*varied, *crossed], (*each, *at)) for each in product(*(of for _, of in varied)))
        yield f"Equivalence({_said(tuple(others))}, {_said(first)}, {margin:g})"


def _name(factors: Sequence[Factor], values: Sequence[Any]) -> str:
    """Return the name that `cross` gives to an arm."""
    return ", ".join(name_of(field, value) for (field, _), value in zip(factors, values, strict=True))

"""The kinds of a config's fields: each has the kind of its default, and another is refused by the field's name."""

from typing import get_origin, get_type_hints, is_typeddict

import pytest

from configs.base import MODELS, base
from research.results.identity import config_as_json, flat
from research.results.schemas import WholeConfig, refuse_another_shape

BASES = {name: base(model()) for name, model in MODELS.items()}


def kinds(schema, prefix=""):
    """Return field -> the kind that the schema gives it."""
    found = {}
    for name, kind in get_type_hints(schema).items():
        found |= kinds(kind, f"{prefix}{name}.") if is_typeddict(kind) else {prefix + name: get_origin(kind) or kind}
    return found


def test_every_field_has_the_kind_of_its_default():
    of_defaults = {}
    for config in BASES.values():
        for field, value in flat(config_as_json(config)).items():
            of_defaults[field] = tuple if field == "data.languages" else type(value)
    named_by_a_person = {"data.tests": dict, "data.sha256": dict}
    assert kinds(WholeConfig) == of_defaults | named_by_a_person


@pytest.mark.parametrize(
    ("section", "field", "value", "said"),
    [
        ("model", "cell", None, "model.cell: expected `str`, got `null`"),
        ("model", "heads", "8", "model.heads: expected `int`, got `str`"),
        ("data", "languages", ["de"], "data.languages: expected `array` of length 2, got 1"),
        ("training", "steps", [7], "training.steps: expected `int`, got `array`"),
        ("evaluation", "length_bins", [1, "x"], "evaluation.length_bins[1]: expected `int`, got `str`"),
    ],
)
def test_another_kind_is_refused_by_the_name_of_the_field(section, field, value, said):
    config = config_as_json(BASES["transformer"])
    config[section][field] = value
    with pytest.raises(ValueError, match=r"^config\.json is damaged: ") as error:
        refuse_another_shape(config, WholeConfig, "config.json")
    assert said in str(error.value)


def test_a_whole_number_stands_for_a_float():
    config = config_as_json(BASES["transformer"])
    config["training"]["learning_rate"] = 1
    refuse_another_shape(config, WholeConfig, "config.json")

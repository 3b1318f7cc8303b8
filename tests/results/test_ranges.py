"""The ranges of a config's numbers: every number has one, every config is within, and what is outside is said."""

import math
from pathlib import Path

import pytest

from configs.base import MODELS, base
from configs.command_line import load
from configs.launchers import CONFIGS as LAUNCHERS
from research.results.identity import config_as_json, config_from_json, flat
from research.results.ranges import RANGES, Range, refuse_out_of_range

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
BASES = {name: base(model()) for name, model in MODELS.items()}


def numbers(config):
    return {name: of for name, of in flat(config_as_json(config)).items() if type(of) in (int, float)}


def test_every_number_of_a_config_has_a_range_and_every_range_a_number():
    launchers = {f"launcher.{name}" for make in LAUNCHERS.values() for name in numbers(make())}
    assert set().union(*map(numbers, BASES.values()), launchers) == RANGES.keys()


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.py")), ids=lambda file: file.stem)
def test_every_config_is_within_the_ranges(file):
    if "def get_config" not in file.read_text("utf-8"):
        return
    for architecture in MODELS:
        try:
            config = load(f"{file}:{architecture}")
        except ValueError:
            continue  # not every file has every model
        refuse_out_of_range(config)


def test_the_ends_of_a_range():
    shares, rates, above = Range(0, 1), Range(0, 1, below=True), Range(0, above=True)
    assert [value in shares for value in (-1e-9, 0, 0.5, 1, 1.0001)] == [False, True, True, True, False]
    assert [value in rates for value in (0, 1)] == [True, False]
    assert [value in above for value in (0, 1e-300, 1e300)] == [False, True, True]
    for each in (shares, rates, above, Range(0)):
        assert not any(value in each for value in (math.nan, math.inf, -math.inf, None, "1"))


@pytest.mark.parametrize("field", [field for field in RANGES if not field.startswith("launcher.")])
def test_what_is_outside_is_said_by_its_name_and_value(field):
    config = next(config for config in BASES.values() if field in numbers(config))
    values = config_as_json(config)
    section, _, name = field.rpartition(".")
    owner = values
    for part in filter(None, section.split(".")):
        owner = owner[part]
    owner[name] = -1 if isinstance(owner[name], int) else -1.0
    with pytest.raises(ValueError) as error:
        refuse_out_of_range(config_from_json(values))
    assert str(error.value) == f"{field}={owner[name]} must be {RANGES[field]}"


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_number_of_a_launcher_is_held_to_its_range(name):
    refuse_out_of_range(LAUNCHERS[name](), "launcher")
    for field in numbers(LAUNCHERS[name]()):
        config = LAUNCHERS[name]()
        config[field] = -1
        with pytest.raises(ValueError, match=rf"^launcher\.{field}=-1 must be at least [01]$"):
            refuse_out_of_range(config, "launcher")


def test_a_whole_number_has_32_bits():
    config = base(MODELS["luong"]())
    config.training.steps = 2**31 - 1
    refuse_out_of_range(config)
    config.training.steps = 2**31
    with pytest.raises(ValueError, match=r"training\.steps=2147483648 must be at most 2147483647"):
        refuse_out_of_range(config)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("training.learning_rate", "above 0"),
        ("training.decay_share", "above 0 and at most 1"),
        ("model.dropout", "at least 0 and below 1"),
        ("data.embedded.clauses", "at least 1 and at most 8"),
        ("seed", "at least 0 and below 4294967296"),
        ("evaluation.beam", "at least 1"),
    ],
)
def test_a_range_in_words(field, words):
    assert str(RANGES[field]) == words

"""What every file of experiments/ promises: its arms differ where they say, and nowhere else."""

from importlib import import_module
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from configs.command_line import paths

FOLDER = Path(__file__).resolve().parents[2] / "experiments"
QUESTIONS = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem != "__init__")


def values(config):
    flat = {path: path_value(config, path) for path in paths(config)}
    return {path: value for path, value in flat.items() if not isinstance(value, ConfigDict)}


def path_value(config, path):
    for name in path.split("."):
        config = config[name]
    return config


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_says_what_it_asks(name):
    question = import_module(f"experiments.{name}")
    assert question.__doc__.endswith("?")
    assert question.QUESTION.endswith("?")
    assert question.CLAIM
    assert question.SOURCE
    assert question.MEASURE
    assert question.BASE.is_locked
    assert len(question.ARMS) > 1


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_arm_differs_from_its_base_in_the_named_fields_only(name):
    question = import_module(f"experiments.{name}")
    base = values(question.BASE)
    for arm, changes in question.ARMS.items():
        config = question.BASE.copy_and_resolve_references()
        config.update_from_flattened_dict(changes)
        changed = {path for path, value in values(config).items() if value != base[path]}
        assert changed == changes.keys(), arm

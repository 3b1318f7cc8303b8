"""Configs as the command line makes them."""

from pathlib import Path

import pytest

from configs.base import MODELS
from configs.command_line import ConfigError, load, override, paths

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in (ROOT / "configs").glob("*.py") if "def get_config" in path.read_text("utf-8"))


def embedded(*arguments, architecture="luong"):
    config, rest = override(load(f"{ROOT}/configs/embedded.py:{architecture}"), arguments)
    assert rest == []
    return config


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("architecture", MODELS)
def test_every_file_answers_every_architecture(file, architecture):
    config = load(f"{file}:{architecture}")
    assert config.is_locked
    assert config.model.decoder == MODELS[architecture]().decoder


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_has_an_architecture_of_its_own(file):
    assert load(str(file)).is_locked


@pytest.mark.parametrize("architecture", MODELS)
def test_layers_moves_both_sides(architecture):
    model = embedded("--config.model.layers=3", architecture=architecture).model
    assert (model.layers, model.encoder_layers, model.decoder_layers) == (3, 3, 3)


@pytest.mark.parametrize("architecture", MODELS)
def test_one_side_moves_alone(architecture):
    """Else an arm that names the encoder's depth would differ in the decoder's too."""
    layers = embedded(architecture=architecture).model.layers
    model = embedded("--config.model.encoder_layers=5", architecture=architecture).model
    assert (model.layers, model.encoder_layers, model.decoder_layers) == (layers, 5, layers)


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--config.training.learning_rate=1"], "training.learning_rate", 1.0),
        (["--config.training.learning_rate=1e-4"], "training.learning_rate", 1e-4),
        (["--config.training.steps", "7"], "training.steps", 7),
        (["--config.training.steps=7", "--config.training.steps=11"], "training.steps", 11),
        (["--config.data.lowercase"], "data.lowercase", True),
        (["--config.data.lowercase=true"], "data.lowercase", True),
        (["--noconfig.data.vocabulary.joint"], "data.vocabulary.joint", False),
        (["--config.data.root=a=b"], "data.root", "a=b"),
        (["--config.data.train=('a.en', 'a.de')"], "data.train", ("a.en", "a.de")),
        (["--config.evaluation.length_bins=(3, 7)"], "evaluation.length_bins", (3, 7)),
        (["--config.data.tests={'t': ('a', 'b')}"], "data.tests.t", ("a", "b")),
    ],
)
def test_override(arguments, field, value):
    config = embedded(*arguments)
    for name in field.split("."):
        config = config[name]
    assert config == value
    assert type(config) is type(value)


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (
            ["--config.data.languages=('a', 'b')", "--config.data.languages=('en', 'fr')"],
            "data.languages",
            ("en", "fr"),
        ),
        (
            ["--config.evaluation.length_bins=(1, 2)", "--config.evaluation.length_bins", "(3,)"],
            "evaluation.length_bins",
            (3,),
        ),
        (["--config.training.steps=many", "--config.training.steps=7"], "training.steps", 7),
        (["--config.evaluation.reordering_bins=(0, 0.5, 1)"], "evaluation.reordering_bins", (0.0, 0.5, 1.0)),
    ],
)
def test_the_last_one_of_a_field_counts_and_whole_numbers_are_floats(arguments, field, value):
    config = embedded(*arguments)
    for name in field.split("."):
        config = config[name]
    assert config == value
    assert [type(each) for each in config] == [type(each) for each in value] if isinstance(value, tuple) else True


def test_of_two_wrong_values_the_last_is_blamed():
    with pytest.raises(ConfigError, match=r"config\.training\.steps=many is refused"):
        embedded("--config.training.steps=7", "--config.training.steps=many")


def test_an_override_changes_its_field_alone():
    before, after = embedded(), embedded("--config.training.steps=7")
    assert before.training.steps != 7
    with after.unlocked():
        after.training.steps = before.training.steps
    assert after.to_dict() == before.to_dict()


def test_what_is_no_override_is_handed_back():
    _, rest = override(embedded(), ["a", "--config.seed", "3", "b", "--other=1"])
    assert rest == ["a", "b", "--other=1"]


def test_an_error_inside_a_config_file_names_it(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def get_config():\n    raise ValueError('seven is too many')\n")
    with pytest.raises(ConfigError, match=r"mine\.py: seven is too many"):
        load(str(file))


def test_paths_name_every_field_once():
    names = list(paths(embedded()))
    assert len(names) == len(set(names))
    assert {"seed", "model", "model.encoder_layers", "data.vocabulary.size"} <= set(names)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("config.model.layrs = 3", 'line 6: .*"layrs".*[Dd]id you mean "layers"'),
        ("config.training.stesp = 5", 'line 6: .*"stesp".*[Dd]id you mean "steps"'),
        ("config.training.steps = 'many'", "line 6: .*steps"),
        ("config.training.steps = +", "line 6: invalid syntax"),
        ("config.training.steps = number", "line 6: name 'number' is not defined"),
        ("import nothing_of_this_name", "line 6: No module named"),
        ("1 / 0", "line 6: division by zero"),
        ("open('nowhere')", "line 6: .*No such file"),
        ("return 3", "has to return a ConfigDict, not 3"),
    ],
)
def test_a_mistake_inside_a_file_is_one_sentence_with_its_line(tmp_path, line, said):
    file = tmp_path / "mine.py"
    before = ["from configs.base import base, luong", "", "", "def get_config():", "    config = base(luong())"]
    file.write_text("\n".join([*before, f"    {line}", "    return config", ""]))
    with pytest.raises(ConfigError, match=said) as error:
        load(str(file))
    assert "\n" not in str(error.value)


def test_all_of_what_is_loaded_is_locked():
    config = load("configs/multi30k.py:tiny")
    for part in (config, config.model, config.data, config.data.tests, config.data.sha256, config.data.vocabulary):
        with pytest.raises(AttributeError):
            part.mistyped = 1

"""Launchers' configs, and their fields on the command line."""

from dataclasses import fields

import pytest

from configs.command_line import ConfigError, override
from configs.launchers import CONFIGS, launcher
from research.ablation.launching import LAUNCHERS


def test_every_launcher_has_a_config():
    assert CONFIGS.keys() == LAUNCHERS.keys()


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_launcher_is_made_of_its_config(name):
    config = launcher(name)
    assert config.is_locked
    assert set(config) == {field.name for field in fields(LAUNCHERS[name])}
    made = LAUNCHERS[name](**config)
    assert all(getattr(made, field) == value for field, value in config.items())


def test_an_unknown_launcher_is_refused_with_the_nearest():
    with pytest.raises(
        ConfigError, match=r"no launcher 'slrum'; did you mean slurm\?; choose one of local, slurm, jobset, tpu_vm"
    ):
        launcher("slrum")


def test_fields_of_two_configs_on_one_command_line():
    arguments = ["--launcher.minutes=60", "a", "--launcher.setup=('module load cuda',)", "--config.seed=3"]
    config, rest = override(launcher("slurm"), arguments, prefix="launcher")
    assert (config.minutes, config.setup, rest) == (60, ("module load cuda",), ["a", "--config.seed=3"])
    assert launcher("slurm").minutes != 60


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--launcher.minuts=60", 'launcher has no field "minuts"; did you mean minutes?'),
        ("--launcher.minutes=long", "launcher.minutes=long is refused: the field takes a whole number, such as 240"),
        ("--launcher.minutes", "--launcher.minutes needs a value: --launcher.minutes=..."),
    ],
)
def test_what_is_wrong_is_said_of_the_launcher(argument, said):
    with pytest.raises(ConfigError) as error:
        override(launcher("slurm"), [argument], prefix="launcher")
    assert str(error.value) == said

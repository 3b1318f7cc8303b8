"""The same config with other steps or another learning rate; runs of more and fewer steps may share a trunk."""

from typing import Any

from ml_collections import ConfigDict

from research.results.identity import config_as_json, config_from_json


def halved(config: ConfigDict) -> ConfigDict:
    """Return the config with half of its steps; it keeps its trunk for the whole, where the schedule has one."""
    return with_trunk(config, steps=config.training.steps // 2)


def with_trunk(config: ConfigDict, **training: Any) -> ConfigDict:
    """Return the config with other values of these fields of `training`; it keeps its trunk, where it has one."""
    return with_training(config, keep_trunk=config.training.schedule == "wsd", **training)


def with_training(config: ConfigDict, **training: Any) -> ConfigDict:
    """Return the config with other values of these fields of `training`."""
    config = config_from_json(config_as_json(config))
    config.training.update(training)
    return config

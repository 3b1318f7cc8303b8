"""Identity of a run: the fields of its config that its numbers depend on, as JSON and as a digest."""

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

from ml_collections import ConfigDict

NO_EFFECT_ON_RESULTS = frozenset(
    ["training.strategy", "training.attention_sentences", "data.root"]
    + [f"evaluation.{name}" for name in ("beam", "length_bins", "frequency_bins", "reordering_bins")]
)
"""Fields of a config on which neither a run's weights nor what it translates by one search depend."""


def config_as_json(config: ConfigDict) -> dict[str, Any]:
    """The values of a config, references resolved, as JSON holds them."""
    return json.loads(json.dumps(config.copy_and_resolve_references().to_dict()))


def config_from_json(values: dict[str, Any]) -> ConfigDict:
    """A locked config of what `config_as_json` gave. Lists come back as tuples, as they went in."""
    return ConfigDict(_tuples(values)).lock()


def config_digest(config: ConfigDict, *, without: Collection[str], beside: Iterable[str] = ()) -> str:
    """SHA-256 of the fields of a config but for some, and of what else is to tell two apart."""
    fields = {name: value for name, value in flat(config_as_json(config)).items() if name not in without}
    return hashlib.sha256(json.dumps([*beside, fields], sort_keys=True).encode()).hexdigest()


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A config as one level: {"model.width": 256, ...}."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value

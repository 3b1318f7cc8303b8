"""Identity of a run: the config fields that its numbers depend on, compared one by one or as a digest.

Runs, answers and evidence keep their identity while the code moves on. A field that is added later has a neutral
default, at which a run is what it was before the field existed; a field that is removed stays in the identity of the
runs that had it. `ADDED`, `REMOVED` and `RENAMED` say so, and configs of old run folders are read through them.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

NO_EFFECT_ON_RESULTS = frozenset(
    ["training.strategy", "training.fsdp", "training.tensor", "model.remat"]
    + ["training.attention_sentences", "training.keep_trunk", "training.background_saves"]
    + ["data.root", "data.workers"]
    + [f"evaluation.{name}" for name in ("beam", "length_bins", "frequency_bins", "reordering_bins")]
)
"""Fields on which neither a run's weights nor its translations by one search depend."""


class Field(NamedTuple):
    """A field that not every run folder has.

    Args:
        default: the value at which it changes nothing.
        beside: a field that every config with this one has, such as "model.cell" for a field of recurrent models.
    """

    default: Any
    beside: str


ADDED: dict[str, Field] = {
    "model.residual": Field(default=False, beside="model.cell"),
    "model.remat": Field(default=False, beside="model.decoder"),
    "model.scan_layers": Field(default=False, beside="model.ffn"),
    "data.stream_pairs": Field(default=1_000_000, beside="data.batch_tokens"),
    "data.workers": Field(default=2, beside="data.batch_tokens"),
    "training.fsdp": Field(default=1, beside="training.steps"),
    "training.tensor": Field(default=1, beside="training.steps"),
    "training.decay_share": Field(default=0.2, beside="training.steps"),
    "training.keep_trunk": Field(default=False, beside="training.steps"),
    "training.background_saves": Field(default=False, beside="training.steps"),
}
"""Fields that came after the first runs were named: left out of the identity at their default."""
REMOVED: dict[str, Field] = {}
"""Fields that are gone: their default stays in the identity, and a run with another value cannot be read any more."""
RENAMED: dict[str, str] = {"model.kernel": "model.form", "model.learned_positions": "model.places"}
"""Today's name of a field -> the name that identities know it by."""


def config_as_json(config: ConfigDict) -> dict[str, Any]:
    """Return the values of a config, references resolved, as JSON holds them."""
    return json.loads(json.dumps(config.copy_and_resolve_references().to_dict()))


def config_from_json(values: Mapping[str, Any]) -> ConfigDict:
    """Return the locked config of `config_as_json`'s values, with today's fields. Lists come back as tuples.

    Raises:
        ValueError: for a removed field with a value that today's code cannot give.
    """
    fields = flat(values)
    changed = {}
    for name, old in RENAMED.items():
        if old in fields:
            changed[name], changed[old] = fields[old], None
    for name, field in ADDED.items():
        if name not in fields and field.beside in fields:
            changed[name] = field.default
    for name, field in REMOVED.items():
        if name in fields:
            if fields[name] != field.default:
                raise ValueError(
                    f"{name}={fields[name]!r} was removed from Lookback, which computes only {field.default!r} now: "
                    "use the version that trained this run (`commit` in its provenance.json)"
                )
            changed[name] = None
    config = ConfigDict(_tuples(values))
    for name, value in changed.items():
        section, _, last = name.rpartition(".")
        owner = config[section] if section else config
        if value is None:
            del owner[last]
        else:
            owner[last] = value
    return config.lock()


def identity(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a config, given as JSON, by the names and with the gaps of when runs were first named."""
    fields = {RENAMED.get(name, name): value for name, value in flat(values).items()}
    for name, field in ADDED.items():
        if name in fields and fields[name] == field.default:
            del fields[name]
    for name, field in REMOVED.items():
        if field.beside in fields:
            fields.setdefault(name, field.default)
    return fields


def config_digest(config: ConfigDict, *, without: Collection[str], beside: Iterable[str] = ()) -> str:
    """Return the SHA-256 of a config's identity.

    Args:
        without: fields to leave out.
        beside: strings that tell apart what is done with the config, such as "train" or "time".
    """
    fields = {name: value for name, value in identity(config_as_json(config)).items() if name not in without}
    return hashlib.sha256(json.dumps([*beside, fields], sort_keys=True).encode()).hexdigest()


def differing_fields(
    one: Mapping[str, Any], other: Mapping[str, Any], *, besides: Collection[str] = ()
) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two configs, given as JSON, are not the same run, with both values.

    Args:
        besides: further fields that may differ, such as "seed". A field that a config lacks is None.
    """
    a, b = identity(one), identity(other)
    names = sorted((a | b).keys() - NO_EFFECT_ON_RESULTS - set(besides))
    return {name: (a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)}


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a config as one level: {"model.width": 256, ...}."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value

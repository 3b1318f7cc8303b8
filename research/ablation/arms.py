"""The arms of an experiment as data: what varies, crossed, chained, side by side or drawn at random.

    vary("model.layers", 1, 2, 3)                              three arms
    cross(vary("model.reader", "none", "luong"), vary("model.width", 32, 64))    four
    chain(vary("model.heads", 1, 2), named("alike", {"model.head_spread": 0.0}))  three
    together(vary("model.width", 32, 64), vary("model.ffn", 128, 256))           two
    subsample(cross(...), 20, seed=0)                                            twenty, at random

Arms are a dict, name -> {dotted field of a config: value}; the base with these fields changed, and no others. A value
such as "×2" is so many times the config's own, so that twice the width is twice the width on every corpus.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from itertools import product
from random import Random
from typing import Any

from ml_collections import ConfigDict

from research.results.identity import flat

Fields = Mapping[str, Any]
Arms = dict[str, Fields]

ARCHITECTURE = "architecture"
"""A name in an arm that is not a field of the config: the model of a config file that the arm begins from."""
TIMES = "×"
BUDGET = "budget"
"""Another: how many times the steps of its config an arm has, or, where arms are matched by a cost, times the cost."""


def vary(field: str, *values: Any) -> Arms:
    """Return an arm for each value of a field, in their order, named by `name_of`."""
    if len(set(map(repr, values))) < len(values) or not values:
        raise ValueError(f"vary({field!r}) needs values, each of them once; it has {list(values)}")
    return {name_of(field, value): {field: value} for value in values}


def together(*factors: Arms) -> Arms:
    """Return the first arms of all factors as one, then the second ones, ...; ValueError if one has more of them."""
    sizes = [len(factor) for factor in factors]
    if len(set(sizes)) != 1:
        raise ValueError(f"together() needs factors with as many arms each; they have {sizes}")
    return chain(*(cross(*(dict([each]) for each in row)) for row in zip(*(of.items() for of in factors), strict=True)))


def subsample(arms: Arms, number: int, *, seed: int) -> Arms:
    """Return so many of the arms, drawn at random and in their order, where all of them would cost too much."""
    if not 0 < number <= len(arms):
        raise ValueError(f"subsample() draws 1 to {len(arms)} of {len(arms)} arms, not {number}")
    drawn = Random(seed).sample(list(arms), number)
    return {name: fields for name, fields in arms.items() if name in drawn}


def named(name: str, fields: Fields) -> Arms:
    """Return one arm under a name of its own."""
    return {name: dict(fields)}


def cross(*factors: Arms) -> Arms:
    """Return every combination of arms, the last factor fastest; ValueError where two factors set one field."""
    arms: Arms = {}
    for combination in product(*(factor.items() for factor in factors)):
        fields: dict[str, Any] = {}
        for _, more in combination:
            if twice := sorted(fields.keys() & more.keys()):
                raise ValueError(f"cross() sets {twice[0]} in two factors: an arm would be what only one of them says")
            fields |= more
        arms |= named(", ".join(name for name, _ in combination), fields)
    return arms


def chain(*parts: Arms) -> Arms:
    """Return arms one after another; ValueError where two parts name or set the same: an arm would count twice."""
    arms: Arms = {}
    for part in parts:
        for name, fields in part.items():
            if name in arms or fields in arms.values():
                raise ValueError(f"chain() has the arm {name!r} twice")
            arms[name] = fields
    return arms


def name_of(field: str, value: Any) -> str:
    """Name an arm after a field: `general`, `layers=2`, `input feeding` or `no input feeding`."""
    name = field.rpartition(".")[2]
    if isinstance(value, bool):
        return ("" if value else "no ") + name.replace("_", " ")
    return value if isinstance(value, str) and not value.startswith(TIMES) else f"{name}={value}"


def build(get_config: Callable[[str], ConfigDict], architecture: str, *changes: Fields) -> ConfigDict:
    """Build the locked config of an arm: the architecture's, with `changes` made one after another.

    ValueError for a field that the config lacks, with the nearest, or a value of another kind than the field's.
    """
    given = {name: value for fields in changes for name, value in fields.items()}
    config = get_config(given.get(ARCHITECTURE, architecture))
    for fields in changes:
        for field, value in fields.items():
            if field not in (ARCHITECTURE, BUDGET):
                _set(config, field, value)
    return config


def _set(config: ConfigDict, field: str, value: Any) -> None:
    known = flat(config.to_dict())
    if field not in known:
        last = field.rpartition(".")[2]
        near = [name for name in known if name.rpartition(".")[2] == last] or get_close_matches(field, known)
        raise ValueError(f"no config has a field {field!r}{f'; did you mean {near[0]}?' if near else ''}")
    section, _, name = field.rpartition(".")
    if isinstance(value, str) and value.startswith(TIMES):
        value = _times(field, known[field], value)
    owner = config
    for part in filter(None, section.split(".")):
        owner = owner[part]
    try:
        owner[name] = value
    except TypeError:
        raise ValueError(
            f"{field} takes {type(known[field]).__name__}, such as {known[field]!r}, not {value!r}"
        ) from None


def _times(field: str, own: Any, value: str) -> Any:
    """Return so many times the config's own number, a whole one where that is."""
    try:
        found = own * float(value.removeprefix(TIMES))
        if isinstance(own, bool) or not own or found != type(own)(found):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{field} is {own!r}, of which {value!r} is no such number: write it out") from None
    return type(own)(found)

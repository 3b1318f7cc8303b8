"""The parts of a verb: its flags with their help, and the values that they take."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from research.files import expanded

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
"""Platforms that JAX lowers programs for."""
TRACKERS = ("wandb", "mlflow", "trackio")
"""Trackers of metrics: their packages, and the extras of pyproject.toml that install them."""

MOST_DIGITS = 10  # a seed has no more
MOST_SEEDS = 10_000


class Flag(NamedTuple):
    """A flag, or a positional argument where the name has no dashes; `options` are those of argparse."""

    name: str
    options: Mapping[str, Any]


class Verb(NamedTuple):
    """A verb of the command line.

    Args:
        summary: one line of `python run.py --help`.
        usage: the flags that matter, in one line.
        description: what the verb does, above its flags.
        examples: command lines without `python run.py`.
        flags: its flags; of those in an inner tuple at most one may be given.
        overrides: configs whose fields `--NAME.FIELD=VALUE` may set.
        excludes: flag -> flags that may not be given with it.
        requires: flag -> the flags of which one has to be given with it, or it means nothing.
    """

    summary: str
    usage: str
    description: str
    examples: tuple[str, ...]
    flags: tuple[Flag | tuple[Flag, ...], ...]
    overrides: tuple[str, ...] = ()
    excludes: Mapping[str, tuple[str, ...]] = {}
    requires: Mapping[str, tuple[str, ...]] = {}


def flag(name: str, help: str, **options: Any) -> Flag:
    """Return a flag with its help text and argparse's options."""
    return Flag(name, {"help": help, **options})


def path(text: str) -> Path:
    """Parse a path; ~ is the home folder, as in data.root."""
    if not text:
        raise ArgumentTypeError("'' is no file or folder: name one, and for the one you are in, .")
    try:
        return expanded(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def new_file(text: str) -> Path:
    """Parse the path of a file that is to be written, in a folder that is there."""
    file = path(text)
    if not file.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {file.parent}: make it, or name a file in another one")
    if file.is_dir():
        raise ArgumentTypeError(f"{file} is a folder: name a file in it")
    return file


def count(text: str) -> int:
    """Parse a whole number of at least 1."""
    _refuse_digits(text)
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def index(text: str) -> int:
    """Parse a whole number that counts from 0."""
    _refuse_digits(text)
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def price(text: str) -> float:
    """Parse an amount of money above 0."""
    try:
        amount = float(text)
    except ValueError:
        amount = 0.0
    if not 0 < amount < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no price: give a number above 0, such as 2.5")
    return amount


def numbers(text: str) -> tuple[int, ...]:
    """Parse whole numbers, such as the seeds 0,1,2."""
    parts = text.split(",")
    for part in parts:
        _refuse_digits(part)
    if not all(part.isdecimal() for part in parts):
        raise ArgumentTypeError(f"{text!r}: expected comma-separated whole numbers, e.g. 0,1,2")
    return tuple(map(int, parts))


def _refuse_digits(text: str) -> None:
    if len(text) > MOST_DIGITS and text.isdecimal():
        raise ArgumentTypeError(f"{text[:MOST_DIGITS]}... has {len(text)} digits: give a smaller number")


def platforms(text: str) -> tuple[str, ...]:
    """Parse JAX's names of platforms, such as cpu,cuda."""
    return _names(text, PLATFORMS, "platform")


def trackers(text: str) -> tuple[str, ...]:
    """Parse names of trackers, such as wandb,mlflow."""
    return _names(text, TRACKERS, "tracker")


def _names(text: str, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
    """Parse names of a kind, each of them known and given once."""
    found = tuple(text.split(","))
    for name in found:
        if name not in known:
            raise ArgumentTypeError(f"{name!r} is no {kind}: choose of {', '.join(known)}")
    if len(set(found)) < len(found):
        raise ArgumentTypeError(f"{text!r} names a {kind} twice")
    return found


def looks(text: str) -> tuple[int, ...]:
    """Parse the numbers of seeds after which a plan looks, such as 5,10,20."""
    found = numbers(text)
    if found[0] < 3 or any(later <= earlier for earlier, later in pairwise(found)):
        raise ArgumentTypeError(f"{text!r}: expected growing numbers of seeds, 3 at least, e.g. 5,10,20")
    if found[-1] > MOST_SEEDS:
        raise ArgumentTypeError(f"{text!r}: a plan can have {MOST_SEEDS} seeds at most")
    return found

"""A config from the command line: a file, the architecture in it, and overrides of its fields.

    config = load("configs/multi30k.py:luong")
    config, rest = override(config, ["--config.model.layers=3", "other"])
    config, rest = override(launcher, ["--launcher.minutes=60"], prefix="launcher")

A mistake in either is a `ConfigError` of one sentence, with the nearest names where one was mistyped.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from absl import flags
from ml_collections import ConfigDict
from ml_collections.config_flags import config_flags

from configs.parser import UsageError
from research.files import expanded
from research.results.calibration import Calibration


def override_of(prefix: str) -> re.Pattern[str]:
    """Return the pattern of arguments that set a field of the config called `prefix`."""
    return re.compile(rf"--?(?:no)?{prefix}\.(?P<field>[^=]*)(?:=.*)?", re.DOTALL)


CHECKOUT = Path(__file__).resolve().parent.parent
OVERRIDE = override_of("config")
OPEN = ("data.tests", "data.sha256")
"""Sections whose fields a person names, so that all of them may be set at once."""


class ConfigError(UsageError):
    """A config that cannot be made; the message says what to change."""


def load(name: str) -> ConfigDict:
    """Return the locked config of `file.py`, or of `file.py:architecture`."""
    file, colon, architecture = name.partition(":")
    module = _module(file)
    try:
        config = module.get_config(*([architecture] if colon else []))
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(_wrong_file(Path(file), error)) from error
    if not isinstance(config, ConfigDict):
        raise ConfigError(f"{file}: get_config() has to return a ConfigDict, not {config!r}")
    config.unlock()  # or what is unlocked inside of it would stay so
    return config.lock()


def calibration(file: str) -> Calibration | None:
    """Return what a config file declares of its baseline; None where it declares nothing."""
    declared = getattr(_module(file), "CALIBRATION", None)
    if declared is not None and not isinstance(declared, Calibration):
        raise ConfigError(f"{file}: CALIBRATION has to be a research.results.calibration.Calibration, not {declared!r}")
    return declared


def _module(file: str) -> ModuleType:
    """Return a config file as a module; the message of a `ConfigError` says what is wrong with it."""
    try:
        path = expanded(file)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if not path.is_file():
        path = CHECKOUT / file  # so that a command works in any folder
    if not path.is_file():
        folder = Path(__file__).parent
        near = get_close_matches(path.name, [entry.name for entry in folder.glob("*.py")], n=3)
        hint = f"did you mean {' or '.join(f'configs/{entry}' for entry in near)}?" if near else f"see {folder.name}/"
        raise ConfigError(f"no config file {file!r}; {hint}")
    spec = spec_from_file_location(f"config_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} is not a Python file; a config file ends in .py and defines get_config()")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(_wrong_file(path, error)) from error
    if not hasattr(module, "get_config"):
        raise ConfigError(f"{file} does not define get_config(), so it is no config file")
    return module


def override(config: ConfigDict, arguments: Sequence[str], prefix: str = "config") -> tuple[ConfigDict, list[str]]:
    """Apply the `--prefix.field=value` among `arguments`; return the locked config and the other arguments."""
    fields = list(paths(config))
    for argument in arguments:
        match = override_of(prefix).fullmatch(argument)
        if match and match["field"] not in fields:
            raise ConfigError(f'{prefix} has no field "{match["field"]}"{nearest(match["field"], fields)}')
    given = fields_set(arguments, prefix)
    for section in given:
        if isinstance(value := _value(config, section), ConfigDict) and section not in OPEN:
            raise ConfigError(_is_section(f"{prefix}.{section}", value))
        if inner := [field for field in given if field.startswith(f"{section}.")]:
            raise ConfigError(f"{prefix}.{section} and its {prefix}.{inner[0]} are both set: leave one out")
    before = {field: _value(config, field) for field in fields}
    values = flags.FlagValues()
    # The whole config is one flag, and `sys_argv` tells it which of its fields to make flags of.
    config_flags.DEFINE_config_dict(prefix, config, flag_values=values, sys_argv=["", *arguments])
    known, rest = _ours(config, arguments, prefix)
    try:
        values(["", *known])
    except (flags.Error, ValueError, TypeError) as error:
        raise ConfigError(_wrong_value(config, known, error, prefix)) from error
    for section in {*OPEN}.intersection(given):
        held = _value(config, section)
        if wrong := [name for name in held if not isinstance(name, str)] if isinstance(held, ConfigDict) else []:
            raise ConfigError(f"{prefix}.{section} has a name that is no text, {wrong[0]!r}: put it in quotes")
    _set_tuples(before, config, prefix)
    return config, rest


def fields_set(arguments: Sequence[str], prefix: str) -> list[str]:
    """Return the fields below `prefix`, such as "config.model", that the overrides among `arguments` set."""
    matches = (override_of(prefix).fullmatch(argument) for argument in arguments)
    return list(dict.fromkeys(match["field"] for match in matches if match))


def paths(config: ConfigDict, prefix: str = "") -> Iterator[str]:
    """Yield every dotted path in `config`, sections included."""
    for name, value in config.items():
        yield prefix + name
        if isinstance(value, ConfigDict):
            yield from paths(value, f"{prefix}{name}.")


def nearest(name: str, names: Sequence[str]) -> str:
    """Return a hint such as `; did you mean model.layers?`, or "" where nothing is near."""
    last = name.rpartition(".")[2]
    # A field put in the wrong section is as near as one misspelt.
    near = [other for other in names if other.rpartition(".")[2] == last][:3]
    near = near or get_close_matches(name, names, cutoff=0.8) or get_close_matches(name, names, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _ours(config: ConfigDict, arguments: Sequence[str], prefix: str) -> tuple[list[str], list[str]]:
    """Split arguments into overrides, each as one `--prefix.field=value`, and the rest.

    Of a field that is given twice the last one counts; the parser would join tuples.
    """
    ours: dict[str, str] = {}
    rest, waiting = [], None
    for argument in arguments:
        match = override_of(prefix).fullmatch(argument)
        if waiting:
            ours[waiting["field"]] = f"{waiting.string}={argument}"
            waiting = None
        elif match is None:
            rest.append(argument)
        elif "=" in argument or isinstance(_value(config, match["field"]), bool):
            ours[match["field"]] = argument
        else:
            waiting = match
    if waiting:
        raise ConfigError(f"{waiting.string} needs a value: {waiting.string}=...")
    return list(ours.values()), rest


def _wrong_file(path: Path, error: Exception) -> str:
    """Return the place and reason of a mistake in a config file; ml_collections names the nearest field itself."""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if Path(frame.filename).name == path.name]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    # str() of a KeyError is quoted, and that of a SyntaxError says the line again.
    why = error.args[0] if isinstance(error, KeyError | SyntaxError) and error.args else error
    line = f", line {lines[-1]}" if lines and type(error) is not ValueError else ""
    return " ".join(f"{path}{line}: {why}".split())


def _value(config: ConfigDict, path: str) -> object:
    for name in path.split("."):
        config = config[name]
    return config


def _wrong_value(config: ConfigDict, overrides: Sequence[str], error: Exception, prefix: str) -> str:
    """Say which override was refused, and the values that its field takes."""
    for argument in overrides:
        match = override_of(prefix).fullmatch(argument)
        name = argument.partition("=")[0]
        if match and f"flag {name}=" in str(error):
            value = _value(config, match["field"])
            if isinstance(value, ConfigDict):
                return _is_section(name.lstrip("-"), value)
            kinds = {int: "a whole number", float: "a number", bool: "true or false", tuple: "a tuple"}
            kind = kinds.get(type(value), "another kind of value")
            return f"{argument.lstrip('-')} is refused: the field takes {kind}, such as {value!r}"
    return " ".join(str(error).split())


def _is_section(name: str, section: ConfigDict) -> str:
    return f"{name} is a section; set its fields, such as --{name}.{next(iter(section), '...')}=..."


def _set_tuples(before: dict[str, object], config: ConfigDict, prefix: str) -> None:
    """Refuse a tuple whose elements changed their kind, which ml_collections does not check; 0 is a float as well."""
    for field in before.keys() & paths(config):  # a section that is set as a whole may have lost some
        old, new = before[field], _value(config, field)
        if not (isinstance(old, tuple) and isinstance(new, tuple)):
            continue
        old = old or ("",)  # those of launchers that are empty take texts
        kind = type(old[0])
        if kind is float:
            new = tuple(float(each) if type(each) is int else each for each in new)
        wrong = [element for element in new if type(element) is not kind]
        if wrong:
            raise ConfigError(f"{prefix}.{field}={new} is refused: {wrong[0]!r} is not of the kind of {old}")
        if kind is float:
            with config.unlocked():
                config.update_from_flattened_dict({field: new})

"""The parser of the command line: a verb's flags in, or one sentence on what to type instead."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from configs.flags import Flag, Verb
from configs.verbs import VERBS

EPILOG = """\
exit codes: 0 done · 1 could not be done · 2 the command line is wrong · 75 one of several processes was lost
            130 interrupted
One sentence on stderr says why; LOOKBACK_DEBUG=1 shows where it came from.
After an interruption, by Ctrl-C or SIGTERM, train goes on by the same command, and ablate with --resume."""


class UsageError(ValueError):
    """A mistake in the command line; the message says what to type instead, and the hint where more is said."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = ""):
        super().__init__(message)
        self.hint = hint


class Given(NamedTuple):
    """A parsed command line: the flags by name, and the overrides of configs as they were typed."""

    flags: Namespace
    overrides: list[str]


def read(name: str, arguments: Sequence[str]) -> Given:
    """Parse the arguments of a verb.

    Raises:
        UsageError: for an unknown or missing flag, a bad value, or flags that contradict each other.
        SystemExit: after `--help`.
    """
    verb, parser = VERBS[name], _Parser(name, VERBS[name])
    parser.refuse_unknown(arguments)
    flags, others = parser.parse_known_args(arguments)
    if others and not verb.overrides:
        parser.error(f"unexpected argument {others[0]!r}")
    given = {flag for flag, value in vars(flags).items() if value is not None and value is not False}
    for one, excluded in verb.excludes.items():
        for other in excluded:
            if {one, other} <= given:
                parser.error(f"--{one} and --{other} do not go together: leave one out")
    for one, needed in verb.requires.items():
        if one in given and not given & set(needed):
            parser.error(f"--{one} means something only with --{' or --'.join(needed)}: give both, or leave it out")
    return Given(flags, others)


def refuse(name: str, message: str) -> NoReturn:
    """Raise a UsageError that also names the verb's help."""
    raise UsageError(message, hint=f"python run.py {name} --help lists what it takes")


def overview() -> str:
    """Return the text of `python run.py --help`."""
    verbs = "\n".join(f"  {name:<10} {verb.summary}" for name, verb in VERBS.items())
    return f"""\
usage: python run.py VERB [flags]

Lookback answers questions about attention in neural machine translation by experiment.

verbs:
{verbs}

A run folder holds all that evaluate, translate, export, compare and report need: move it where you like.
`python run.py VERB --help` has the verb's flags and examples.

{EPILOG}
"""


class _Parser(ArgumentParser):
    """The parser of one verb. A mistake is one sentence, with the nearest flag where one was mistyped."""

    def __init__(self, name: str, verb: Verb):
        examples = "\n".join(f"  python run.py {example}" for example in verb.examples)
        super().__init__(
            prog=f"python run.py {name}",
            usage=f"python run.py {name} {verb.usage}",
            description=verb.description,
            epilog=f"examples:\n{examples}\n\n{EPILOG}",
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._name, self._overrides = name, verb.overrides
        for each in verb.flags:
            if isinstance(each, Flag):
                self.add_argument(each.name, **each.options)
            else:
                group = self.add_mutually_exclusive_group()
                for one in each:
                    group.add_argument(one.name, **one.options)

    def print_help(self, file: Any = None) -> None:
        """Print the help; argparse would pass over a disk that is full."""
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        refuse(self._name, message)

    def refuse_unknown(self, arguments: Sequence[str]) -> None:
        """Raise for an unknown flag. argparse would speak of a missing flag where one was mistyped."""
        from configs.command_line import nearest, override_of

        known = self._option_string_actions
        patterns = [override_of(config) for config in self._overrides]
        for argument in arguments:
            name = argument.partition("=")[0]
            if name.startswith("--") and name not in known and not any(p.fullmatch(argument) for p in patterns):
                self.error(f"no flag {name}{nearest(name, list(known))}")

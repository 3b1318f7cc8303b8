"""How a benchmark begins and ends: with the processes that it started, and with one sentence if something is wrong."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from research.parallel.endings import ending, interrupt_on_signals


def run(main: Callable[[Sequence[str]], int], name: str) -> NoReturn:
    """Run a benchmark with the arguments of the command line, and exit.

    SIGTERM and SIGINT raise KeyboardInterrupt, on which `subprocess` ends the process that is being measured.

    Args:
        main: the benchmark; returns the exit code.
        name: the benchmark in words, for the sentence.
    """
    interrupt_on_signals(name)
    try:
        sys.exit(main(sys.argv[1:]))
    except (Exception, KeyboardInterrupt) as error:
        last = ending(error, name)
        print(f"error: {last.sentence}", file=sys.stderr)
        sys.exit(last.code)

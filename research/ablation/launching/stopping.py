"""Ctrl-C and SIGTERM, noted instead of obeyed."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_requested(at_once: Callable[[], None]) -> Iterator[list[int]]:
    """A list of the SIGINT and SIGTERM that came; `at_once` is called as each does. Of the main thread only."""
    received: list[int] = []

    def note(number: int, frame: Any) -> None:
        received.append(number)
        at_once()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def children_hear_ctrl_c() -> Iterator[None]:
    """Processes that begin in here can be interrupted, even if we were started in the background of a shell, which has
    SIGINT ignored then: that would be inherited, and submitit cancels its local jobs by SIGINT."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

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

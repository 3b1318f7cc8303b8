"""A bar on a terminal that counts sentences, and is gone when they are done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(console: Console, what: str, sentences: int) -> Iterator[Callable[[int], None]]:
    """Gives what to call with each number of sentences done; shows nothing where `console` is no terminal."""
    columns = TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=sentences)
        yield lambda done: bar.advance(task, done)

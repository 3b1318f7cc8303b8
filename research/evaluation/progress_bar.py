"""A progress bar that counts sentences on a terminal and disappears when they are done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(console: Console, title: str, sentences: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a bar until the context ends, or nothing if `console` is not a terminal; None: nobody knows how many.

    Yields:
        A function to call with each number of sentences that were finished.
    """
    columns = TextColumn(title), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=sentences)
        yield lambda done: bar.advance(task, done)

"""Work beside training: one piece at a time in a thread of its own, and what fails there is raised in training."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """A worker that has at most one piece of work.

    Args:
        beside: False to do each piece at once instead, in the thread that gives it.
    """

    def __init__(self, *, beside: bool):
        self._worker = ThreadPoolExecutor(1, "background") if beside else None
        self._begun: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Begin `work`, after what was begun before has ended; its exception is raised here, and `work` is not done."""
        self.wait()
        if self._worker is None:
            work()
        else:
            self._begun = self._worker.submit(work)

    def wait(self) -> None:
        """Wait for what was begun, and raise its exception, once."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.result()

    def close(self) -> None:
        """Wait for what was begun, whatever becomes of it."""
        if self._worker is not None:
            self._worker.shutdown()

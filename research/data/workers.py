"""Processes beside the one that trains: they tokenise or read training pairs, and end when it does."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import parent_process
from threading import Thread
from typing import TypeVar

MOST_PROCESSES = 8  # that tokenise: each holds a chunk of text, and another one waits for it

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, most: int = MOST_PROCESSES
) -> Iterator[Result]:
    """Yield `function(task)` of each task, in order, computed in other processes, a CPU core each.

    Tasks are asked for as they are needed, so that few of them are in memory.

    Args:
        function: a function that can be pickled.
        tasks: what it is called with; they can be pickled.
        most: processes, if there are as many cores.

    Raises:
        OSError: a process was killed.
    """
    processes, others = min(cores(), most), multiprocessing.active_children()
    pending: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
    ) as pool:
        try:
            for task in tasks:
                with without_signals():
                    pending.append(pool.submit(function, task))
                if len(pending) > processes:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise OSError(
                "a process that prepares the training pairs was killed: see whether memory is short, and give the same "
                "command again"
            ) from error
        except BaseException:  # do not wait for what nobody needs any more
            for process in set(multiprocessing.active_children()) - set(others):
                process.kill()
            raise


@contextmanager
def without_signals() -> Iterator[None]:
    """Start processes within the context that SIGINT and SIGTERM do not reach; to this one they come after it.

    A terminal and Slurm send a signal to all processes; the one that trains still needs batches to end in order.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent(*_: int) -> None:
    """Have this process end when the one that started it does, however that ends."""
    Thread(target=_wait_for_end_of_parent, daemon=True).start()


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wait_for_end_of_parent() -> None:
    parent = parent_process()
    assert parent is not None, "this is for processes that multiprocessing starts"
    parent.join()
    os._exit(1)

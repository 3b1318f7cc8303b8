"""The processes that do one thing together, each with its own devices: who meets, who writes, and that all agree.

Every process runs the same program on the same data, and JAX's collectives join their devices. The first one writes
and speaks; the others compute. Started alone, a process is the first of one, and nothing here does anything.

    srun -n 4 python run.py train ...                                               # Slurm says who is who
    python run.py train ... --coordinator=host:1234 --num_processes=4 --process_id=0     # or the command line does
"""

import ctypes
import importlib.util
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils

from research import files
from research.parallel import host
from research.parallel.endings import AGAIN_LATER, FAILED, Ending, ending

HEARTBEAT = "LOOKBACK_HEARTBEAT_SECONDS"
"""Names the variable with the seconds after which a process that says nothing is taken for dead: 100. On a busy host 30
were too few."""
MEETING_SECONDS = 300  # in which all have to come
GRACE_SECONDS = 2  # that the first waits before it ends: the others notice at once when it does
ENDED = "another process of this command has ended: its own last words say why; the same command goes on"
LOST = ("Gloo all-", "NCCL", "coordination service", "distributed service", "Connection reset", "heartbeat")
"""Words of the errors by which JAX says that another process was lost."""
_own_stderr: list[int] = []  # its descriptor, once that of C libraries is another
_kept_from_c: list[Any] = []  # what C code holds must not be collected


class NotMet(ValueError):
    """The other processes did not come in time; whoever started them may start all again."""

    exit_code = AGAIN_LATER


class OtherEnded(ValueError):
    """Another process has failed, and says why; this one ends with the same exit code."""

    def __init__(self, process: int, exit_code: int):
        super().__init__(f"process {process} has failed, and its own last words say why")
        self.exit_code = exit_code


@contextmanager
def joined(
    doing: str, coordinator: str | None = None, processes: int | None = None, number: int | None = None
) -> Iterator[None]:
    """Do the block together with the other processes of this command, if it was started as several.

    An exception ends this process with one sentence, without waiting for the others, who may never come. Enter before
    JAX computes.

    Args:
        doing: what the process does, such as "train".
        coordinator, processes, number: see `join`.

    Raises:
        ValueError: see `join`; and whatever the block raises, in a process that is alone.
    """
    words = join(coordinator, processes, number)
    if not words:
        yield
        return
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        _leave(error, doing)
    Path(words).unlink(missing_ok=True)


def join(coordinator: str | None = None, processes: int | None = None, number: int | None = None) -> str:
    """Meet the other processes of this command, if it was started as several. Call before JAX computes.

    Args:
        coordinator: HOST:PORT on which the first process can be reached by all.
        processes: how many there are.
        number: which of them this is, counted from 0. With all three None, Slurm, Open MPI, Kubernetes or a TPU pod
            are asked, where the process runs under one.

    Returns:
        The file of what C libraries print from now on; "" in a process that is alone.

    Raises:
        ValueError: the numbers do not fit.
        NotMet: the others were not met in `MEETING_SECONDS`.
    """
    named = (coordinator, processes, number)
    if all(each is None for each in named):
        if not _started_as_several():
            return ""
    elif coordinator is None or processes is None or number is None:
        raise ValueError("--coordinator, --num_processes and --process_id go together: give all three to each process")
    elif not number < processes:
        raise ValueError(f"--process_id={number} is too high for --num_processes={processes}: they count from 0")
    elif not coordinator.rpartition(":")[2].isdigit():
        raise ValueError(f"--coordinator={coordinator} has no port: give HOST:PORT of the process with --process_id=0")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM, which saves
    words = _keep_words_of_c_apart()
    _end_in_a_sentence(words, f"the others of this command did not come in {MEETING_SECONDS} s, or cannot be reached")
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            number,
            _own_gpus(),
            initialization_timeout=MEETING_SECONDS,
            heartbeat_timeout_seconds=int(os.environ.get(HEARTBEAT, 100)),
        )
    except (RuntimeError, ValueError) as error:
        first_line = str(error).partition("\n")[0][:200]
        raise NotMet(f"the processes of this command did not meet ({first_line}): see docs/launching.md") from error
    _end_in_a_sentence(words, ENDED)
    if not is_first():
        files.leave_writing_to_another()
        sys.stdout = sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    return words


def meet() -> None:
    """Connect the devices of all processes. Call once they are set; each waits for the others only 30 s.

    Raises:
        ValueError: another process did not come.
    """
    if count() > 1:
        multihost_utils.sync_global_devices("met")
        agree(0)


def count() -> int:
    """Return how many processes do this together; 1, and no backend of JAX is started, if this one is alone."""
    return jax.process_count() if jax.distributed.is_initialized() else 1


def is_first() -> bool:
    """Tell whether this process is the one that writes and speaks."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def agree(exit_code: int) -> None:
    """Wait until every process is here, and go on only if all are well.

    Args:
        exit_code: 0 if this process is well; else the code that it is about to end with.

    Raises:
        OtherEnded: another one is not, and says why.
    """
    if count() == 1:
        return
    codes = np.asarray(multihost_utils.process_allgather(np.int32(exit_code))).reshape(-1)
    for process, code in enumerate(codes):
        if code and process != jax.process_index() and (process == 0 or not exit_code):
            raise OtherEnded(process, int(code))


@contextmanager
def together() -> Iterator[None]:
    """Do the block in every process; an exception in one is an exception in all."""
    if count() == 1:
        yield
        return
    try:
        yield
    except Exception as error:
        agree(getattr(error, "exit_code", FAILED))
        raise
    agree(0)


@contextmanager
def in_turn() -> Iterator[None]:
    """Do the block in the first process, and then, as they find its files, in the others; all fail if one does."""
    if count() == 1:
        yield
    elif is_first():
        with together():
            yield
        agree(0)
    else:
        agree(0)
        with together():
            yield


def refuse_another(number: int, what: str) -> None:
    """Raise ValueError in every process unless all have the same number.

    Args:
        number: of this process.
        what: says of the processes what differs, such as "the last checkpoint of runs/a is another".
    """
    if count() == 1:
        return
    numbers = np.asarray(multihost_utils.process_allgather(np.int32(number))).reshape(-1)
    if len(set(numbers.tolist())) > 1:
        found = ", ".join(map(str, numbers))
        raise ValueError(f"{what} in each process ({found}): it must be on a disk that all of them share")


def from_first(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield in every process what the first one's iterator yields; those of the others are not asked."""
    if count() == 1:
        yield from chunks
        return
    while True:
        chunk = next(chunks, None) if is_first() else b""
        length = int(multihost_utils.broadcast_one_to_all(np.int32(-1 if chunk is None else len(chunk))))
        if length < 0:
            return
        sent = np.frombuffer(chunk, np.uint8) if is_first() and chunk else np.zeros(length, np.uint8)
        yield np.asarray(multihost_utils.broadcast_one_to_all(sent), np.uint8).tobytes()


def _leave(error: BaseException, doing: str) -> NoReturn:
    """Say the last words of this process, unless the first one says them, and end it."""
    last = ending(error, doing)
    if isinstance(error, jax.errors.JaxRuntimeError) and any(word in str(error) for word in LOST):
        last = Ending(ENDED, AGAIN_LATER)
    agreed = isinstance(error, OtherEnded) or (isinstance(error, KeyboardInterrupt) and str(error))
    if is_first() or not agreed:
        os.write(_own_stderr[0], f"{_error()}: {last.sentence}\n".encode())
    with suppress(OSError):
        sys.stdout.flush()
    if is_first():
        time.sleep(GRACE_SECONDS)
    os._exit(last.code)


def _error() -> str:
    """Return the word before the last sentence of this process, which names it unless it is the first."""
    return "error" if is_first() else f"error (process {jax.process_index()})"


def _started_as_several() -> bool:
    """Tell whether the environment is that of one process among several, by the signs that JAX itself looks for."""
    if int(os.environ.get("SLURM_NTASKS", 1)) > 1 and "SLURM_STEP_NODELIST" in os.environ:
        return True
    if "OMPI_MCA_orte_hnp_uri" in os.environ:
        return int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1)) > 1
    if "KUBERNETES_SERVICE_HOST" in os.environ and "JOB_COMPLETION_INDEX" in os.environ:
        return importlib.util.find_spec("kubernetes") is not None
    return not host.computes_on_cpu() and "," in os.environ.get("TPU_WORKER_HOSTNAMES", "")


def _own_gpus() -> list[int] | None:
    """Return the numbers of the GPUs that Slurm has bound to this task, which sees no others; None: JAX decides.

    JAX would take the GPU of the task's number on its node, which is right where every task sees all.
    """
    if "SLURM_GPUS_PER_TASK" not in os.environ:
        return None
    return list(range(len(os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(","))))


def _keep_words_of_c_apart() -> str:
    """Send what C libraries print, such as Gloo and XLA, to a file; Python's streams stay where they are.

    Returns:
        The file.
    """
    handle, file = tempfile.mkstemp(prefix="lookback-jax-", suffix=".txt")
    _own_stderr.append(os.dup(2))
    for stream, name, descriptor in ((sys.stdout, "stdout", 1), (sys.stderr, "stderr", 2)):
        stream.flush()
        ours = os.fdopen(os.dup(descriptor), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        setattr(sys, name, ours)
        os.dup2(handle, descriptor)
    return file


def _end_in_a_sentence(words: str, lost: str) -> None:
    """Have an abort say in a sentence why, and exit with `AGAIN_LATER` if another process is missing.

    JAX then aborts a process, from a thread of its own and in C.

    Args:
        words: the file of what it printed.
        lost: what it means that another process is missing.
    """
    error = _error()

    def say(_: int) -> None:
        is_lost = any(word in Path(words).read_text("utf-8", "replace") for word in LOST)
        why = f"{lost} (what JAX said is in {words})" if is_lost else f"this process was aborted: {words} says why"
        os.write(_own_stderr[0], f"{error}: {why}\n".encode())
        os._exit(AGAIN_LATER if is_lost else FAILED)

    handler_type = ctypes.CFUNCTYPE(None, ctypes.c_int)
    _kept_from_c.append(handler_type(say))
    set_handler = ctypes.CDLL(None).signal
    set_handler.argtypes, set_handler.restype = (ctypes.c_int, handler_type), ctypes.c_void_p
    set_handler(int(signal.SIGABRT), _kept_from_c[-1])

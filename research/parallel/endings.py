"""How a process ends when an exception comes to its door: one sentence that says what to do, and an exit code."""

import os
import signal
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from research.files import sentence

FAILED = 1
INTERRUPTED = 130
AGAIN_LATER = 75
"""The exit code of a process whose others have ended (EX_TEMPFAIL of sysexits.h): the same command goes on."""
FORESEEN = (ValueError, FloatingPointError)
"""Exceptions whose text is the sentence; a class of them may have an `exit_code`, and a second line, the `hint`."""
NO_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory")
"""Words of the errors that XLA raises on CPUs, GPUs and TPUs."""
SMALLER = (
    "lower data.batch_tokens to train (with training.accumulation, the batch of an update stays), "
    "evaluation.batch_sentences to evaluate, or make the model smaller"
)
ROOT = Path(__file__).resolve().parents[2]
INSTALL = f"use {ROOT / '.venv/bin/python'}, which `make environment` prepares, or `pip install -e {ROOT}`"
AGAIN = {
    "train": "the same command goes on",
    "the job": "the same command goes on",
    "ablate": "the same command with --resume goes on",
    "audit": "give it again with another --out",
}
"""Advice after an interruption; other commands begin again."""
DEBUG = "LOOKBACK_DEBUG"


class Ending(NamedTuple):
    """The last words of a process.

    Attributes:
        sentence: what went wrong, and what to do.
        code: the exit code.
    """

    sentence: str
    code: int


def interrupt_on_signals(doing: str) -> None:
    """Have SIGTERM and SIGINT raise KeyboardInterrupt. Call before anything that takes time.

    While a module is imported, nothing is begun yet, and they end the process at once: an exception would become
    another one in the C code of the module, or be lost there.

    Args:
        doing: what the process does, such as "train".
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if "importlib._bootstrap" in frame.f_code.co_filename:
                os.write(2, f"error: {_interrupted(doing)}\n".encode())
                os._exit(INTERRUPTED)
            frame = frame.f_back
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)


def ending(error: BaseException, doing: str) -> Ending:
    """Return the sentence and the exit code of an exception. What nobody foresaw leaves its traceback in a file.

    Args:
        error: the exception.
        doing: what the process did, such as "train".

    Raises:
        BaseException: `error` itself, where the environment variable LOOKBACK_DEBUG is set.
    """
    if os.environ.get(DEBUG):
        raise error
    last, hint = _ending(error, doing), getattr(error, "hint", "")
    return last._replace(sentence=_in_one_line(last.sentence) + (f"\n{hint}" if hint else ""))


def _ending(error: BaseException, doing: str) -> Ending:
    if isinstance(error, KeyboardInterrupt):
        return Ending(str(error) or _interrupted(doing), INTERRUPTED)
    if isinstance(error, ModuleNotFoundError):
        return Ending(f"this Python has no package {error.name!r}: {INSTALL}", FAILED)
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if error.filename else ""
        return Ending(f"{where}{sentence(error)}", FAILED)
    if isinstance(error, (*FORESEEN, OSError)) and str(error) and _is_ours(error):
        return Ending(str(error), getattr(error, "exit_code", FAILED))
    if isinstance(error, MemoryError) or any(said in str(error) for said in NO_MEMORY):
        return Ending(f"there is too little memory ({_in_short(error)}): {SMALLER}", FAILED)
    return Ending(f"{doing} met what it does not know, {_in_short(error)}: {_kept(error)}", FAILED)


def _is_ours(error: BaseException) -> bool:
    """Tell whether the words of an exception are ours; those of a library do not say what to do."""
    frames = traceback.extract_tb(error.__traceback__)
    file = Path(frames[-1].filename) if frames else ROOT / "run.py"
    return file.is_relative_to(ROOT) and "site-packages" not in file.relative_to(ROOT).parts


def _in_one_line(text: str) -> str:
    """Return text in which a line feed, and whatever else cannot be seen, is spelt as in Python."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _interrupted(doing: str) -> str:
    return f"{doing} was interrupted before it was done; {AGAIN.get(doing, 'give the command again')}"


def _in_short(error: BaseException) -> str:
    """Return the kind and the first words of an exception."""
    first = " ".join(str(error).partition("\n")[0].split())[:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _kept(error: BaseException) -> str:
    """Write the traceback into a file, and say where it is."""
    text = "".join(traceback.format_exception(error))
    with suppress(OSError):
        handle, file = tempfile.mkstemp(prefix="lookback-", suffix=".txt", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as opened:
            opened.write(text)
        return f"{Path(file)} says where, which a report of this fault should have"
    return f"{DEBUG}=1 shows where"

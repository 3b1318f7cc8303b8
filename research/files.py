"""Files of ours: each is written whole or not at all, and an error names the file and says what to do about it."""

import errno
import fcntl
import os
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unicodedata import category

import msgspec

CONTROLS = {code: " " for code in range(0x2030) if category(chr(code)) in ("Cc", "Zl", "Zp")}
"""For `str.translate`: control characters, which a terminal obeys, and line separators, which begin lines to some."""
MOVE = "move it, or choose another folder"
OUR_PAGES = (b"<title>Lookback: ", b"what was read</title>")
ROOM = "make room, and give the same command again"
ELSEWHERE = "choose a place that you may write to"
PART = "a part of the path is a file: remove it, or choose another place"
ADVICE = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EACCES: ELSEWHERE,
    errno.EPERM: ELSEWHERE,
    errno.EROFS: ELSEWHERE,
    errno.EISDIR: "a folder is there: remove it, or choose another name",
    errno.EEXIST: PART,
    errno.ENOTDIR: PART,
    errno.ENAMETOOLONG: "choose a shorter name",
}


_written_by_another = False


def leave_writing_to_another() -> None:
    """Have nothing of this module write any more: another process does the same, and writes it."""
    global _written_by_another
    _written_by_another = True


def are_written_here() -> bool:
    """Tell whether this process writes files; of several that do one thing together, one does."""
    return not _written_by_another


def expanded(path: str) -> Path:
    """Return a path in which ~ is the home folder; ValueError if it is that of nobody."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"{path!r} begins with a home folder that is not known: write it out") from None


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file, whole or not at all, and make its folder if there is none.

    Args:
        path: the file.
        content: all of its bytes.

    Raises:
        OSError: it cannot be written; the message names it and says what to do. What was there before stays.
    """
    if not are_written_here():
        return
    unfinished = path.with_name(f".{path.name[:200]}.{os.getpid()}")
    with named(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(content)
            os.replace(unfinished, path)
        finally:
            with suppress(OSError):  # the error before this one says why
                unfinished.unlink(missing_ok=True)


def append(path: Path, content: bytes) -> None:
    """Add to a file, and make its folder if there is none; OSError with its name if it cannot be written."""
    if not are_written_here():
        return
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            file.write(content)


def refuse_unwritable(folder: Path) -> None:
    """Raise OSError unless files can be made in a folder, which need not be there yet: better before hours of work."""
    if not are_written_here():
        return
    with named(folder):
        there = folder
        while not there.exists():
            there = there.parent
        tempfile.TemporaryFile(dir=there).close()


def refuse_others_files(folder: Path, names: Collection[str], *, by: str) -> None:
    """Raise ValueError if `own_files` would not replace one of the files; arguments as there."""
    earlier = _listed(folder, by)
    may_replace = names if not earlier and _of_an_earlier_version(folder) else earlier
    for name in names:
        if name not in may_replace and (folder / name).exists():
            raise ValueError(f"{folder / name} is there already, and {by} did not write it: {MOVE}")


@contextmanager
def locked(path: Path, holder: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a file or folder that is there, which no other process can hold at the same time.

    It ends with the process, however that ends. On local file systems it holds; on NFS it may not.

    Args:
        path: the file or folder.
        holder: says who else has it, as in "another process is training into runs/a".
        wait: say so, and wait for that process; else it is an error.

    Raises:
        OSError: another process holds it, and `wait` is False.
    """
    if not are_written_here():
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise OSError(f"{holder}; wait for it, or stop it") from None
            print(f"{holder}; this one goes on when it has ended", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def own_files(folder: Path, names: Collection[str], *, by: str) -> Iterator[None]:
    """Write the files of one command into a folder, within the context; those of an earlier call are gone at its end.

    A hidden list in the folder has the names of what the command wrote. No other file is replaced or removed.

    Args:
        folder: the folder.
        names: paths below it, of all files that are to be written.
        by: the command, such as "report".

    Raises:
        ValueError: there is a file of such a name that no earlier call wrote.
    """
    earlier, list_file = _listed(folder, by), folder / f".lookback-{by}"
    if not are_written_here() or (not names and not earlier):
        yield
        return
    refuse_others_files(folder, names, by=by)
    _list(list_file, {*earlier, *names})
    yield
    for name in earlier - set(names):
        (folder / name).unlink(missing_ok=True)
    _list(list_file, names)


def _listed(folder: Path, by: str) -> set[str]:
    """Return the names of the list; whatever it says, nothing outside the folder is ours."""
    file = folder / f".lookback-{by}"
    names = file.read_text("utf-8").splitlines() if file.is_file() else []
    return {name for name in names if name and not Path(name).is_absolute() and ".." not in Path(name).parts}


def _list(file: Path, names: Iterable[str]) -> None:
    write_whole(file, "".join(f"{name}\n" for name in sorted(names)).encode())


def _of_an_earlier_version(folder: Path) -> bool:
    """Return whether a page of ours is there: earlier versions kept no list."""
    page = folder / "index.html"
    return page.is_file() and any(mark in page.read_bytes()[:2_000] for mark in OUR_PAGES)


def json_bytes(value: Any) -> bytes:
    """Return a value as strict JSON, a field a line; null stands for a number that is not finite."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=1) + b"\n"


def json_line(value: Any) -> bytes:
    """Return a value as one line of strict JSON; null stands for a number that is not finite."""
    return msgspec.json.encode(value, enc_hook=_plain) + b"\n"


def _plain(number: Any) -> int | float:
    """Return a number of NumPy as one of Python."""
    return number.item()  # type: ignore[no-any-return]


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn an error of the operating system while `path` is written into one that names it and says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # it has a sentence of its own
            raise
        raise OSError(f"cannot write {path}: {sentence(error)}") from error


def sentence(error: OSError) -> str:
    """Return what the operating system said, and what to do about it where that is known."""
    said = (error.strerror or str(error)).lower()
    advice = ADVICE.get(error.errno or 0)
    return f"{said}; {advice}" if advice else said

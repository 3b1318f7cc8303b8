"""Files with recorded SHA-256 digests: found in a folder, or fetched into it whole or not at all."""

import contextlib
import gzip
import hashlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
import zlib
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from research.data.text import explain_missing

TIMEOUT_SECONDS = 30.0  # without a byte, not for the whole file
CHUNK_BYTES = 1 << 16


class DownloadError(OSError):
    """A file that could not be fetched; the message says which, why, and what to do."""


def obtain(
    name: str, *, root: Path, url: str, sha256: str, field: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> tuple[Path, str]:
    """Find a file below `root`, or fetch it.

    Args:
        name: path below `root`; `name`.gz is taken in its place, and then its digest is of the decompressed bytes.
        root: the folder.
        url: the address that `name` is fetched below; "": never fetch.
        sha256: the digest that the file must have; "": any.
        field: the config field that names the file, for errors.
        timeout_seconds: longest wait for a byte.

    Returns:
        The path of the file and its SHA-256.

    Raises:
        FileNotFoundError: there is no such file, and no `url`.
        OSError: the file has another digest, or could not be fetched (`DownloadError`).
    """
    path = local_copy(root / name)
    if path is None:
        if not url:
            raise FileNotFoundError(explain_missing(root / name, field))
        address = f"{url.rstrip('/')}/{urllib.parse.quote(name)}"
        return root / name, fetch(address, root / name, sha256=sha256, timeout_seconds=timeout_seconds)
    digest = _digest(path, decompress=path.name != Path(name).name)
    if sha256 and digest != sha256:
        remedy = "delete it to have it fetched again" if url else "put the right one there"
        raise OSError(
            f"{path} has SHA-256 {digest}, not the recorded {sha256}: it is damaged or another release; {remedy}, or "
            f"give your own files other names"
        )
    return path, digest


def local_copy(path: Path) -> Path | None:
    """Return `path` or else `path`.gz, whichever is a file; None if neither is."""
    compressed = path.with_name(path.name + ".gz")
    return next((candidate for candidate in (path, compressed) if candidate.is_file()), None)


def fetch(url: str, path: Path, *, sha256: str, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
    """Fetch `url` to `path`, with progress on stderr, and return its SHA-256; a failure leaves no file behind."""
    by_hand = f"fetch it on a machine that can, put it at {path}, or set --config.data.root to a folder that holds it"
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "lookback"})
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer, _writable(unfinished, url) as file:
            digest = _stream(answer, file, url)
        if sha256 and digest != sha256:
            raise DownloadError(
                f"{url} has SHA-256 {digest}, not the recorded {sha256}, and was not kept: the file there has changed, "
                f"or something on the way did; {by_hand}"
            )
        os.replace(unfinished, path)
    except DownloadError:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f"{url} answered {error.code} {error.reason}; {by_hand}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: it is no address
        reason = getattr(error, "reason", None) or error
        raise DownloadError(f"could not fetch {url} ({reason}); {by_hand}") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
    return digest


def _writable(path: Path, url: str) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "wb")
    except OSError as error:
        raise DownloadError(
            f"cannot write to {path.parent} what is fetched from {url} ({error.strerror}): set --config.data.root to a "
            f"folder that holds the files, or to one that can be written"
        ) from error


def _stream(answer: http.client.HTTPResponse, file: BinaryIO, url: str) -> str:
    """Copy `answer` to `file` and return the SHA-256."""
    digest = hashlib.sha256()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    expected = int(answer.headers.get("Content-Length") or 0)
    received = 0
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"fetching {url.rsplit('/', 1)[-1]}", total=expected or None)
        while chunk := answer.read(CHUNK_BYTES):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            progress.update(task, advance=len(chunk))
    if received < expected:  # read(n) does not complain of an answer that ends early
        raise DownloadError(
            f"could not fetch {url}: the connection closed after {received:,} of {expected:,} bytes; try again"
        )
    return digest.hexdigest()


def _digest(path: Path, decompress: bool) -> str:
    try:
        with gzip.open(path) if decompress else open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise OSError(f"{path} is not a whole gzip file ({error}): fetch or compress it again") from error

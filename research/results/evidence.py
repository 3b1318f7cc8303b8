"""Evidence: what tables and verdicts need of a run, about 20 kB, so that a repository can keep it.

It is a run folder without weights, texts and attention maps. Whatever reads results out of run folders reads it:

config.json  provenance.json  result.json  metrics.jsonl  counts/<split>.npz

Of an absolute path only the last part is kept: the folders above it mean nothing on another machine.
"""

import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.results.counts import Counts, read
from research.results.run_folder import RunFolder, beams

LONG = frozenset(["samples", "attention", "by", "by_head", "interventions", "config"])
"""Parts of result.json that are left out, wherever they stand: texts, maps, and tables for one run alone."""
ABSOLUTE = re.compile(r"(?<![^\s='\"])(?:/[^\s/='\"]+)*/([^\s/='\"]+)")
FORCED = ("nll", "correct", "tokens", "words")
"""Counts that are kept of the first split, beside the BLEU of its widest search."""


def keep(runs: Sequence[Path], out: Path) -> list[Path]:
    """Write the evidence of each run below `out`, where it stands below the folder that all of them share.

    Args:
        runs: run folders, evaluated.
        out: made if absent. Evidence that is there is never changed.

    Returns:
        The folders of evidence, in the order of the runs.

    Raises:
        ValueError: there is no run, one is not evaluated, or `out` holds other evidence of its name.
    """
    if not runs:
        raise ValueError("there is no run to keep evidence of: give run folders")
    shared = Path(os.path.commonpath([run.absolute().parent for run in runs]))
    found = [(out / run.absolute().relative_to(shared), evidence(RunFolder.existing(run))) for run in runs]
    for folder, files in found:  # before the first is written
        if folder.exists() and _files(folder) != files:
            raise ValueError(
                f"{folder} holds the evidence of another run: keep this one elsewhere, or under another name"
            )
    for folder, files in found:
        if not folder.exists():
            _write(folder, files)
    return [folder for folder, _ in found]


def evidence(run: RunFolder) -> dict[str, bytes]:
    """Return the files of a run's evidence by name. Equal runs give equal bytes."""
    splits = run.result().get("splits", {})
    if not splits:
        raise ValueError(f"{run.path} is not evaluated: `python run.py evaluate --workdir={run.path}` comes first")
    first = next(iter(splits))
    return {
        "config.json": _json(_portable(run.read_json("config.json"))),
        "provenance.json": _json(_portable(run.provenance())),
        "result.json": _json(_portable(_short(run.result()))),
        "metrics.jsonl": b"".join(map(_json, _validations(run))),
        f"counts/{first}.npz": _packed(read(run, first), f"beam{max(beams(splits[first]['searches']))}"),
    }


def _validations(run: RunFolder) -> Iterator[dict[str, float]]:
    """Yield what each validation measured, with the seconds of training until then."""
    seconds = 0.0
    for record in run.metrics():
        seconds = record.get("seconds", seconds)
        if any(name.startswith("validation/") for name in record):
            yield {**record, "seconds": seconds}


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items() if name not in LONG}
    return value


def _portable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _portable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_portable(each) for each in value]
    return ABSOLUTE.sub(r"\1", value) if isinstance(value, str) else value


def _packed(counts: Counts, search: str) -> bytes:
    """Return counts.npz with the counts that are kept, each in the smallest type that holds it, packed tightly."""
    arrays = {name: counts.arrays[name] for name in (*FORCED, f"{search}.bleu")}
    arrays["step"] = np.array(counts.step)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_LZMA) as file:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.array(_smallest(array), order="F"), allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue(), zipfile.ZIP_LZMA)  # ZipInfo: no clock in it
    return whole.getvalue()


def _smallest(array: np.ndarray) -> np.ndarray:
    """Return whole numbers in the smallest type that holds them, and others as float32."""
    kinds = (each for each in (np.uint8, np.int16, np.int32) if np.array_equal(array.astype(each), array))
    return array.astype(next(kinds, np.float32))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the whole folder or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        temporary.chmod(0o755)
        for name, content in files.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(content)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise

"""Evidence: what tables, intervals and verdicts need of a run, about 20 kB, so that a repository can keep it.

It is a run folder without weights, texts and attention maps. `report` and `ablate` read it like the run itself:

config.json  provenance.json  result.json  metrics.jsonl  counts/<split>.npz
"""

import io
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from research.files import write_whole
from research.results.counts import Counts, read
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder, beams

LONG = frozenset(["samples", "attention", "by", "by_head", "interventions", "config"])
"""Parts of result.json that are left out, wherever they stand: texts, maps, and tables for one run alone."""
MOST_VALIDATIONS = 16
FORCED = ("nll", "correct", "tokens", "words")
"""Counts that are kept of the first split, beside the BLEU of its widest search."""
MOST_SENTENCES = 2_000
"""Counts of more are kept in blocks."""


def keep(runs: Sequence[Path], out: Path) -> list[Path]:
    """Write the evidence of each run to `out`/NAME. Runs of several folders keep the folders in which they differ.

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
    paths = list(dict.fromkeys(Path(os.path.abspath(run)) for run in runs))
    shared = Path(os.path.commonpath([path.parent for path in paths]))
    return _keep([(out / path.relative_to(shared), evidence(RunFolder.existing(path))) for path in paths])


def keep_for_verdict(runs: Iterable[Path], out: Path, split: str, search: str, measures: Collection[str]) -> list[Path]:
    """Write the evidence of each run to `out`/NAME, with all that measures count, in blocks of sentences.

    Args:
        runs: run folders, evaluated so, or such evidence of them.
        out: made if absent. Evidence that is there is never changed.
        split, search: what is judged.
        measures: by which; only those whose counts need more room than a sum are left out if they are not named.

    Returns, errors: as `keep`.
    """
    return _keep(
        [(out / path.name, evidence_for_verdict(RunFolder.existing(path), split, search, measures)) for path in runs]
    )


def _keep(found: Sequence[tuple[Path, Mapping[str, bytes]]]) -> list[Path]:
    for folder, files in found:  # before the first is written
        if folder.exists() and not _holds(folder, files):
            raise ValueError(
                f"{folder} is there already and differs: it is of another run, or this one was evaluated again since; "
                "remove it, or give another folder to --keep"
            )
    for folder, files in found:
        if not folder.exists():
            _write(folder, files)
    return [folder for folder, _ in found]


def evidence(run: RunFolder) -> dict[str, bytes]:
    """Return the files of a run's evidence by name. Equal runs give equal bytes."""
    result = run.result()
    splits = result.get("splits", {})
    if not all(split.get("digest") for split in splits.values()) or not splits:
        raise ValueError(
            f"{run.path} is not evaluated by this version: `python run.py evaluate --workdir={run.path}` comes first"
        )
    first = next(iter(splits))
    counts, beam = read(run, first), max(beams(splits[first]["searches"]))
    wanted, many = [*FORCED, f"beam{beam}.bleu"], counts.sentences > MOST_SENTENCES
    packed = _packed(counts.in_blocks(wanted), wanted, np.float32) if many else _packed(counts, wanted, np.float16)
    return {**_facts(run, result), f"counts/{first}.npz": packed}


def evidence_for_verdict(run: RunFolder, split: str, search: str, measures: Collection[str]) -> dict[str, bytes]:
    """Return the files of the evidence that a verdict needs of a run, by name. Equal runs give equal bytes."""
    result = run.result()
    if "timing" in result:  # nothing was translated
        return _facts(run, result)
    measured, counts = result["splits"][split], read(run, split)
    others = tuple(f"{each}." for each in measured["searches"] if each != search)
    arrays = {name: each for name, each in counts.arrays.items() if not name.startswith(others)}
    for name in measures:
        if MEASURES[name].laid_out:
            arrays[f"{search}.{name}"] = counts.of(name, search)
    judged = {**measured, "searches": {search: measured["searches"][search]}}
    return {
        **_facts(run, {**result, "splits": {split: judged}}),
        f"counts/{split}.npz": _packed(counts._replace(arrays=arrays).in_blocks(arrays), list(arrays), np.float32),
    }


def _facts(run: RunFolder, result: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of evidence but for its counts."""
    config = run.read_json("config.json")
    facts = {name: fact for name, fact in run.provenance().items() if name != "files"}  # of files that are not kept
    config["data"]["root"] = PurePosixPath(config["data"]["root"]).name  # where the files were: nothing depends on it
    return {
        "config.json": _json(config),
        "provenance.json": _json(_without_folders(facts)),
        "result.json": _json(_without_folders(_short(result))),
        "metrics.jsonl": b"".join(map(_json, _thinned(list(_validations(run))))),
    }


def _validations(run: RunFolder) -> Iterator[dict[str, float]]:
    """Yield what each validation measured, with the seconds of training until then."""
    seconds = 0.0
    for record in run.metrics():
        seconds = record.get("seconds", seconds)
        if any(name.startswith("validation/") for name in record):
            yield {**record, "seconds": seconds}


def _thinned(records: list[dict[str, float]]) -> list[dict[str, float]]:
    """Return the records, or, of many, some at even distances: the first and the last, and the middle of training."""
    if len(records) <= MOST_VALIDATIONS:
        return records
    middle = max((i for i, each in enumerate(records) if each["step"] <= records[-1]["step"] / 2), default=0)
    chosen = {round(i * (len(records) - 1) / (MOST_VALIDATIONS - 1)) for i in range(MOST_VALIDATIONS)} | {middle}
    return [
        {name: value if name == "step" else float(f"{value:.5g}") for name, value in records[i].items()}
        for i in sorted(chosen)
    ]


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items() if name not in LONG}
    return value


def _without_folders(value: Any) -> Any:
    """Return a value whose commands have the last part of each absolute path: the rest means nothing elsewhere."""
    if isinstance(value, Mapping):
        shorter = {"command": _relative, "gold": _last_part}
        return {name: shorter.get(name, _without_folders)(each) for name, each in value.items()}
    return [_without_folders(each) for each in value] if isinstance(value, list) else value


def _relative(command: str) -> str:
    parts = [part.partition("=") for part in shlex.split(command)]
    return shlex.join(
        f"{name}{equals}{_last_part(path)}" if equals else _last_part(name) for name, equals, path in parts
    )


def _last_part(path: str) -> str:
    return PurePosixPath(path).name if path.startswith("/") else path


def _packed(counts: Counts, wanted: Sequence[str], fraction: type[np.floating]) -> bytes:
    """Return counts.npz with the counts that are kept, each in a small type."""
    if missing := [name for name in wanted if name not in counts.arrays]:
        raise ValueError(
            f"{counts.folder.path} holds no counts {missing[0]!r} of {counts.split}: evaluate it again with "
            f"`python run.py evaluate --workdir={counts.folder.path} --split={counts.split}`"
        )
    whole = io.BytesIO()
    kept = {
        name: np.asfortranarray(_smallest(counts.arrays[name], fraction)) for name in wanted
    }  # a column compresses well
    np.savez_compressed(whole, allow_pickle=False, step=np.array(counts.step), **kept)
    return whole.getvalue()


def _smallest(array: np.ndarray, fraction: type[np.floating]) -> np.ndarray:
    """Return whole numbers in the smallest type that holds them, and others as `fraction`.

    The eleven bits of float16 change the nats of a sentence by 1 in 4,000 at most, at random, and the sum of 1,000 by
    1 in 10^5.
    """
    kinds = (each for each in (np.uint8, np.int16, np.int32) if np.array_equal(array.astype(each), array))
    return array.astype(next(kinds, fraction))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    return all((folder / name).is_file() and (folder / name).read_bytes() == each for name, each in files.items())


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the whole folder or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".keep."))
    try:
        temporary.chmod(0o755)
        for name, content in files.items():
            write_whole(temporary / name, content)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise

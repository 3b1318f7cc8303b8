"""Export a run for serving: programs, weights and vocabularies in one folder: `run.py export`."""

import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.data.evaluation_batches import padded_lengths, rows_at
from research.data.vocabulary import BOS, EOS, PAD, UNK
from research.decoding.exported import export_search, named_weights
from research.decoding.search import Beam, Greedy, Search
from research.evaluation import translate_exported
from research.evaluation.loaded_run import LoadedRun, load
from research.evaluation.translate_text import BATCHES_AT_ONCE
from research.files import json_bytes, named, refuse_unwritable
from research.results.identity import NO_EFFECT_ON_RESULTS, config_digest
from research.results.run_folder import RunFolder

FORMAT = 1
"""The version of what is in the folder; it grows when a reader of the folder would have to change."""


def export(
    workdir: Path | str,
    out: Path | str,
    *,
    platforms: Sequence[str],
    also: Sequence[Path] = (),
    last: int = 0,
    beam: int | None = None,
) -> Path:
    """Write a folder from which JAX translates as `translate_text` does, without this code, and return its path.

    It holds, for each search and each length to which sources are padded, a program of `export_search`; weights.npz,
    source.model and target.model, which they share; export.json; and translate.py, an example that uses them.

    Args:
        workdir: the run folder.
        out: the folder; it is written whole or not at all.
        platforms: see `export_search`.
        also: further run folders, which make an ensemble with the one at `workdir`.
        last: use this many last checkpoints of each folder as members of the ensemble; 0 uses one of each.
        beam: hypotheses of the beam search; None is the config's; 1 exports greedy search alone.

    Raises:
        ValueError, OSError: the folder is not empty or cannot be written, or the runs are no ensemble.
    """
    out = Path(out)
    refuse_unwritable(out)
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty: name a new folder, which is written whole, or empty this one")
    run = load(workdir, *also, last=last)

    import flatbuffers  # noqa: F401 - JAX asks for it only after all programs were traced

    beam = beam or run.config.evaluation.beam
    searches: dict[str, Search] = {f"beam{beam}": Beam(beam, 1, **run.penalties)} if beam > 1 else {}
    searches["greedy"] = Greedy()
    lengths = padded_lengths(run.config.data.max_tokens)
    programs = {
        f"{name}.{length}.stablehlo": export_search(
            run.translator,
            run.params,
            search,
            length=length,
            extra_tokens=run.config.evaluation.extra_tokens,
            platforms=platforms,
        )
        for name, search in searches.items()
        for length in lengths
    }
    facts = {
        "format": FORMAT,
        "languages": list(run.config.data.languages),
        "runs": [_facts(path) for path in (workdir, *also)],
        "step": run.step,
        **_reading(run, lengths),
        "searches": list(searches),
        "beam": beam,
        **run.penalties,
        "extra_tokens": run.config.evaluation.extra_tokens,
        "dtype": "float32",
        "platforms": list(platforms),
        "jax": jax.__version__,
        "calling_convention": next(iter(programs.values())).calling_convention_version,
    }
    arrays: Any = named_weights(run.params)
    weights = io.BytesIO()
    np.savez(weights, **arrays)
    files = {name: bytes(program.serialize()) for name, program in programs.items()}
    files |= {
        "weights.npz": weights.getvalue(),
        "source.model": run.vocabularies.source.model,
        "target.model": run.vocabularies.target.model,
        "translate.py": Path(translate_exported.__file__).read_bytes(),
        "export.json": json_bytes(facts),
    }
    _write_folder(out, files)
    return out


def _facts(workdir: Path | str) -> dict[str, Any]:
    """Return what tells a run from others: the name of its folder, and the digest of its identity."""
    folder = RunFolder.existing(workdir)
    return {"name": folder.path.name, "identity": config_digest(folder.config(), without=NO_EFFECT_ON_RESULTS)}


def _reading(run: LoadedRun, lengths: Sequence[int]) -> dict[str, Any]:
    """Return how text becomes batches, for whoever calls the programs."""
    sentences = run.config.evaluation.batch_sentences
    return {
        "marks": {"pad": PAD, "bos": BOS, "eos": EOS, "unk": UNK},
        "lowercase": run.config.data.lowercase,
        "max_tokens": run.config.data.max_tokens,
        "batches": [{"length": length, "sentences": rows_at(length, sentences)} for length in lengths],
        "lines_at_once": BATCHES_AT_ONCE * sentences,
    }


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder with these files, whole or not at all; an empty one may be there."""
    place = folder.resolve()  # a link to an empty folder stays a link
    unfinished = place.with_name(f".{place.name[:200]}.{os.getpid()}")
    with named(folder):
        try:
            unfinished.mkdir(parents=True)
            for name, content in files.items():
                (unfinished / name).write_bytes(content)
            os.replace(unfinished, place)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

"""The one file of the net that knows names inside the code. When code moves, edit this file and no other of tests/net/.

It has the call of the command line, the import lines for training batches, and the keys of the files in a run folder.
The expected values in tests/net/*.json never change with a rename: map a new name to the recorded one in `RECORDED`.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

import run
from configs.command_line import load, override
from research.data import build, build_vocabularies
from research.data.batches import Batches
from research.data.examples import encode

ROOT = Path(run.__file__).parent

RECORDED: dict[str, str] = {}
"""New name -> recorded name, for parts of a leaf's path such as "places" in "params/encoder/entrance/places"."""

PER_STEP = ("train/loss", "train/nll", "train/gradient_norm")
"""Keys of metrics.jsonl that are recorded at each step."""


def lookback(*arguments: str, text: str = "") -> str:
    """Run `python run.py ARGUMENTS < text` in this process, so that compiled programs are shared; return its output."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with _standard_input(text), redirect_stdout(output):
        code = run.main(list(arguments))
        output.flush()
    assert code == 0, f"python run.py {' '.join(arguments)} ended with {code}"
    return output.buffer.getvalue().decode("utf-8")


@contextmanager
def _standard_input(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(text.encode("utf-8")), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = before


def first_batches(config: str, overrides: list[str], count: int) -> list[dict[str, np.ndarray]]:
    """Return the first `count` training batches of a config, as arrays of ids by name."""
    fields, rest = override(load(config), overrides)
    assert not rest, rest
    train = build(fields.data).splits["train"]
    batches = Batches(
        encode(train, build_vocabularies(fields.data, train)),
        batch_tokens=fields.data.batch_tokens,
        buckets=fields.data.buckets,
        max_tokens=fields.data.max_tokens,
        seed=fields.seed,
    )
    return [{name: np.asarray(ids) for name, ids in batch.items()} for batch in islice(batches.iterate(0), count)]


def metrics(folder: Path) -> list[dict[str, float]]:
    """Return the records of metrics.jsonl."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def result(folder: Path) -> dict[str, Any]:
    """Return result.json."""
    return json.loads((folder / "result.json").read_text("utf-8"))


def leaves(folder: Path, step: int) -> dict[str, np.ndarray]:
    """Return the arrays of a checkpoint by path: "params/..." the parameters, "optimiser/..." the optimiser's state."""
    state = ocp.StandardCheckpointer().restore((folder / "checkpoints" / str(step) / "state").absolute())
    found = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        names = [str(getattr(key, "key", getattr(key, "idx", key))) for key in path]
        found["/".join(RECORDED.get(name, name) for name in names)] = np.asarray(leaf)
    return found

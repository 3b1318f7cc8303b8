"""Small runs whose numbers the net pins: a family's training and searches, one result, and the first batches."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tests.net.adapter import PER_STEP, ROOT, first_batches, leaves, lookback, metrics, result

HERE = Path(__file__).parent
CONFIG = "configs/embedded_tiny.py"
STEPS = 12

# Pass only fields that a family needs: a field that is removed later must not turn the net red.
SHARED = {
    "model.width": 16,
    "data.embedded.train_pairs": 400,
    "data.embedded.validation_pairs": 20,
    "data.embedded.test_pairs": 20,
    "data.embedded.words": 0.1,  # this and the next five as the config had them when the net was recorded
    "data.embedded.ambiguity": 0.1,
    "data.vocabulary.size": 300,
    "data.batch_tokens": 768,
    "data.buckets": 1,
    "training.schedule": "cosine",
    "training.steps": STEPS,
    "training.warmup_steps": 2,
    "training.learning_rate": 0.003,  # small: the translations of a model near its random beginning are varied
    "training.log_every_steps": 1,
    "evaluation.extra_tokens": 2,
}
RECURRENT = {"model.dropout": 0.2}
TRANSFORMER = {"model.dropout": 0.1, "model.layers": 1, "model.heads": 2, "model.ffn": 16}
POSITIONS = ("none", "sinusoidal", "learned", "relative", "rotary", "alibi")

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "none": ("none", RECURRENT),
    "luong": ("luong", RECURRENT),
    "luong_feeding_coverage": ("luong", {**RECURRENT, "model.input_feeding": True, "model.coverage": "linguistic"}),
    "bahdanau": ("bahdanau", RECURRENT),
    **{f"transformer_{name}": ("transformer", {**TRANSFORMER, "model.positions": name}) for name in POSITIONS},
    "recurrent_transformer": ("recurrent_transformer", TRANSFORMER),
    "transformer_recurrent": ("transformer_recurrent", TRANSFORMER),
}
"""Name -> the architecture of the config file, and the fields that differ from it."""

SEARCHED = (
    "none",
    "luong_feeding_coverage",
    "bahdanau",
    "transformer_sinusoidal",
    "transformer_relative",
    "recurrent_transformer",
    "transformer_recurrent",
)
"""Families whose translations are pinned; for the others, training is: each search costs seconds of compiling."""

EVALUATED = {"luong_feeding_coverage": ["--interventions"], "transformer_relative": []}
"""Families whose result.json is pinned -> flags of `evaluate`. Each intervention on a head costs a second, too."""

SENTENCES = (
    "A big knife was small .",
    "Minjun Lee quickly ate the eggs .",
    "The teacher did not go to his room .",
    "The child bought the novel .",
    "Yesterday Sara's man saw the child in a kitchen .",
)


def flags(family: str) -> list[str]:
    """Return the overrides of a family, as flags."""
    return [f"--config.{field}={value}" for field, value in {**SHARED, **FAMILIES[family][1]}.items()]


def config(family: str) -> str:
    """Return the config that a family begins with, as `--config` takes it."""
    return f"{ROOT / CONFIG}:{FAMILIES[family][0]}"


def train(family: str, folder: Path) -> None:
    """Train a family into `folder`."""
    assert (jax.default_backend(), jax.device_count()) == ("cpu", 8), "the net is recorded on 8 CPU devices"
    lookback("train", f"--config={config(family)}", f"--workdir={folder}", *flags(family))


def training(folder: Path) -> dict[str, Any]:
    """Return losses and gradient norms of each step, the validation, and norms of all state after the last step."""
    steps = [record for record in metrics(folder) if "train/loss" in record]
    validated = [record for record in metrics(folder) if "validation/perplexity" in record]
    norms = {path: float(np.linalg.norm(leaf.astype(np.float64))) for path, leaf in leaves(folder, STEPS).items()}
    return {
        "steps": [record["step"] for record in steps],
        **{name: [record[name] for record in steps] for name in PER_STEP},
        "validation/perplexity": [record["validation/perplexity"] for record in validated],
        "norms": norms,
    }


def searches(folder: Path) -> dict[str, Any]:
    """Return greedy translations of `SENTENCES` with log p of them, and the five best of beam 5 with their scores."""
    text = "".join(f"{sentence}\n" for sentence in SENTENCES)
    greedy = lookback("translate", f"--workdir={folder}", "--beam=1", text=text)
    (folder / "greedy.txt").write_text(greedy, "utf-8")
    scored = lookback("translate", f"--workdir={folder}", f"--score={folder / 'greedy.txt'}", text=text)
    best = lookback("translate", f"--workdir={folder}", "--beam=5", "--n_best=5", text=text)
    columns = [line.split(" ||| ") for line in best.splitlines()]
    return {
        "greedy": greedy.splitlines(),
        "greedy log p": [[float(number) for number in line.split("\t")] for line in scored.splitlines()],
        "beam 5": [f"{line} ||| {translation}" for line, translation, _ in columns],
        "beam 5 scores": [float(score) for *_, score in columns],
    }


def evaluation(family: str, folder: Path) -> dict[str, Any]:
    """Return result.json after `evaluate`, flat, without what is volatile (see `LEFT_OUT`)."""
    lookback("evaluate", f"--workdir={folder}", "--beam=1", *EVALUATED[family])
    return {path: value for path, value in flat(result(folder)).items() if not left_out(path)}


LEFT_OUT = {
    "config": "fields that no config sets may be removed; what they do is pinned by every other number",
    "name": "the folder's name",
    "seconds": "a clock",
    "sentences_per_second": "a clock",
    "command": "holds the folder's path",
    "devices": "words about the machine",
    "signature": "holds sacreBLEU's version",
}
"""Parts of a path in result.json that are not compared -> why."""

BOUNDS = ("_low", "_high")
"""Ends of names that are not compared, either: how intervals are made is a matter of its own, with its own tests."""


def left_out(path: str) -> bool:
    """Return True for a path with a part in `LEFT_OUT`, a bound, and what would only repeat a kind of value."""
    parts = path.split("/")
    repeats = any(name in parts and int(parts[parts.index(name) + 1]) > 0 for name in ("attention", "samples"))
    return repeats or path.endswith(BOUNDS) or any(part in LEFT_OUT for part in parts)


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """Return the values of nested JSON by path; an empty list or object is a value."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found: dict[str, Any] = {}
    for name, child in children:
        found |= flat(child, f"{path}/{name}" if path else str(name))
    return found or {path: tree}


def batches() -> dict[str, Any]:
    """Return a digest of each of the first 20 batches, and the first rows of the first two in clear."""
    drawn = first_batches(config("luong"), flags("luong"), 20)
    return {
        "digests": [_digest(batch) for batch in drawn],
        "first rows": [{name: ids[:2].tolist() for name, ids in batch.items()} for batch in drawn[:2]],
    }


def _digest(batch: dict[str, np.ndarray]) -> str:
    """Return SHA-256 of the names, shapes and ids of a batch."""
    digest = hashlib.sha256()
    for name, ids in sorted(batch.items()):
        digest.update(f"{name} {ids.shape} {ids.dtype}".encode())
        digest.update(np.ascontiguousarray(ids).tobytes())
    return digest.hexdigest()


def everything(family: str, folder: Path) -> dict[str, Any]:
    """Train and measure a family in `folder`; return all that its file in tests/net/ holds."""
    train(family, folder)
    measured = {"training": training(folder)}
    if family in SEARCHED:
        measured["searches"] = searches(folder)
    if family in EVALUATED:
        measured["result"] = evaluation(family, folder)
    return measured


def recorded(name: str) -> dict[str, Any]:
    """Return the recorded values of a family, or of "batches"."""
    return json.loads((HERE / f"{name}.json").read_text("utf-8"))

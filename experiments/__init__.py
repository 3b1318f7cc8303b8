"""The questions: one file each, data only. docs/experiments.md explains the fields of such a file."""

import re
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from research.ablation.experiment import Experiment
from research.files import write_whole

FOLDER = Path(__file__).parent

LOCKS = FOLDER / "locks"
"""The plans of confirmatory answers, which `ablate --register` writes."""

EVIDENCE = FOLDER.parent / "docs" / "evidence" / "answers"
"""Folders CORPUS of what is kept of the runs of our answers: their seeds were looked at."""

QUESTIONS = (  # in the order of the lecture
    "attention_or_not",
    "long_sentences",
    "bottleneck",
    "score_function",
    "query_timing",
    "word_order",
    "recurrent_cell",
    "recurrent_depth",
    "encoder_direction",
    "learning_to_attend",
    "transformer_depth",
    "heads",
    "head_symmetry",
    "softmax_axis",
    "order_blindness",
    "parallelism",
    "speed_or_accuracy",
    "data_size",
)


OWN = FOLDER / "own"
"""Questions of one's own, which `ablate --vary` writes."""


def names() -> list[str]:
    """Return all questions: those of the lecture in its order, then one's own."""
    return [*QUESTIONS, *sorted(file.stem for file in OWN.glob("[a-z]*.py"))]


def load(name: str) -> Experiment:
    """Return the experiment of a question; ValueError with the nearest names for an unknown one."""
    if name not in names():
        near = get_close_matches(name, names(), n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else "`python run.py ablate --list` names them"
        raise ValueError(f"no question {name!r}; {hint}")
    file = (FOLDER if name in QUESTIONS else OWN) / f"{name}.py"
    spec = spec_from_file_location(f"experiments.{name}", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    experiment = module.EXPERIMENT
    assert isinstance(experiment, Experiment)
    return experiment


def write_own(name: str, text: str) -> Path:
    """Write a question of one's own; nothing changes if it is there already.

    Raises:
        ValueError: it has no name that a file of Python may have, or that of a question that asks something else.
    """
    file = OWN / f"{name}.py"
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in QUESTIONS:
        raise ValueError(f"{name!r} cannot name a question of your own: choose another name, such as my_question")
    if file.exists() and file.read_text("utf-8") != text:
        raise ValueError(f"{file} asks something else already: choose another name, or leave out --vary to ask it")
    write_whole(file, text.encode())
    return file


def answers(path: Path) -> list[Path]:
    """Return the answer files that `ablate` wrote at `path`, a file or a folder, in the order of `names`."""
    files = [path / f"{name}.json" for name in names()] if path.is_dir() else [path]
    return [file for file in files if file.suffix == ".json" and file.is_file()]

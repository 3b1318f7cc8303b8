"""The questions: one file each, data only. docs/experiments.md explains the fields of such a file."""

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from research.ablation.experiment import Experiment

LOCKS = Path(__file__).parent / "locks"
"""The plans of confirmatory answers, which `ablate --register` writes."""

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


def load(name: str) -> Experiment:
    """Return the experiment of a question; ValueError with the nearest names for an unknown one."""
    if name not in QUESTIONS:
        near = get_close_matches(name, QUESTIONS, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else "`python run.py ablate --list` names them"
        raise ValueError(f"no question {name!r}; {hint}")
    experiment = import_module(f"experiments.{name}").EXPERIMENT
    assert isinstance(experiment, Experiment)
    return experiment


def answers(path: Path) -> list[Path]:
    """Return the answer files that `ablate` wrote at `path`, a file or a folder, in the order of the lecture."""
    files = [path / f"{name}.json" for name in QUESTIONS] if path.is_dir() else [path]
    return [file for file in files if file.suffix == ".json" and file.is_file()]

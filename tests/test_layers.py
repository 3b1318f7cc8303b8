"""The structure that DESIGN promises: who may import whom, and what must be written in one place only.

Each rule is a function from a file's syntax to its offences. It is tried on made-up files that
break it, so that a rule that sees nothing is noticed, and then on every file there is.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# room -> rooms of research/ that it may import. Report reads run folders only.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),  # of research itself: a docstring
    "files": set(),  # how a file is written: every room may
    # The ground: they know no other room.
    "attention": set(),
    "data": set(),
    "parallel": set(),
    "results": set(),
    "statistics": set(),
    "models": {"attention"},
    "decoding": {"data", "models", "parallel", "results"},
    "evaluation": {"data", "models", "parallel", "results", "statistics", "decoding"},
    "training": {"data", "models", "parallel", "results", "decoding", "evaluation"},
    "ablation": {"data", "models", "parallel", "results", "statistics", "decoding", "evaluation", "training"},
    "report": {"results", "statistics"},
}
EVERYONE_S = {"files"}
SEES_NO_MODEL = {"loss.py", "optimiser.py"}  # in research/training/
SEES_A_CONFIG = {  # in attention/, data/ and models/
    "research/models/__init__.py",
    "research/models/unread.py",
    "research/data/__init__.py",
}
SAYS_NOTHING = {"utils", "util", "common", "helpers", "helper", "misc"}


def sources(*folders: str) -> list[Path]:
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return sorted(file.relative_to(ROOT) for file in files)


def imports(tree: ast.AST) -> set[str]:
    """Every module imported, at the top or inside a function; `from a import b` counts as a and as a.b."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level)
    return names


def reaches(tree: ast.AST, package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in imports(tree))


def room_of(path: Path) -> str:
    return Path(path.parts[1]).stem


def wrong_room(path: Path, tree: ast.AST) -> list[str]:
    """Rooms of research/ that this file of research/ may not import."""
    known = MAY_IMPORT.keys()
    rooms = {name.split(".")[1] for name in imports(tree) if name.startswith("research.")} & known
    return sorted(rooms - MAY_IMPORT[room_of(path)] - {room_of(path)} - EVERYONE_S)


def outsiders(path: Path, tree: ast.AST) -> list[str]:
    """Return imports of code that is built on research/ (configs, experiments, tests), and relative imports."""
    never = ("configs", "experiments", "benchmarks", "tests", "run")
    return [name for name in never if reaches(tree, name)] + [name for name in imports(tree) if name.startswith(".")]


def tensorflow(path: Path, tree: ast.AST) -> list[str]:
    return ["tensorflow"] if reaches(tree, "tensorflow") else []


def pmap(path: Path, tree: ast.AST) -> list[str]:
    """`jax.pmap`, however it is reached. The word in a string names a strategy, and is everyone's."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "pmap"]
    return ["pmap"] if found or any(name.endswith(".pmap") for name in imports(tree)) else []


def config_defaults(path: Path, tree: ast.AST) -> list[str]:
    """`config.get(...)`, `run.config.model.get(...)`: a default outside configs/."""
    found = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("get", "setdefault")
        ):
            owner = ast.unparse(node.func.value)
            if any(part == "config" or part.endswith("_config") for part in owner.split(".")):
                found.append(ast.unparse(node))
    return found


def sees_config(path: Path, tree: ast.AST) -> list[str]:
    return ["ml_collections"] if reaches(tree, "ml_collections") else []


def sees_model(path: Path, tree: ast.AST) -> list[str]:
    return ["research.models"] if reaches(tree, "research.models") else []


def embedded_insides(path: Path, tree: ast.AST) -> list[str]:
    """Imports from inside the package of the embedded corpus, which is entered by `generate` and `generate_chunks`."""
    package = "research.data.embedded."
    entries = {f"{package}generate", f"{package}generate_chunks"}
    return sorted(name for name in imports(tree) if name.startswith(package) and name not in entries)


RESEARCH = sources("research")
EVERYTHING = [*sources("research", "configs", "experiments", "benchmarks", "tests"), Path("run.py")]
RULES = {
    "a room imports only the rooms below it": (wrong_room, RESEARCH),
    "research imports nothing that is built on it": (outsiders, RESEARCH),
    "tensorflow is never imported": (tensorflow, EVERYTHING),
    "parallel/strategies.py alone says pmap": (
        pmap,
        [path for path in EVERYTHING if path != Path("research/parallel/strategies.py") and path.parts[0] != "tests"],
    ),
    "no default outside configs": (config_defaults, EVERYTHING),
    "modules receive named fields, never a config": (
        sees_config,
        [path for path in sources("research/attention", "research/data", "research/models")
         if path.as_posix() not in SEES_A_CONFIG],
    ),
    "the embedded corpus is entered by its two functions alone": (
        embedded_insides,
        [path for path in EVERYTHING if "embedded" not in path.parts],
    ),
    "loss and optimiser know no model": (
        sees_model,
        [path for path in sources("research/training") if path.name in SEES_NO_MODEL],
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_rule_holds(rule):
    offence, files = RULES[rule]
    offences = {}
    for path in files:
        found = offence(path, ast.parse((ROOT / path).read_text("utf-8")))
        if found:
            offences[path.as_posix()] = found
    assert not offences, rule


@pytest.mark.parametrize(
    ("offence", "path", "text"),
    [
        (wrong_room, "research/attention/scores.py", "from research.models.translator import Translator"),
        (wrong_room, "research/models/rnn.py", "def f():\n    import research.training.loop"),
        (wrong_room, "research/models/rnn.py", "from research import data"),
        (wrong_room, "research/report/page.py", "from research.evaluation.bleu import bleu"),
        (wrong_room, "research/results/run_folder.py", "import research.training"),
        (outsiders, "research/models/rnn.py", "from configs.base import base"),
        (outsiders, "research/models/rnn.py", "import experiments"),
        (outsiders, "research/models/rnn.py", "from ..data import pairs"),
        (tensorflow, "research/data/x.py", "import tensorflow as tf"),
        (tensorflow, "research/data/x.py", "from tensorflow.io import gfile"),
        (pmap, "research/models/x.py", "import jax\nf = jax.pmap(g)"),
        (pmap, "research/models/x.py", "from jax import pmap"),
        (config_defaults, "research/models/x.py", "config.model.get('dropout', 0.1)"),
        (config_defaults, "research/models/x.py", "self.config.get('dropout')"),
        (config_defaults, "research/models/x.py", "model_config.get('dropout', 0)"),
        (sees_config, "research/models/x.py", "from ml_collections import ConfigDict"),
        (sees_model, "research/training/loss.py", "import research.models"),
        (embedded_insides, "research/data/__init__.py", "from research.data.embedded import to_pair"),
        (embedded_insides, "configs/embedded.py", "def f():\n    import research.data.embedded.words"),
    ],
)
def test_rule_sees_an_offence(offence, path, text):
    assert offence(Path(path), ast.parse(text))


@pytest.mark.parametrize(
    ("offence", "path", "text"),
    [
        (wrong_room, "research/training/loop.py", "from research.models import build\nfrom research.data import pairs"),
        (wrong_room, "research/report/page.py", "from research.results.run_folder import RunFolder"),
        (outsiders, "research/models/x.py", "import runpy, configparser"),
        (tensorflow, "research/data/x.py", "import tensorflow_datasets as tfds"),
        (pmap, "research/training/loop.py", "strategy = 'pmap'"),
        (config_defaults, "research/models/x.py", "SCORES.get('dot')\nconfig.dropout"),
        (embedded_insides, "research/data/__init__.py", "from research.data.embedded import generate"),
    ],
)
def test_rule_lets_pass(offence, path, text):
    assert not offence(Path(path), ast.parse(text))


def test_every_room_has_a_rule():
    rooms = {room_of(path) for path in RESEARCH} - {"__init__"}
    assert rooms <= MAY_IMPORT.keys()


def test_names_say_something():
    assert [path for path in EVERYTHING if SAYS_NOTHING & {part.removesuffix(".py") for part in path.parts}] == []


def test_nothing_brings_tensorflow_in():
    """Not even through a library: every module of research, imported for real."""
    modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in RESEARCH]
    program = (
        "import importlib, sys\n"
        f"for module in {modules}: importlib.import_module(module)\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""The language that CONTRIBUTING.md asks for, as far as a program sees it: how docstrings begin, unique class names."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Words that point at something the reader has not been told yet.
RIDDLES = {"What", "Of", "Those", "Where", "Which", "Whether", "That"}
FOLDERS = ("research", "configs", "experiments", "benchmarks", "tests")


def files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def docstrings(tree: ast.AST) -> list[tuple[int, str]]:
    """Return line and text of each docstring: of the module, of classes, functions and fields."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    found.append((statement.lineno, str(statement.value.value)))
    return found


def riddles(text: str) -> list[int]:
    return [line for line, said in docstrings(ast.parse(text)) if said.split() and said.split()[0] in RIDDLES]


def test_a_riddle_is_seen():
    assert riddles('def f():\n    """What fails inside is the end of this lane."""') == [2]
    assert riddles('class A:\n    x: int\n    """Of the whole translation."""') == [3]
    assert not riddles('def f():\n    """Return what fails."""')


def test_docstrings_begin_with_a_verb_or_a_noun():
    found = {file.relative_to(ROOT).as_posix(): riddles(file.read_text("utf-8")) for file in files(*FOLDERS)}
    assert {file: lines for file, lines in found.items() if lines} == {}


def test_a_class_name_is_defined_once():
    where = defaultdict(list)
    for file in files("research"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where[node.name].append(file.relative_to(ROOT).as_posix())
    assert {name: places for name, places in where.items() if len(places) > 1} == {}

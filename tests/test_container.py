"""The container image that .ci/Containerfile describes: no builder is needed to see that its parts are there."""

import re
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
LINES = (ROOT / ".ci" / "Containerfile").read_text("utf-8").splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_everything_that_is_copied_is_in_the_checkout():
    sources = {source for line in LINES if line.startswith("COPY ") for source in line.split()[1:-1]}
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    packages = {"configs/", "research/", "experiments/"}
    assert sources >= {
        "requirements.lock",
        "pyproject.toml",
        "run.py",
        PROJECT["readme"],
        *PROJECT["license-files"],
        *packages,
    }


def test_its_python_is_one_that_the_lock_is_for():
    [python] = [line.removeprefix("ARG PYTHON=") for line in LINES if line.startswith("ARG PYTHON=")]
    assert python in SpecifierSet(PROJECT["requires-python"])
    locked_for = re.findall(
        r"python3\.\d+", re.search("^PYTHONS := .*$", (ROOT / "Makefile").read_text("utf-8"), re.M)[0]
    )
    assert f"python{python}" in locked_for
    assert any("--requirement requirements.lock" in line for line in LINES)

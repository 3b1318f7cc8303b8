"""A stranger's first minutes: a copy of the checkout, a clean environment, and the door opens."""

import os
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
MADE = shutil.ignore_patterns(
    ".venv", ".git", ".*_cache", ".hypothesis", "__pycache__", "runs", "report", "build", "*.egg-info"
)


@pytest.mark.slow
@pytest.mark.install
def test_make_prepares_a_clean_environment_once(tmp_path):
    copy = tmp_path / "lookback"
    # `report` is made at the top and a room in research/, so only the one at the top is left behind.
    shutil.copytree(ROOT, copy, ignore=lambda folder, names: MADE(folder, names) if Path(folder) == ROOT else ())
    assert not (copy / ".venv").exists()
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    make = ("make", "environment", f"PYTHON={sys.executable}")
    assert "Preparing the environment" in run(*make)
    assert "Preparing the environment" not in run(*make)
    assert "verbs:" in run(".venv/bin/python", "run.py", "--help")
    run(".venv/bin/python", "-m", "pip", "check")
    installed = run(".venv/bin/python", "-m", "pip", "freeze", "--exclude-editable")
    locked = map(Requirement, (ROOT / "requirements.lock").read_text("utf-8").splitlines())
    here = [f"{each.name}{each.specifier}" for each in locked if each.marker is None or each.marker.evaluate()]
    assert sorted(installed.split()) == sorted(here)


LOCK = runpy.run_path(str(ROOT / ".ci" / "lock.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_a_line_of_the_lock_is_for_the_pythons_that_take_its_version():
    lines = LOCK["lines"]
    held = {
        "3.13": {"jax": "12", "Same": "1", "middle": "1", "new": "3"},
        "3.11": {"jax": "10", "Same": "1", "middle": "1", "old": "1"},
        "3.12": {"jax": "12", "Same": "1", "middle": "2", "old": "1"},
    }
    assert lines(held) == [
        "jax==10; python_version < '3.12'",
        "jax==12; python_version >= '3.12'",
        "middle==1; python_version == '3.11' or python_version == '3.13'",
        "middle==2; python_version == '3.12'",
        "new==3; python_version >= '3.13'",
        "old==1; python_version < '3.13'",
        "Same==1",
    ]
    for python, taken in held.items():
        environment = {"python_version": python}
        found = [each for each in map(Requirement, lines(held)) if not each.marker or each.marker.evaluate(environment)]
        assert {each.name: str(each.specifier)[2:] for each in found} == taken


def named(python):
    """Return what pyproject.toml names for development on a version of Python."""
    every = map(Requirement, PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"])
    return [each for each in every if not each.marker or each.marker.evaluate({"python_version": python})]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_has_one_exact_version_of_all_that_pyproject_names_for_each_python(python):
    locked = map(Requirement, (ROOT / "requirements.lock").read_text("utf-8").splitlines())
    held = [each for each in locked if not each.marker or each.marker.evaluate({"python_version": python})]
    assert all(each.url is None and [pin.operator for pin in each.specifier] == ["=="] for each in held)
    versions = {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in held}
    assert len(versions) == len(held)
    asked = named(python)
    assert {"jax", "pytest"} <= {each.name for each in asked}
    assert {each.name for each in asked if versions[canonicalize_name(each.name)] not in each.specifier} == set()


@pytest.mark.slow
@pytest.mark.install
def test_the_lock_is_made_of_what_pip_takes_for_all_that_pyproject_names(tmp_path):
    [(python, interpreter)] = LOCK["interpreters"]([sys.executable]).items()
    assert python == f"{sys.version_info.major}.{sys.version_info.minor}"
    taken = {
        canonicalize_name(name): version for name, version in LOCK["resolved"](interpreter, tmp_path / "it").items()
    }
    assert {each.name for each in named(python) if taken[canonicalize_name(each.name)] not in each.specifier} == set()
    assert "lookback" not in taken


def test_a_lock_is_not_begun_with_a_python_that_is_not_there(tmp_path):
    before = (ROOT / "requirements.lock").read_text("utf-8")
    for pythons, said in {
        (sys.executable, "python9.9"): "python9.9 does not start; install it, or name one that does: make lock "
        "PYTHONS='python3.11 ...'",
        (sys.executable, sys.executable): f"{sys.executable} and {sys.executable} are both Python "
        f"{sys.version_info.major}.{sys.version_info.minor}; name one of them",
    }.items():
        command = [sys.executable, ROOT / ".ci" / "lock.py", tmp_path / "made", *pythons]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.strip()) == (1, said)
    assert not (tmp_path / "made").exists()
    assert (ROOT / "requirements.lock").read_text("utf-8") == before


@pytest.mark.parametrize(("version", "code"), [(sys.version_info[:2], 0), ((3, 99), 2)])
def test_an_environment_of_another_python_is_not_taken_for_that_which_is_named(version, code, tmp_path):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {version[0]}.{version[1]}\n")
    python.chmod(0o755)
    command = ["make", "--no-print-directory", "same-python", f"PYTHON={python}", f"RUN={sys.executable}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    said = f".venv/ is of Python {mine}, and {python} is 3.99: make clean removes it, and then the same command makes"
    assert (done.returncode, said in done.stderr) == (code, bool(code))

"""A stranger's first minutes: a copy of the checkout, a clean environment, and the door opens."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

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

    assert "Preparing the environment" in run("make", "environment")
    assert "Preparing the environment" not in run("make", "environment")
    assert "verbs:" in run(".venv/bin/python", "run.py", "--help")
    run(".venv/bin/python", "-m", "pip", "check")
    installed = run(".venv/bin/python", "-m", "pip", "freeze", "--exclude-editable")
    locked = (ROOT / "requirements.lock").read_text("utf-8")
    assert sorted(installed.split()) == sorted(locked.split())

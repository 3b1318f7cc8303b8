"""A disk that is full: one sentence, nothing unfinished, and with more room the same command goes on.

The disk is a tmpfs, which only root can mount; skipped elsewhere.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "--config.model.width=16",
    "--config.data.embedded.train_pairs=200",
    "--config.data.embedded.validation_pairs=20",
    "--config.data.embedded.test_pairs=20",
    "--config.training.steps=6",
    "--config.training.validate_every_steps=2",
    "--config.training.save_every_steps=2",
]


@pytest.fixture
def disk(tmp_path):
    """A function that gives a disk so many kilobytes; it keeps its files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no disk of our own can be mounted here")
    yield folder, lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_save_on_a_full_disk_is_one_sentence_and_goes_on_with_more_room(disk):
    folder, resize = disk
    command = [sys.executable, "run.py", "train", "--config=configs/embedded_tiny.py:luong", f"--workdir={folder}/run"]

    def train():
        done = subprocess.run([*command, *SMALL], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.splitlines()[1:]  # the first line is the size of the run

    checkpoints = folder / "run" / "checkpoints"
    assert train() == (
        1,
        [
            f"error: checkpoint 2 cannot be written to {checkpoints} (no space left on device); earlier ones stay: "
            "make room, and the same command goes on from the last"
        ],
    )
    assert list(checkpoints.iterdir()) == []
    resize("20m")
    assert train() == (0, [])
    assert "6" in [each.name for each in checkpoints.iterdir()]

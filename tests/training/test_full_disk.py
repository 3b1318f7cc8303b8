"""A disk that is full: one sentence, nothing unfinished, and with more room the same command goes on.

The disk is a tmpfs, which only root can mount; skipped elsewhere.
"""

import json
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
    """A function that makes a folder a disk of a size such as 60k, or gives it another one; it keeps its files."""
    mounted = []

    def resize(folder, size):
        if folder not in mounted:
            folder.mkdir(parents=True, exist_ok=True)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
            if subprocess.run(mount, capture_output=True).returncode:
                pytest.skip("no disk of our own can be mounted here")
            mounted.append(folder)
        else:
            subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)

    yield resize
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def train(run, *flags):
    """Return the exit code, and what is said on stderr after the size of the run."""
    command = [sys.executable, "run.py", "train", "--config=configs/embedded_tiny.py:luong", f"--workdir={run}"]
    done = subprocess.run([*command, *SMALL, *flags], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()[1:]


def test_a_save_on_a_full_disk_is_one_sentence_and_goes_on_with_more_room(disk, tmp_path):
    run = tmp_path / "disk" / "run"
    disk(run.parent, "60k")
    checkpoints = run / "checkpoints"
    assert train(run) == (
        1,
        [
            f"error: checkpoint 2 cannot be written to {checkpoints} (no space left on device); earlier ones stay: "
            "make room, and the same command goes on from the last"
        ],
    )
    assert list(checkpoints.iterdir()) == []
    disk(run.parent, "20m")
    assert train(run) == (0, [])
    assert "6" in [each.name for each in checkpoints.iterdir()]


def test_tensorboard_on_a_full_disk_is_one_sentence_and_no_step_is_lost_or_written_twice(disk, tmp_path):
    """A disk of a page, which the events of some ten steps fill, stands where they are written."""
    run, steps = tmp_path / "run", 24
    flags = ["--config.training.log_every_steps=1", f"--config.training.steps={steps}"]
    disk(run / "tensorboard", "4k")
    code, said = train(run, *flags)
    [events] = (run / "tensorboard").iterdir()
    assert (code, said) == (
        1,
        [f"error: cannot write {events}: no space left on device; make room, and give the same command again"],
    )
    written = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert 2 < written[-1] < steps
    disk(run / "tensorboard", "1m")
    assert train(run, *flags) == (0, [])
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [each["step"] for each in records if "train/nll" in each] == list(range(1, steps + 1))
    assert [each["step"] for each in records if "train/nll" not in each] == list(range(2, steps + 1, 2))

"""Jobs and launchers of the tests."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from configs.launchers import launcher
from research.ablation.launching.jobs import Job
from research.ablation.launching.slurm import Slurm

GOES_ON = Path(__file__).with_name("goes_on.py")


def slurm(**fields) -> Slurm:
    small = {"minutes": 5, "cpus": 1, "memory_gb": 1, "grace_seconds": 30, "look_every_seconds": 1}
    return Slurm(**{**launcher("slurm"), **small, **fields})


def shell(folder: Path, name: str, script: str) -> Job:
    return Job(name, ("sh", "-c", script), folder / "logs" / f"{name}.log")


def goes_on(folder: Path, name: str = "long") -> Job:
    return Job(name, (sys.executable, str(GOES_ON), str(folder / f"{name}.state")), folder / "logs" / f"{name}.log")


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)

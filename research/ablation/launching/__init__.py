"""Launchers by name. Each is made from the fields of its config in configs/launchers.py."""

from collections.abc import Callable

from research.ablation.launching.jobs import Launcher
from research.ablation.launching.local import Local
from research.ablation.launching.slurm import Slurm

LAUNCHERS: dict[str, Callable[..., Launcher]] = {"local": Local, "slurm": Slurm}

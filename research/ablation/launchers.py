"""Where jobs can run: a name, and what is made from its config's fields in configs/launchers.py."""

from collections.abc import Callable

from research.ablation.jobs import Launcher
from research.ablation.local import Local
from research.ablation.slurm import Slurm

LAUNCHERS: dict[str, Callable[..., Launcher]] = {"local": Local, "slurm": Slurm}

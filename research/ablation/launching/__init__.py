"""Launchers by name. Each is made from the fields of its config in configs/launchers.py."""

from collections.abc import Callable

from research.ablation.launching.jobs import Launcher
from research.ablation.launching.jobset import KubernetesJobSet
from research.ablation.launching.local import Local
from research.ablation.launching.slurm import Slurm
from research.ablation.launching.tpu_vm import TpuVm

LAUNCHERS: dict[str, Callable[..., Launcher]] = {
    "local": Local,
    "slurm": Slurm,
    "jobset": KubernetesJobSet,
    "tpu_vm": TpuVm,
}

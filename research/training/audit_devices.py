"""The audit of devices: the same training by `pmap`, by `shard_map` and over meshes, on one device and on several, in
one process and in several.

`python run.py audit --devices=N` compares the loss of each step. It is not bit for bit the same: several devices add
the same numbers in another order. Dropout is off, as its masks depend on the device.
"""

import os
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import track

from research.files import json_bytes, write_whole
from research.parallel import host
from research.parallel.devices import STRATEGIES
from research.results.tables import TextTable
from research.training.audit import Trained, refuse_full

STEPS = 20
"""Steps that are compared. Adam makes of a rounding error a step of full size where a gradient is near zero: a small
Transformer differed by 1e-6 nats after 20 steps, and by 2e-3 after 100."""
TOLERANCE = 1e-5  # nats a token: ten times what was measured
COUNT_OF_CPUS = "--xla_force_host_platform_device_count"
VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


class Layout(NamedTuple):
    """A way to spread a training, and how far it is from `pmap` on one device.

    Attributes:
        strategy: a name of `STRATEGIES`.
        devices: how many.
        fsdp: devices that parameters are cut over, as training.fsdp.
        tensor: devices that the widths of layers are cut over, as training.tensor.
        processes: how many share the devices.
        difference: the largest difference of the loss of a step, in nats a token.
    """

    strategy: str
    devices: int
    fsdp: int = 1
    tensor: int = 1
    processes: int = 1
    difference: float = 0.0

    @property
    def agrees(self) -> bool:
        return self.difference <= TOLERANCE

    @property
    def folder(self) -> str:
        """The name of its run folder."""
        mesh = f".{self.fsdp}x{self.tensor}" if self.strategy == "mesh" else ""
        return f"{self.strategy}.{self.devices}{mesh}" + (f".{self.processes}p" if self.processes > 1 else "")


def audit_devices(config: ConfigDict, out: Path, *, devices: int, command: str) -> list[Layout]:
    """Train the first steps in every layout, each in a process of its own, and compare their losses.

    Args:
        config: what is trained.
        out: a folder that is not there yet, or empty: for the run folders, and audit.json.
        devices: how many there are at most; CPUs are cut into so many.
        command: how the audit is made again.

    Raises:
        ValueError: the folder is not empty, or a training failed.
    """
    refuse_full(out)
    chosen = layouts(devices)
    losses: dict[Layout, list[float]] = {}
    for layout in track(chosen, "trained", console=Console(stderr=True)):
        seen = environment(layout.devices // layout.processes)
        run = Trained(out / layout.folder, _first_steps(config, layout), command, seen, layout.processes)
        run.go_on(None, must_end=True)
        facts, found = run.folder.provenance()["devices"], run.folder.metrics()
        if not facts.startswith(f"{layout.devices} × "):
            raise ValueError(f"--devices={devices}: this machine trains on {facts}")
        losses[layout] = [line["train/nll"] for line in found if "train/nll" in line]
    first = losses[chosen[0]]
    done = [
        layout._replace(difference=max(abs(a - b) for a, b in zip(first, losses[layout], strict=True)))
        for layout in chosen[1:]
    ]
    passed = all(layout.agrees for layout in done)
    write_whole(out / "audit.json", json_bytes({"command": command, "passed": passed, "layouts": done}))
    return done


def layouts(devices: int) -> list[Layout]:
    """Return the layouts on one device and on `devices`: each strategy, and a mesh with each of its axes in use.

    On a CPU each strategy comes also in two and in four processes, if so many can share the devices; of accelerators,
    each process of a machine would take all.
    """
    both = (2, 2) if devices % 4 == 0 else (1, devices)
    meshes = dict.fromkeys([(1, 1), (devices, 1), both])
    sizes = {strategy: meshes if strategy == "mesh" else [(1, 1)] for strategy in STRATEGIES}
    found = [Layout(strategy, 1) for strategy in STRATEGIES]
    found += [Layout(strategy, devices, *size) for strategy in STRATEGIES for size in sizes[strategy]]
    for processes in (2, 4):
        if host.computes_on_cpu() and devices % processes == 0:
            for strategy in STRATEGIES:
                fsdp = devices if strategy == "mesh" else 1
                found.append(Layout(strategy, devices, fsdp, processes=processes))
    return found


def _first_steps(config: ConfigDict, layout: Layout) -> ConfigDict:
    """Return the config of a training that logs every step, without dropout."""
    changed = config.copy_and_resolve_references()
    with changed.unlocked():
        training = changed.training
        training.strategy, training.fsdp, training.tensor = layout.strategy, layout.fsdp, layout.tensor
        training.log_every_steps, training.bleu_sentences = 1, 0
        training.steps = training.validate_every_steps = training.save_every_steps = min(STEPS, training.steps)
        for name in [name for name in changed.model if name.endswith("dropout")]:
            changed.model[name] = 0.0
    return changed


def environment(devices: int) -> dict[str, str]:
    """Return what makes so many devices visible to a process: of a CPU, of NVIDIA and of AMD."""
    flags = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if not flag.startswith(COUNT_OF_CPUS)]
    numbers = {name: os.environ.get(name, ",".join(map(str, range(devices)))).split(",") for name in VISIBLE}
    return {
        "XLA_FLAGS": " ".join([*flags, f"{COUNT_OF_CPUS}={devices}"]),
        **{name: ",".join(of[:devices]) for name, of in numbers.items()},
    }


def layouts_table(compared: list[Layout]) -> TextTable:
    """Return the table of the layouts beside `pmap` on one device."""
    rows = [
        [
            each.strategy,
            str(each.devices),
            str(each.fsdp),
            str(each.tensor),
            str(each.processes),
            f"{each.difference:.1e}",
            "yes" if each.agrees else "NO",
        ]
        for each in compared
    ]
    return TextTable(["strategy", "devices", "fsdp", "tensor", "processes", "largest difference, nats", "agrees"], rows)

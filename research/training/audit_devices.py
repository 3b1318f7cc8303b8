"""The audit of devices: the same training by `pmap` and by `shard_map`, on one device and on several.

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
        difference: the largest difference of the loss of a step, in nats a token.
    """

    strategy: str
    devices: int
    difference: float

    @property
    def agrees(self) -> bool:
        return self.difference <= TOLERANCE


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
    layouts = [(strategy, count) for count in (1, devices) for strategy in STRATEGIES]
    losses: dict[tuple[str, int], list[float]] = {}
    for strategy, count in track(layouts, "trained", console=Console(stderr=True)):
        run = Trained(out / f"{strategy}.{count}", _first_steps(config, strategy), command, environment(count))
        run.go_on(None, must_end=True)
        facts, found = run.folder.provenance()["devices"], run.folder.metrics()
        if not facts.startswith(f"{count} × "):
            raise ValueError(f"--devices={devices}: this machine trains on {facts}")
        losses[strategy, count] = [line["train/nll"] for line in found if "train/nll" in line]
    first = losses[layouts[0]]
    done = [
        Layout(strategy, count, max(abs(a - b) for a, b in zip(first, losses[strategy, count], strict=True)))
        for strategy, count in layouts[1:]
    ]
    passed = all(layout.agrees for layout in done)
    write_whole(out / "audit.json", json_bytes({"command": command, "passed": passed, "layouts": done}))
    return done


def _first_steps(config: ConfigDict, strategy: str) -> ConfigDict:
    """Return the config of a training that logs every step, without dropout."""
    changed = config.copy_and_resolve_references()
    with changed.unlocked():
        training = changed.training
        training.strategy, training.log_every_steps, training.bleu_sentences = strategy, 1, 0
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


def layouts_table(layouts: list[Layout]) -> TextTable:
    """Return the table of the layouts beside `pmap` on one device."""
    rows = [
        [each.strategy, str(each.devices), f"{each.difference:.1e}", "yes" if each.agrees else "NO"] for each in layouts
    ]
    return TextTable(["strategy", "devices", "largest difference, nats", "agrees"], rows)

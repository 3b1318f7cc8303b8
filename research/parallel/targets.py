"""Hardware that a program can be compiled for without having it: what it is, and JAX's devices of it.

    target("v5e:16x16").devices()

An accelerator's compiler runs on a CPU. It comes with the accelerator's package, which has to be installed. Training is
not slower or faster for what is written here: the table is read by `python run.py plan` alone.
"""

import math
import os
import re
from importlib.util import find_spec
from typing import NamedTuple

import jax
from jax.experimental import topologies

from research.parallel import host

GiB = 2**30
TERA, GIGA = 1e12, 1e9


class Chip(NamedTuple):
    """A chip of which JAX makes one device.

    Attributes:
        platform: "tpu", "cuda" or "cpu".
        memory: its memory, bytes.
        bfloat16: FLOP/s of dense matrix products at its peak.
        float32: the same in float32, which Lookback computes exactly, without TF32.
        bandwidth: bytes/s between the chip and its memory.
        interconnect: bytes/s that it can send to other chips of its pod or machine, over all its links.
        network: bytes/s that it can send to other machines, if those are reached another way; else 0.
    """

    platform: str
    memory: int
    bfloat16: float
    float32: float
    bandwidth: float
    interconnect: float
    network: float = 0.0


def _tpu(gibibytes: int, teraflops: float, bandwidth: float, interconnect: float) -> Chip:
    # Six passes of bfloat16 make a float32 product at JAX's precision "highest", which Lookback asks for.
    return Chip("tpu", gibibytes * GiB, teraflops * TERA, teraflops * TERA / 6, bandwidth * GIGA, interconnect * GIGA)


CHIPS: dict[str, Chip] = {
    # cloud.google.com/tpu/docs/v4, /v5e, /v5p, /v6e: "Key specifications". The interconnect is given there for both
    # directions together (v5e 400, v5p 1,200 GB/s), or as Gbit/s of one (v5e 1,600, v4 2,400).
    "v4": _tpu(32, 275, 1_200, 300),
    "v5e": _tpu(16, 197, 819, 200),
    "v5p": _tpu(95, 459, 2_765, 600),
    "v6e": _tpu(32, 918, 1_638, 448),
    # nvidia.com/en-us/data-center/h100 and /h200, the SXM modules: half of what is given "with sparsity"; NVLink 900
    # GB/s for both directions. The network: docs.nvidia.com/dgx, a DGX H100 has one 400 Gbit/s adapter a GPU.
    "h100": Chip("cuda", 80 * 10**9, 989 * TERA, 67 * TERA, 3_350 * GIGA, 450 * GIGA, 50 * GIGA),
    "h200": Chip("cuda", 141 * 10**9, 989 * TERA, 67 * TERA, 4_800 * GIGA, 450 * GIGA, 50 * GIGA),
}
EXAMPLES = "v5e:16x16, v5p:2x2x1, v6e:2x4, h100:8x8 (8 machines of 8) or cpu:8"
DIMENSIONS = {"tpu": (2, 3), "cuda": (2,), "cpu": (1,)}
PLUGINS = {"tpu": ("libtpu", "tpu"), "cuda": ("jax_cuda12_plugin", "cuda")}
"""Platform -> the package that has its compiler, and the extra of Lookback that installs it."""


class Target(NamedTuple):
    """A number of chips, wired together.

    Attributes:
        name: as it was typed, such as "v5e:2x4".
        chip: what each of them is.
        shape: of a TPU the shape of the slice; of GPUs machines and GPUs a machine.
    """

    name: str
    chip: Chip
    shape: tuple[int, ...]

    @property
    def chips(self) -> int:
        return math.prod(self.shape)

    @property
    def link(self) -> float:
        """Bytes/s that a chip can send, at the most, in an exchange among all chips; 0 if that is not known."""
        machines = self.shape[0] if self.chip.platform == "cuda" else 1
        # The GPUs of a machine can add up first, and share its network then.
        return (
            min(self.chip.interconnect, self.chip.network * self.shape[-1]) if machines > 1 else self.chip.interconnect
        )

    def devices(self) -> list[jax.Device]:
        """Return the devices, those of a process side by side. Call before JAX computes.

        Raises:
            ValueError: the compiler is not installed, or knows no such shape.
        """
        _start_on_cpu(self.chips if self.chip.platform == "cpu" else 0)
        if self.chip.platform == "cpu":
            found = host.all_devices()
            if len(found) < self.chips:
                raise ValueError(f"--target={self.name}: JAX has started with {len(found)} CPU devices; ask for fewer")
            return found[: self.chips]
        package, extra = PLUGINS[self.chip.platform]
        if find_spec(package) is None:
            raise ValueError(
                f"--target={self.name} needs the compiler of {package}: install it, on any machine, with "
                f"`pip install -e '.[{extra}]'`"
            )
        try:
            described = _tpu_slice(self.name) if self.chip.platform == "tpu" else _gpus(self)
        except Exception as error:  # of as many kinds as there are plugins
            reason = " ".join(str(error).split())[:300]
            raise ValueError(f"--target={self.name} is refused by its compiler: {reason}") from error
        return sorted(described.devices, key=lambda device: (device.process_index, device.id))


def target(name: str) -> Target:
    """Return the target that a name such as v5e:2x4 stands for.

    Raises:
        ValueError: there is no such chip, or the shape has another number of sides.
    """
    kind, _, text = name.partition(":")
    if kind not in (*CHIPS, "cpu"):
        raise ValueError(f"--target={name}: no chip {kind!r}; choose of {', '.join(CHIPS)}, cpu, such as {EXAMPLES}")
    chip = CHIPS[kind] if kind in CHIPS else _this_cpu()
    sides = text.split("x")
    if len(sides) not in DIMENSIONS[chip.platform] or not all(re.fullmatch("[1-9][0-9]{0,3}", side) for side in sides):
        raise ValueError(f"--target={name}: say how many chips, such as {EXAMPLES}")
    shape = tuple(map(int, sides))
    if chip.platform == "cpu":
        chip = chip._replace(memory=chip.memory // math.prod(shape))
    return Target(name, chip, shape)


def _this_cpu() -> Chip:
    """Return this host as a chip: its memory; speeds that nobody has measured are 0."""
    return Chip("cpu", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), 0.0, 0.0, 0.0, 0.0)


def _start_on_cpu(devices: int) -> None:
    """Keep JAX from an accelerator that may be here, and at work; with so many CPU devices, 0 for what is set."""
    try:
        jax.config.update("jax_platforms", "cpu")
        if devices and not host.number_is_set():
            jax.config.update("jax_num_cpu_devices", devices)
    except RuntimeError:  # JAX has started already; `devices` says so if there are too few
        return


def _tpu_slice(name: str) -> topologies.TopologyDescription:
    # The compiler asks for no metadata of a TPU VM, and shares its lock with others that compile.
    for variable, value in {
        "TPU_SKIP_MDS_QUERY": "1",
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
        "TPU_WORKER_HOSTNAMES": "localhost",
        "TPU_ACCELERATOR_TYPE": "v5litepod-8",  # of the host that is made up; `name` says what is compiled for
    }.items():
        os.environ.setdefault(variable, value)
    return topologies.get_topology_desc(name, platform="tpu")


def _gpus(target: Target) -> topologies.TopologyDescription:
    # XLA would time kernels on the GPU that is not there.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_autotune_level=0".strip()
    machines, each = target.shape
    return topologies.get_topology_desc(
        topology_name=target.name,
        platform="cuda",
        target_config=_hopper(target.chip),
        topology=f"1x{machines}x{each}",
    )


def _hopper(chip: Chip) -> str:
    """Return a GPU of compute capability 9.0 as XLA's GpuTargetConfigProto, in text.

    Its numbers are those of the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
    """
    limits = {
        "threads_per_block_limit": 1_024,
        "threads_per_warp": 32,
        "shared_memory_per_block": 49_152,
        "shared_memory_per_block_optin": 232_448,
        "shared_memory_per_core": 233_472,
        "threads_per_core_limit": 2_048,
        "registers_per_core_limit": 65_536,
        "registers_per_block_limit": 65_536,
        "core_count": 132,
        "fpus_per_core": 128,
        "block_dim_limit_x": 2**31 - 1,
        "block_dim_limit_y": 65_535,
        "block_dim_limit_z": 65_535,
        "l2_cache_size": 50 * 2**20,
        "clock_rate_ghz": 1.98,
        "memory_bandwidth": int(chip.bandwidth),
        "device_memory_size": chip.memory,
    }
    lines = "\n".join(f"  {name}: {value}" for name, value in limits.items())
    return (
        f"gpu_device_info {{\n{lines}\n  cuda_compute_capability {{ major: 9 minor: 0 }}\n}}\n"
        'platform_name: "CUDA"\ndnn_version_info { major: 9 minor: 8 }\n'
    )

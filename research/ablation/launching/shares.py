"""The division of this machine's cores and accelerators among jobs that run at the same time."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# kind -> the variable that lists which of them a process sees
VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "rocm": "ROCR_VISIBLE_DEVICES", "tpu": "TPU_VISIBLE_CHIPS"}
TPU_BOUNDS = {1: "1,1,1", 2: "1,2,1", 4: "2,2,1"}  # chips of a process -> their shape


@dataclass(frozen=True)
class Share:
    """A part of this machine, which one job has at a time.

    Args:
        cores: the cores that the job may run on; none means any.
        environment: variables of the job; None removes one.
    """

    cores: tuple[int, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)


def divide_machine(
    *, jobs_at_once: int, cores_per_job: int, accelerator: str, accelerators: int, accelerators_per_job: int
) -> list[Share]:
    """Divide this machine into shares, one for each job that runs at the same time.

    Args:
        jobs_at_once: how many shares.
        cores_per_job: cores of a share; 0 divides all evenly.
        accelerator: their kind, a key of VISIBLE.
        accelerators: how many the machine has, unless the variable of VISIBLE lists them.
        accelerators_per_job: accelerators of a share; 0 lets every job see all.

    Raises:
        ValueError: the machine has less than is asked for.
    """
    cores = _cores(jobs_at_once, cores_per_job)
    visible = _visible(jobs_at_once, accelerator, accelerators, accelerators_per_job)
    return [Share(own, {**_threads(own), **seen}) for own, seen in zip(cores, visible, strict=True)]


def _cores(count: int, each: int) -> list[tuple[int, ...]]:
    ours = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if each * count > (have := len(ours) or os.cpu_count() or 1):
        raise ValueError(
            f"launcher.jobs_at_once={count} with launcher.cores_per_job={each} needs {each * count} cores, and "
            f"there are {have}; lower one, or let cores_per_job=0 divide them"
        )
    each = each or len(ours) // count  # 0 with fewer cores than jobs: they share them all
    if each in (0, len(ours)):
        return [()] * count
    return [tuple(ours[each * i : each * (i + 1)]) for i in range(count)]


def _threads(cores: Sequence[int]) -> dict[str, str]:
    """Tell libraries that do not read the affinity. A number that a person has set stays."""
    return {"OMP_NUM_THREADS": str(len(cores))} if cores and "OMP_NUM_THREADS" not in os.environ else {}


def _visible(count: int, kind: str, accelerators: int, each: int) -> list[dict[str, str]]:
    if each == 0:
        return [{}] * count
    if kind not in VISIBLE:
        raise ValueError(f"launcher.accelerator={kind!r} is unknown; choose one of {', '.join(VISIBLE)}")
    if kind == "tpu" and each not in TPU_BOUNDS:
        raise ValueError(f"launcher.accelerators_per_job={each}: a job can have 1, 2 or 4 TPU chips")
    listed = [name for name in os.environ.get(VISIBLE[kind], "").split(",") if name.strip()]
    ours = listed or [str(index) for index in range(accelerators)]
    if each * count > len(ours):
        raise ValueError(
            f"launcher.jobs_at_once={count} with launcher.accelerators_per_job={each} needs {each * count}, and "
            f"{len(ours)} are known: list them in {VISIBLE[kind]}, or set launcher.accelerators to their number"
        )
    seen = [{VISIBLE[kind]: ",".join(ours[each * i : each * (i + 1)])} for i in range(count)]
    if kind == "tpu":  # as if the host had these chips only
        bounds = {"TPU_CHIPS_PER_PROCESS_BOUNDS": TPU_BOUNDS[each], "TPU_PROCESS_BOUNDS": "1,1,1"}
        seen = [{**one, **bounds, "ALLOW_MULTIPLE_LIBTPU_LOAD": "1"} for one in seen]
    return seen

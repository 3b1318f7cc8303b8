"""Jobs on this machine: one after another, or several at once, its cores or accelerators divided among them."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from shlex import join

from research.ablation.launching.jobs import Job, Outcome, last_lines, start
from research.ablation.launching.jobs_bar import jobs_bar
from research.ablation.launching.stopping import stop_requested

LOOK_EVERY_SECONDS = 0.1

# kind -> the variable that lists which of them a process sees
VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "rocm": "ROCR_VISIBLE_DEVICES", "tpu": "TPU_VISIBLE_CHIPS"}
TPU_BOUNDS = {1: "1,1,1", 2: "1,2,1", 4: "2,2,1"}  # chips of a process -> their shape


@dataclass(frozen=True)
class Slot:
    """A share of the machine, which has one job at a time. cores: none means any."""

    cores: tuple[int, ...]
    environment: Mapping[str, str]


@dataclass
class _Running:
    job: Job
    slot: Slot
    process: subprocess.Popen[bytes]
    began: float
    told: int = 0  # how many requests to stop were passed on to it

    def tell(self, requests: int) -> None:
        """Pass on that many requests to stop: the first lets it save, the second ends it."""
        if self.told >= requests or self.process.returncode is not None:
            return
        self.told = requests
        if requests == 1:
            self.process.terminate()  # not its children: it may need them to save
        else:
            self.kill_group()

    def kill_group(self) -> None:
        """End it and whatever it started."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left
            os.killpg(self.process.pid, signal.SIGKILL)

    def outcome(self) -> Outcome | None:
        """How it ended, or None while it runs. What it left running is killed."""
        code = self.process.poll()
        if code is None:
            return None
        self.kill_group()
        return Outcome(self.job, code, time.monotonic() - self.began, last_lines(self.job.log))


@dataclass(frozen=True)
class Local:
    """Fields: see configs/launchers.py."""

    jobs_at_once: int
    cores_per_job: int
    accelerator: str
    accelerators: int
    accelerators_per_job: int

    def launch(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """See `Launcher.launch`. A second Ctrl-C or SIGTERM kills the jobs."""
        return self._launch(jobs, self.slots())  # what is wrong with the fields is said now

    def dry_run(self, jobs: Sequence[Job]) -> str:
        """The command lines, in order, and what each may use."""
        first = self.slots()[0]
        shares = [f"cores {','.join(map(str, first.cores))}"] if first.cores else []
        shares += [f"{name}={value}" for name, value in first.environment.items()]
        head = f"# {len(jobs)} jobs, {self.jobs_at_once} at once{'; the first has ' if shares else ''}"
        return "\n".join([head + ", ".join(shares), *(join(job.command) for job in jobs)]) + "\n"

    def slots(self) -> list[Slot]:
        """`jobs_at_once` shares of the machine; ValueError when it has not so much."""
        if self.jobs_at_once < 1:
            raise ValueError(f"launcher.jobs_at_once={self.jobs_at_once} starts nothing; give at least 1")
        return [
            Slot(cores, {**_threads(cores), **seen})
            for cores, seen in zip(self._cores(), self._accelerators(), strict=True)
        ]

    def _cores(self) -> list[tuple[int, ...]]:
        count, each = self.jobs_at_once, self.cores_per_job
        ours = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if each * count > (have := len(ours) or os.cpu_count() or 1):
            raise ValueError(
                f"launcher.jobs_at_once={count} with launcher.cores_per_job={each} needs {each * count} cores, and "
                f"there are {have}; lower one, or let cores_per_job=0 divide them"
            )
        each = each or len(ours) // count  # 0 where there are fewer cores than jobs: they share them all
        if each in (0, len(ours)):
            return [()] * count
        return [tuple(ours[each * i : each * (i + 1)]) for i in range(count)]

    def _accelerators(self) -> list[dict[str, str]]:
        count, each = self.jobs_at_once, self.accelerators_per_job
        if each == 0:
            return [{}] * count
        if self.accelerator not in VISIBLE:
            raise ValueError(
                f"launcher.accelerator={self.accelerator!r} is unknown; choose one of {', '.join(VISIBLE)}"
            )
        if self.accelerator == "tpu" and each not in TPU_BOUNDS:
            raise ValueError(f"launcher.accelerators_per_job={each}: of TPU chips a job can have 1, 2 or 4")
        variable = VISIBLE[self.accelerator]
        listed = [name for name in os.environ.get(variable, "").split(",") if name.strip()]
        ours = listed or [str(index) for index in range(self.accelerators)]
        if each * count > len(ours):
            raise ValueError(
                f"launcher.jobs_at_once={count} with launcher.accelerators_per_job={each} needs {each * count}, and "
                f"{len(ours)} are known: list them in {variable}, or set launcher.accelerators to their number"
            )
        return [_visible(self.accelerator, ours[each * i : each * (i + 1)]) for i in range(count)]

    def _launch(self, jobs: Sequence[Job], slots: Sequence[Slot]) -> Iterator[Outcome]:
        waiting, free = deque(jobs), deque(slots)
        running: list[_Running] = []
        done = 0

        def pass_on() -> None:
            for one in list(running):
                one.tell(len(stop))

        with stop_requested(pass_on) as stop, jobs_bar(len(jobs), self.jobs_at_once) as bar:
            try:
                while running or (waiting and not stop):
                    while waiting and free and not stop:
                        running.append(_begin(waiting.popleft(), free.popleft()))
                        bar.running([one.job.name for one in running])
                    pass_on()  # to one that was started as the request came
                    for one, outcome in [(one, one.outcome()) for one in running]:
                        if outcome is None:
                            continue
                        running.remove(one)
                        free.append(one.slot)
                        if outcome.ok or not one.told:  # else we stopped it ourselves
                            done += 1
                            bar.ended(outcome)
                            yield outcome
                    bar.running([one.job.name for one in running])
                    time.sleep(LOOK_EVERY_SECONDS)
            finally:  # whoever takes the outcomes may have given up
                for one in running:
                    one.tell(1)
                for one in running:
                    if one.process.returncode is None:
                        one.process.wait()
                        one.kill_group()
        if done < len(jobs):
            raise KeyboardInterrupt(
                f"stopped with {done} of {len(jobs)} jobs ended and the others saved; "
                "the same command with --resume goes on"
            )


def _begin(job: Job, slot: Slot) -> _Running:
    process = start(job, own_group=True, environment=slot.environment, cores=slot.cores)
    return _Running(job, slot, process, time.monotonic())


def _threads(cores: Sequence[int]) -> dict[str, str]:
    """What reads no affinity is told by a variable; a number that a person has set stays. XLA reads it."""
    return {"OMP_NUM_THREADS": str(len(cores))} if cores and "OMP_NUM_THREADS" not in os.environ else {}


def _visible(kind: str, names: Sequence[str]) -> dict[str, str]:
    seen = {VISIBLE[kind]: ",".join(names)}
    if kind == "tpu":  # as if the host had these chips only
        seen |= {
            "TPU_CHIPS_PER_PROCESS_BOUNDS": TPU_BOUNDS[len(names)],
            "TPU_PROCESS_BOUNDS": "1,1,1",
            "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
        }
    return seen

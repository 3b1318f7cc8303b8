"""The audit of exact resume: a training that is killed again and again must be, bit for bit, the one that was not.

`python run.py audit` trains a config once unbroken, and once more killed at random and at the worst moments, each time
started again by the same command. Processes of their own train (`training.audited`): SIGKILL leaves nothing to mend.
"""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import track

from research.files import json_bytes, write_whole
from research.parallel.endings import ROOT
from research.results.checkpoints import NOTES_DIGEST, Checkpoints
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder
from research.results.tables import TextTable
from research.training.audited import MOMENTS, SIGNALS, Attempt, Moment, Step

CLOCK = ("seconds", "train/tokens_per_second")
"""Metrics that differ from one training to the next."""
FAR = 3
"""The last occurrence that may kill of a moment that comes again and again."""


class Kill(NamedTuple):
    """A kill, and what came of it.

    Attributes:
        moment: when it was to be.
        died: the last step that was done; 0 before the first.
        code: the exit code of the process: -9, 130 after a signal that asks, 0 where it came to its end first.
        resumed: the step from which the same command went on.
        equal: whether every step before it and after it, as far as either try came, left the state, read the batch and
            stood at the place in the data of the unbroken training.
    """

    moment: Moment
    died: int
    code: int
    resumed: int
    equal: bool

    @property
    def lost(self) -> int:
        """Steps that were done twice."""
        return self.died - self.resumed


class Audit(NamedTuple):
    """The kills, and in what the finished run folders differ."""

    kills: list[Kill]
    differences: list[str]

    @property
    def passed(self) -> bool:
        """True if the killed training was the unbroken one, bit for bit."""
        return not self.differences and all(kill.equal for kill in self.kills)


def audit(config: ConfigDict, out: Path, *, kills: int, seed: int, command: str) -> Audit:
    """Train unbroken and killed, and compare every step.

    Args:
        config: what is trained.
        out: a folder that is not there yet, or empty: for the run folders unbroken and killed.N, and logs.
        kills: how many times a process is killed.
        seed: of the moments.
        command: how the audit is made again.

    Raises:
        ValueError: the folder is not empty, or the unbroken training failed.
    """
    refuse_full(out)
    console = Console(stderr=True)
    console.print(f"training {config.training.steps:,} steps unbroken", highlight=False)
    unbroken = Trained(out / "unbroken", config, command)
    began = time.monotonic()
    unbroken.go_on(None, must_end=True)
    seconds = time.monotonic() - began
    known = {each.step: each for each in unbroken.steps()}
    chosen = list(_moments(kills, random.Random(seed), config, seconds))
    done: list[Kill] = []
    differences: list[str] = []
    since: list[int] = []
    broken = Trained(out / "killed.1", config, command)
    for number, moment in enumerate(track([*chosen, None], "killed", console=console)):
        before = len(broken.steps())
        code = broken.go_on(moment, must_end=moment is None)
        tried = broken.steps()[before:]
        equal = all(known.get(each.step) == each for each in tried)
        if tried:  # this try tells what became of the kills since the last one that came to a step
            for index in since:
                done[index] = done[index]._replace(resumed=tried[0].step - 1, equal=done[index].equal and equal)
            since.clear()
        if moment is not None:
            died = tried[-1].step if tried else (done[-1].died if before else 0)
            done.append(Kill(moment, died, code, died, equal))
            since += [len(done) - 1] if code else []
        elif not equal:
            differences.append(f"{broken.folder.path.name}: the steps of its last try differ")
        if code == 0:
            since.clear()
            differences += _differences(unbroken, broken)
            broken = Trained(out / f"killed.{number + 2}", config, command)
    found = Audit(done, differences)
    write_whole(out / "audit.json", json_bytes({"command": command, "passed": found.passed, **_as_json(found)}))
    return found


def refuse_full(out: Path) -> None:
    """Raise ValueError unless a folder is empty or not there."""
    if out.is_dir() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty: choose another --out, or remove it")


class Trained:
    """A run folder that is trained by processes of their own, and the log of their steps.

    Args:
        folder: the run folder.
        config: what is trained.
        command: for provenance.json.
        environment: variables that the processes have beside ours.
        processes: how many train it together.
    """

    def __init__(
        self,
        folder: Path,
        config: ConfigDict,
        command: str,
        environment: Mapping[str, str] = {},
        processes: int = 1,
    ):
        self.processes = processes
        self.folder, self.config, self.command = RunFolder(folder), config, command
        self.environment = {**os.environ, **environment}
        self.log, self.attempt = (folder.with_name(f"{folder.name}.{kind}") for kind in ("steps.jsonl", "attempt.json"))

    def go_on(self, moment: Moment | None, *, must_end: bool) -> int:
        """Begin or go on by the same command, and return the exit code."""
        where = f"localhost:{_free_port()}" if self.processes > 1 else ""
        config, folder, log = config_as_json(self.config), str(self.folder.path), str(self.log)
        attempt = Attempt(config, folder, log, self.command, moment, self.processes, where)
        write_whole(self.attempt, json_bytes(attempt))
        output = self.log.with_suffix(".log")
        with output.open("ab") as said:
            command = [sys.executable, "-m", "research.training.audited", str(self.attempt)]
            started = [
                subprocess.Popen([*command, str(number)], stdout=said, stderr=said, cwd=ROOT, env=self.environment)
                for number in range(self.processes)
            ]
            code = max((each.wait() for each in started), key=abs)
        if code and (must_end or code not in (-9, 130)):
            raise ValueError(f"the training failed with code {code}; its last words are in {output}")
        return code

    def steps(self) -> list[Step]:
        """Return what was logged; a line that a kill cut short does not count."""
        lines = self.log.read_bytes().split(b"\n")[:-1] if self.log.exists() else []
        return [msgspec.json.decode(line, type=Step) for line in lines]


def _free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def _moments(kills: int, chance: random.Random, config: ConfigDict, seconds: float) -> Iterator[Moment]:
    """Yield every kind of moment in turn, in an order by chance, each at an occurrence or a time by chance."""
    names: list[str] = []
    for _ in range(kills):
        names = names or chance.sample(list(MOMENTS), len(MOMENTS))
        name = names.pop()
        if name in SIGNALS:
            yield Moment(name, chance.randint(1, config.training.steps))
        elif name == "any time":
            yield Moment(name, round(1000 * chance.uniform(0, seconds)))
        else:
            yield Moment(name, 1 if name == "its first files" else chance.randint(1, FAR))


def _differences(unbroken: Trained, broken: Trained) -> list[str]:
    """Say in what two finished run folders differ, times apart."""
    sides = [_left(each.folder) for each in (unbroken, broken)]
    return [f"{broken.folder.path.name}: {name} differs" for name in sides[0] if sides[0][name] != sides[1][name]]


def _left(folder: RunFolder) -> dict[str, Any]:
    with closing(Checkpoints(folder.checkpoints)) as checkpoints:
        steps, best = checkpoints.steps(), checkpoints.best_step()
        notes = {step: checkpoints.restore(step)[1] for step in steps}
    for note in notes.values():
        del note["seconds"], note[NOTES_DIGEST]
    facts = folder.provenance()
    metrics = [{name: value for name, value in each.items() if name not in CLOCK} for each in folder.metrics()]
    return {
        "steps of the checkpoints": steps,
        "best checkpoint": best,
        "a checkpoint": notes,
        "metrics.jsonl": metrics,
        "provenance.json": {name: facts[name] for name in ("steps", "tokens", "digests", "files", "parameters")},
    }


def _as_json(found: Audit) -> dict[str, Any]:
    kills = [{**msgspec.structs.asdict(each.moment), **each._asdict(), "lost": each.lost} for each in found.kills]
    return {
        "kills": [{name: value for name, value in each.items() if name != "moment"} for each in kills],
        "differences": found.differences,
    }


def audit_table(kills: Sequence[Kill]) -> TextTable:
    """Return the table of the kills: the last step before, the step from which it went on, and steps done twice."""
    rows = [
        [
            each.moment.name,
            f"{each.died:,}" if each.code else "the end",
            f"{each.resumed:,}" if each.code else "",
            f"{each.lost:,}" if each.code else "",
            "yes" if each.equal else "NO",
        ]
        for each in kills
    ]
    return TextTable(["killed at", "step", "went on from", "lost", "equal"], rows)

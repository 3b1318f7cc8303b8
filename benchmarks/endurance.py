"""Memory, open files and compiled programs of a long command: do they grow?

    python -m benchmarks.endurance OUT -- python run.py train --config=... --workdir=...
    python -m benchmarks.endurance OUT --input=TEXT -- python run.py translate --workdir=...

OUT.csv has a line a second, and OUT.png draws it. The last line that is printed compares the middle with the end.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import altair as alt
import psutil

from benchmarks.door import run

COMPILED = "Finished XLA compilation of"
"""Part of a line that JAX logs for each program; a program of the compilation cache counts as well."""
LAST_SHARE = 0.1  # the end of the time, of which medians are compared with as much of its middle
MOST_DRAWN = 1_000  # samples
NOISE = ("Finished ", "Compiling ", "WARNING:2")  # of lines that JAX logs beside it, which a person does not want


class Sample(NamedTuple):
    """The state of a process and of those below it at a second."""

    seconds: float
    mebibytes: float
    open_files: int
    programs: int


def watch(command: Sequence[str], *, input_: Path | None, every: float) -> tuple[int, list[Sample]]:
    """Run a command, and return its exit code with what was seen of it.

    Args:
        command: the command and its arguments.
        input_: its standard input; None: none.
        every: seconds between two samples.
    """
    began, programs = time.monotonic(), [0]
    with (
        open(input_ or os.devnull, "rb") as stdin,
        subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, "JAX_LOG_COMPILES": "1"},
        ) as process,
    ):
        try:
            assert process.stderr is not None
            reading = threading.Thread(target=_read, args=(process.stderr, programs))
            reading.start()
            samples, seen = [], psutil.Process(process.pid)
            while process.poll() is None:
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
                    memory, files = _held(seen)
                    samples.append(Sample(time.monotonic() - began, memory / 2**20, files, programs[0]))
                time.sleep(every)
        finally:
            process.kill()  # if this process was told to end
        reading.join()
    return process.returncode, samples


def _held(process: psutil.Process) -> tuple[int, int]:
    """Return the bytes and open files of a process and those below it; what they share counts for each."""
    memory, files = process.memory_info().rss, process.num_fds()
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
            memory, files = memory + child.memory_info().rss, files + child.num_fds()
    return memory, files


def _read(lines: Sequence[str], programs: list[int]) -> None:
    for line in lines:
        if COMPILED in line:
            programs[0] += 1
        elif not any(noise in line for noise in NOISE):
            print(line, end="", file=sys.stderr, flush=True)


def growth(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """Return of each quantity its median at the middle of the time and at its end, each over a tenth of the samples."""
    width = max(1, round(LAST_SHARE * len(samples)))
    middle = len(samples) // 2
    parts = samples[middle : middle + width], samples[-width:]
    first, last = (Sample(*map(statistics.median, zip(*part, strict=True))) for part in parts)
    return {name: (getattr(first, name), getattr(last, name)) for name in Sample._fields[1:]}


def draw(samples: Sequence[Sample], file: Path, title: str) -> None:
    """Draw each quantity over time, all from zero."""
    drawn = samples[:: -(-len(samples) // MOST_DRAWN)]
    rows = [{**sample._asdict(), "minutes": sample.seconds / 60} for sample in drawn]
    panels = [
        alt.Chart(alt.Data(values=rows), title=name.replace("_", " "), width=260, height=140)
        .mark_line(strokeWidth=1)
        .encode(x=alt.X("minutes:Q"), y=alt.Y(f"{name}:Q", title=None, scale=alt.Scale(zero=True)))
        for name in Sample._fields[1:]
    ]
    alt.hconcat(*panels, title=title).save(file)


def main(arguments: Sequence[str]) -> int:
    """Watch a command to its end, write what was seen, and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="OUT.csv and OUT.png are written")
    parser.add_argument("--input", type=Path, metavar="FILE", help="the standard input of the command")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="between two samples (default: 1)")
    parser.add_argument("command", nargs="+", help="after --")
    flags = parser.parse_args(arguments)
    code, samples = watch(flags.command, input_=flags.input, every=flags.every)
    if not samples:
        print("error: the command ended before anything was seen of it", file=sys.stderr)
        return code or 1
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    with flags.out.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Sample._fields)
        writer.writerows((f"{s.seconds:.1f}", f"{s.mebibytes:.1f}", s.open_files, s.programs) for s in samples)
    draw(samples, flags.out.with_suffix(".png"), " ".join(flags.command[:4]))
    said = ", ".join(f"{name.replace('_', ' ')} {a:,.0f} → {b:,.0f}" for name, (a, b) in growth(samples).items())
    print(f"{samples[-1].seconds / 60:.1f} minutes, middle → end: {said}")
    return code


if __name__ == "__main__":
    run(main, "the watch")

"""The share of a job of `ablate` that goes into training steps: `python -m benchmarks.job`.

A job trains one model under three seeds and evaluates each, in one process on one core, with programs and corpora in
the cache: it is run twice, and the second time is measured. What is not a step is the start of Python, the loading of
compiled programs, validation, checkpoints and evaluation.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commits import ONE_CORE, RATE
from benchmarks.door import run
from benchmarks.rounds import ROOT
from configs.command_line import load
from research.ablation.work import Task
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder


def main(arguments: Sequence[str]) -> int:
    """Run the job, print its seconds and the share of them that were steps, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="configs/embedded_tiny.py:luong")
    parser.add_argument("--seeds", type=int, default=3)
    flags = parser.parse_args(arguments)
    config = load(flags.config)
    split = next(iter(config.data.tests), "test")
    for turn in ("cold or warm", "warm"):
        with tempfile.TemporaryDirectory() as scratch:
            folders = {seed: str(Path(scratch) / str(seed)) for seed in range(flags.seeds)}
            task = Task("train", config_as_json(config), folders, split, "beam1", "python run.py train")
            file = Path(scratch) / "job.json"
            file.write_text(task.as_json())
            begin = time.perf_counter()
            command = [*ONE_CORE, sys.executable, "-m", "research.ablation.work", str(file)]
            subprocess.run(command, cwd=ROOT, check=True)
            whole = time.perf_counter() - begin
            steps = sum(seconds_of_steps(RunFolder(folder)) for folder in folders.values())
        print(f"{turn}: {whole:.1f} s, of which {steps:.1f} s were steps: {steps / whole:.0%}")
    return 0


def seconds_of_steps(run: RunFolder) -> float:
    """Return target tokens over the median rate, which leaves out the waits for compiled programs."""
    rate = statistics.median(record[RATE] for record in run.metrics() if RATE in record)
    return run.provenance()["tokens"] / rate


if __name__ == "__main__":
    run(main, "the benchmark")

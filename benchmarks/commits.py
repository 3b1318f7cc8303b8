"""Training speed of another commit beside that of this checkout, in turn, each with its own config and on one core.

    python -m benchmarks.commits aee8c61 --config=configs/embedded_tiny.py:luong --rounds=3

The other commit is checked out into a temporary worktree and run by this environment.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from benchmarks.door import run
from benchmarks.rounds import ROOT
from research.results.tables import TextTable, terminal_table

SETTLED = 200  # steps after which every shape has been compiled
RATE = "train/tokens_per_second"
ONE_CORE = ("taskset", "-c", "0")  # util-linux; a core of its own also for the threads of XLA


def main(arguments: Sequence[str]) -> int:
    """Train both for some rounds, print target tokens a second of each and their ratio, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="what `git worktree add` takes")
    parser.add_argument("--config", default="configs/embedded_tiny.py:luong", help="a config that both commits have")
    parser.add_argument("--steps", type=int, default=600, help="steps of a run, beyond the 200 that are not counted")
    parser.add_argument("--rounds", type=int, default=3)
    flags = parser.parse_args(arguments)
    rows = []
    with other_checkout(flags.commit) as other, tempfile.TemporaryDirectory() as scratch:
        for number in range(flags.rounds):
            rates = {}
            for root in (other, ROOT) if number % 2 else (ROOT, other):
                folder = Path(scratch) / f"{number}.{root == ROOT}"
                rates[root] = tokens_per_second(root, flags.config, SETTLED + flags.steps, folder)
            rows.append((rates[other], rates[ROOT], rates[ROOT] / rates[other]))
    cells = [[f"round {number}", *_cells(row)] for number, row in enumerate(rows, 1)]
    cells.append(["median", *_cells([statistics.median(column) for column in zip(*rows, strict=True)])])
    heads = ["", f"{flags.commit}, tokens/s", "here, tokens/s", "ratio"]
    Console().print(terminal_table(TextTable(heads, cells)))
    return 0


@contextmanager
def other_checkout(commit: str) -> Iterator[Path]:
    """Yield a worktree of `commit`, and remove it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "checkout"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(root), commit], cwd=ROOT, check=True)
        try:
            yield root
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(root)], cwd=ROOT, check=True)


def tokens_per_second(root: Path, config: str, steps: int, folder: Path) -> float:
    """Train with the code of a checkout, and return the median of the rates that it logged once it had settled."""
    command = [*ONE_CORE, sys.executable, "run.py", "train", f"--config={config}", f"--workdir={folder}"]
    command += [f"--config.training.{name}={steps}" for name in ("steps", "validate_every_steps", "save_every_steps")]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    lines = map(json.loads, (folder / "metrics.jsonl").read_text("utf-8").splitlines())
    return statistics.median(line[RATE] for line in lines if line["step"] > SETTLED and RATE in line)


def _cells(row: Sequence[float]) -> list[str]:
    *rates, ratio = row
    return [*(f"{rate:,.0f}" for rate in rates), f"{ratio:.2f}"]


if __name__ == "__main__":
    run(main, "the benchmark")

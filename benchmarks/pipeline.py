"""The tokens a second of the input pipeline alone, without a model, and the memory that it needs.

    python -m benchmarks.pipeline --config=configs/generated.py --config.data.workers=2
    python -m benchmarks.endurance OUT -- python -m benchmarks.pipeline --config=configs/generated.py --minutes=20

The corpus is made or found in the cache first, which is not timed; nor are the batches until every worker has begun.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import psutil

from benchmarks.door import run
from configs.command_line import load, override
from research import data
from research.data.batches import Batch, Batches
from research.data.vocabulary import PAD
from research.data.workers import cores

WARM_UP_BATCHES = 50
LINE_SECONDS = 60.0


class Rate(NamedTuple):
    """The batches that a pipeline gave in some time.

    Attributes:
        batches: batches.
        tokens: tokens of both sides, without padding.
        positions: positions of the longer side, which data.batch_tokens counts.
        seconds: that it took.
        cpu_seconds: of all cores, workers included, which another program on the machine hardly changes.
    """

    batches: int
    tokens: int
    positions: int
    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        each = {name: getattr(self, name) / self.seconds for name in ("tokens", "positions", "batches")}
        return (
            f"{each['tokens']:,.0f} tokens/s of both sides, {each['positions']:,.0f} positions/s of the longer side, "
            f"{each['batches']:.1f} batches/s; {self.positions / self.cpu_seconds:,.0f} positions/s of a core"
        )


def measure(batches: Batches, minutes: float) -> Rate:
    """Draw batches for some minutes, as a training run would, and print a line a minute."""
    with closing(batches.iterate()) as stream:
        return _measure(stream, minutes)


def _measure(stream: Iterator[Batch], minutes: float) -> Rate:
    for _ in range(WARM_UP_BATCHES):
        next(stream)
    count, tokens, positions, since, spent = 0, 0, 0, time.perf_counter(), cpu_seconds()
    end, next_line = since + 60 * minutes, since + LINE_SECONDS
    while (now := time.perf_counter()) < end:
        batch = next(stream)
        count += 1
        tokens += int((batch["source_BS"] != PAD).sum() + (batch["target_in_BT"] != PAD).sum())
        positions += max(batch["source_BS"].size, batch["target_in_BT"].size)
        if now >= next_line:
            print(f"{Rate(count, tokens, positions, now - since, cpu_seconds() - spent)}; {memory()}", flush=True)
            next_line += LINE_SECONDS
    rate = Rate(count, tokens, positions, time.perf_counter() - since, cpu_seconds() - spent)
    print(memory())
    return rate


def cpu_seconds() -> float:
    """Return the seconds of a core that this process and its workers have had."""
    here = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (here, *here.children()))


def memory() -> str:
    """Return the resident memory of this process and of those that it started, in words."""
    here = psutil.Process()
    workers = [
        child.memory_info().rss / 2**20 for child in here.children() if "resource_tracker" not in _command(child)
    ]
    return f"{here.memory_info().rss / 2**20:,.0f} MiB here, {[round(each) for each in workers]} MiB in workers"


def _command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def main(arguments: Sequence[str]) -> int:
    """Measure the pipeline of a config, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--config", default="configs/generated.py", help="FILE:NAME; --config.data.FIELD=VALUE changes it"
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="to draw batches for")
    flags, changes = parser.parse_known_args(arguments)
    config, _ = override(load(flags.config), changes)
    corpus = data.build(config.data)
    vocabularies = data.build_vocabularies(config.data, corpus.train)
    batches = data.training_batches(config.data, corpus.train, vocabularies, seed=config.seed)
    workers = config.data.workers if corpus.streamed else 0
    print(
        f"{batches.pairs:,} pairs, {batches.batches_per_epoch:,} steps an epoch, {batches.fill:.0%} filled; "
        f"{workers} workers, {cores()} cores",
        flush=True,
    )
    print(measure(batches, flags.minutes))
    return 0


if __name__ == "__main__":
    run(main, "the measurement")

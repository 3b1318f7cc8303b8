"""One measurement in a process of its own: `python -m benchmarks.worker ours tiny --workload FILE`; prints JSON."""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ml_collections import ConfigDict

from benchmarks.families import FAMILIES
from benchmarks.workload import Workload

SIDES = {"ours": ("benchmarks.ours", "Ours"), "theirs": ("benchmarks.theirs", "Theirs")}


class Side(Protocol):
    """A side that can be timed; each call does all its work before it returns."""

    @property
    def parameters(self) -> int: ...

    def warm_up_training(self) -> None: ...

    def train(self) -> float: ...

    def warm_up_decoding(self, beam: int) -> None: ...

    def decode(self, beam: int) -> int: ...

    def notes(self) -> dict[str, Any]: ...


def measure(side: Side, workload: Workload, seconds: float, beams: list[int]) -> dict[str, Any]:
    """Return the rates of one side: target tokens/s in training, and sentences/s for each beam (1 is greedy).

    Raises ValueError when translations are not as long as the workload says: their times would not be of one task.
    """
    side.warm_up_training()
    rate, loss = per_second(side.train, workload.target_tokens, seconds)
    measured: dict[str, Any] = {"parameters": side.parameters, "train": rate, "loss": loss, **side.notes()}
    for beam in beams:
        side.warm_up_decoding(beam)
        name = "greedy" if beam == 1 else f"beam{beam}"
        measured[name], measured[f"{name}_tokens"] = per_second(
            partial(side.decode, beam), workload.sentences, seconds / 4
        )
        if measured[f"{name}_tokens"] != workload.translated_tokens:
            raise ValueError(
                f"{name}: {measured[f'{name}_tokens']:,} tokens came out where {workload.translated_tokens:,} were to: "
                "sentences ended before their limits"
            )
    return measured


def per_second(work: Callable[[], Any], amount: int, seconds: float) -> tuple[float, Any]:
    """Run whole passes until `seconds` are over; return `amount` a second, and the last pass's result."""
    passes, begin = 0, time.perf_counter()
    while not passes or time.perf_counter() - begin < seconds:
        result = work()
        passes += 1
    return amount * passes / (time.perf_counter() - begin), result


def make(side: str, config: ConfigDict, workload: Workload) -> Side:
    """Return the side of that name, importing its framework only now."""
    module, name = SIDES[side]
    return getattr(importlib.import_module(module), name)(config, workload)


def main(arguments: list[str]) -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--workload", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--beams", type=int, nargs="*", required=True)
    flags = parser.parse_args(arguments)
    workload = Workload.load(flags.workload)
    side = make(flags.side, FAMILIES[flags.family].config(), workload)
    print(json.dumps(measure(side, workload, flags.seconds, flags.beams)))


if __name__ == "__main__":
    main(sys.argv[1:])

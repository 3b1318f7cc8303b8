"""The time of our programs by part of the model: `python -m benchmarks.profiler luong train`."""

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
from rich.console import Console
from rich.table import Table

from benchmarks import sentences
from benchmarks.families import FAMILIES
from benchmarks.ours import Ours
from research.parallel import host

INSTRUCTION = re.compile(r'\s*(?:ROOT )?%([\w.\-]+) = .*op_name="([^"]*)"')
CONTAINERS = ("while", "conditional", "call", "cond.")  # whose parts are listed themselves
WRAPPERS = re.compile(
    r"^(jit\(.*|jvp\(\)|while|body|closed_call|cond|branch_\d+_fun|shmap_body|shard_map|\w+\.states)$"
)
LAYER = re.compile(r"(layer|stack)(_\d+)+")


def main(arguments: list[str]) -> None:
    """Trace the program once, and print the share of each part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiler", description=__doc__)
    parser.add_argument("family", choices=FAMILIES, help="a family of `python -m benchmarks --help`")
    parser.add_argument("what", choices=["train", "greedy", "beam5"], help="a training step, or the search of a batch")
    parser.add_argument("--data", type=Path, help="folder of Multi30k's files; made-up text without")
    parser.add_argument("--depth", type=int, default=3, help="names of parts that are told apart, from the outside in")
    parser.add_argument("--rows", type=int, default=20, help="parts that are listed")
    flags = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        flags_before = os.environ.get("XLA_FLAGS", "")  # read when JAX computes for the first time
        os.environ["XLA_FLAGS"] = f"{flags_before} --xla_dump_to={folder} --xla_dump_hlo_as_text".strip()
        jax.config.update("jax_enable_compilation_cache", False)  # what is not compiled is not dumped
        seconds, work = trace(program(flags.family, flags.what, flags.data), Path(folder) / "trace")
        spent = by_part(work, op_names(Path(folder), work), flags.depth)
    table = Table(title=f"{flags.family}, {flags.what}: {seconds:.2f} s", title_justify="left")
    for heading in ("part", "ms", "share"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    total = sum(spent.values())
    for part, milliseconds in spent.most_common(flags.rows):
        table.add_row(part, f"{milliseconds:,.1f}", f"{milliseconds / total:.0%}")
    Console().print(table)


def program(family: str, what: str, data: Path | None) -> Callable[[], object]:
    """Return the work to trace, on a batch of the most common shape."""
    host.keep_freed_memory()  # before the vocabulary is learnt, whose threads would have arenas of their own
    config = FAMILIES[family].config()
    workload = sentences.build(data, config, 16, 1_000)
    batches = workload.training if what == "train" else workload.decoding
    shape = Counter(batch["source_BS"].shape for batch in batches).most_common(1)[0][0]
    chosen = [next(batch for batch in batches if batch["source_BS"].shape == shape)]
    ours = Ours(config, replace(workload, training=chosen, decoding=chosen))
    return ours.train if what == "train" else lambda: ours.decode(1 if what == "greedy" else 5)


def trace(work: Callable[[], object], folder: Path) -> tuple[float, Counter[str]]:
    """Return the seconds of one compiled run, and milliseconds by instruction of another, summed over threads."""
    for _ in range(2):  # compiled, and run with what it gave back
        work()
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    with jax.profiler.trace(str(folder)):
        work()
    spent: Counter[str] = Counter()
    for file in folder.rglob("*.xplane.pb"):
        for plane in jax.profiler.ProfileData.from_file(str(file)).planes:
            for line in plane.lines:
                for event in line.events:
                    spent[event.name] += event.duration_ns / 1e6
    return seconds, spent


def op_names(folder: Path, spent: Counter[str]) -> dict[str, str]:
    """Return instruction -> its place in the model, from the dump of the program in which the time was spent."""
    programs = []
    for file in folder.glob("*after_optimizations.txt"):
        matches = map(INSTRUCTION.match, file.read_text("utf-8").splitlines())
        programs.append({match[1]: match[2] for match in matches if match})
    return max(programs, key=lambda names: sum(spent[name] for name in names))


def by_part(spent: Counter[str], names: dict[str, str], depth: int) -> Counter[str]:
    """Return milliseconds by part of the model: all layers as one, without JAX's wrappers."""
    parts: Counter[str] = Counter()
    for instruction, milliseconds in spent.items():
        if instruction in names and not instruction.startswith(CONTAINERS):
            parts["/".join(path(names[instruction])[:depth])] += milliseconds
    return parts


def path(op_name: str) -> list[str]:
    """Return the parts of an op_name, outermost first: "backward" in a gradient, then modules, then the op.

    What no module does, the loss, the optimiser, the search, is under "outside".
    """
    backward = ["backward"] if "transpose(jvp" in op_name else []
    bare = re.sub(r"transpose\(jvp\((.*?)\)\)|jvp\((.*?)\)", lambda m: m[1] or m[2] or "", op_name.split(";")[0])
    kept = [LAYER.sub(r"\1", part) for part in bare.split("/") if part and not WRAPPERS.match(part)]
    outside = [] if any(part[0].isupper() for part in kept) else ["outside"]
    return backward + outside + kept


if __name__ == "__main__":
    main(sys.argv[1:])

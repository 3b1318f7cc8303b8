"""Where the time of our programs goes, by part of the model: `python -m benchmarks.profile luong train`."""

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

from rich.console import Console
from rich.table import Table

INSTRUCTION = re.compile(r'\s*(?:ROOT )?%([\w.\-]+) = .*op_name="([^"]*)"')
CONTAINERS = ("while", "conditional", "call", "cond.")  # whose parts are listed themselves
WRAPPERS = re.compile(
    r"^(jit\(.*|jvp\(\)|while|body|closed_call|cond|branch_\d+_fun|shmap_body|\w+\.states|\w+\.step_states)$"
)
LAYER = re.compile(r"(encoder|decoder|stack)(_\d+)+")


def main(arguments: list[str]) -> None:
    """Trace the program once, and print the share of each part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("family", help="a family of `python -m benchmarks --help`")
    parser.add_argument("what", choices=["train", "greedy", "beam5"], help="a training step, or the search of a batch")
    parser.add_argument("--data", type=Path, help="folder of Multi30k's files; made-up text without")
    parser.add_argument("--depth", type=int, default=3, help="names of parts that are told apart, from the outside in")
    parser.add_argument("--rows", type=int, default=20, help="parts that are listed")
    flags = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XLA_FLAGS"] = f"--xla_dump_to={folder} --xla_dump_hlo_as_text"  # before JAX is imported
        os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"  # what is not compiled is not dumped
        seconds, work = trace(program(flags.family, flags.what, flags.data), Path(folder) / "trace")
        spent = by_part(work, op_names(Path(folder)), flags.depth)
    table = Table(title=f"{flags.family}, {flags.what}: {seconds:.2f} s", title_justify="left")
    for heading in ("part", "ms", "share"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    total = sum(spent.values())
    for part, milliseconds in spent.most_common(flags.rows):
        table.add_row(part, f"{milliseconds:,.1f}", f"{milliseconds / total:.0%}")
    Console().print(table)


def program(family: str, what: str, data: Path | None) -> Callable[[], object]:
    """The work to trace, on the batch whose shape is the most common."""
    from benchmarks import sentences
    from benchmarks.families import FAMILIES
    from benchmarks.ours import Ours

    config = FAMILIES[family].config()
    workload = sentences.build(data, config, 16, 1_000)
    batches = workload.training if what == "train" else workload.decoding
    shape = Counter(batch["source_BS"].shape for batch in batches).most_common(1)[0][0]
    chosen = [next(batch for batch in batches if batch["source_BS"].shape == shape)]
    ours = Ours(config, replace(workload, training=chosen, decoding=chosen))
    return ours.train if what == "train" else lambda: ours.decode(1 if what == "greedy" else 5)


def trace(work: Callable[[], object], folder: Path) -> tuple[float, Counter[str]]:
    """Seconds of one run, once compiled, and milliseconds by instruction of another, summed over threads."""
    import jax

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


def op_names(folder: Path) -> dict[str, str]:
    """Instruction -> where in the model it is from, of the largest program that XLA dumped."""
    program = max(folder.glob("*after_optimizations.txt"), key=lambda file: file.stat().st_size)
    return {match[1]: match[2] for match in map(INSTRUCTION.match, program.read_text("utf-8").splitlines()) if match}


def by_part(spent: Counter[str], names: dict[str, str], depth: int) -> Counter[str]:
    """Milliseconds by part of the model: layers are one, and wrappers of JAX are left out."""
    parts: Counter[str] = Counter()
    for instruction, milliseconds in spent.items():
        if instruction in names and not instruction.startswith(CONTAINERS):
            parts["/".join(path(names[instruction])[:depth]) or "other"] += milliseconds
    return parts


def path(op_name: str) -> list[str]:
    """The parts of an op_name from the outside in: "backward" where it is of a gradient, then modules, then the op."""
    backward = ["backward"] if "transpose(jvp" in op_name else []
    bare = re.sub(r"transpose\(jvp\((.*?)\)\)|jvp\((.*?)\)", lambda m: m[1] or m[2] or "", op_name.split(";")[0])
    kept = [LAYER.sub(r"\1", part) for part in bare.split("/") if part and not WRAPPERS.match(part)]
    return backward + kept


if __name__ == "__main__":
    main(sys.argv[1:])

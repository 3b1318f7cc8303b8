"""The collectives of a compiled program, read from its text: the exchanges between devices, and how much each moves.

    collectives(compiled.as_text())

The body of a loop stands in the text once. It is counted as often as XLA says that it runs, and once where it does not.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "ragged-all-to-all", "collective-permute")
COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{$")
INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?[\w.\-]+ = (.*?) ([a-z][a-z0-9\-]*)\(")
ARRAY = re.compile(r"\b(pred|bf16|[a-z]\d+[a-z0-9]*)\[([\d,]*)\]")
CALLED = re.compile(r"\b(?:calls|to_apply|body|condition|branch_computations|called_computations)=\{?(%[^,\s}]+)")
TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
LISTED_GROUPS = re.compile(r"replica_groups=\{\{([\d,]*)\}")
COUNTED_GROUPS = re.compile(r"replica_groups=\[(\d+),(\d+)\]")
MESH = re.compile(r"replica_groups=mesh\[([^\]]*)\] ?\{([^}]*)\}")
AXIS_SIZE = re.compile(r"'([^']+)'=(\d+)")
AXIS = re.compile(r"'([^']+)'(?::\(\d+\)(\d+))?")
COMMENT = re.compile(r"/\*.*?\*/")


class Collective(NamedTuple):
    """The collectives of one kind among groups of one size.

    Attributes:
        kind: one of `KINDS`.
        group: the devices that exchange; 0 if the text does not say.
        times: how many there are in a step.
        moved: bytes of all of them: the whole array on one device, before a reduce-scatter or after an all-gather.
    """

    kind: str
    group: int
    times: int
    moved: int

    @property
    def sent(self) -> float:
        """The bytes that a device has to send, at the least, as in a ring."""
        if self.kind == "collective-permute":
            return float(self.moved)
        share = 1 - 1 / self.group if self.group else 0.5
        return self.moved * share * (2 if self.kind == "all-reduce" else 1)


def collectives(text: str) -> list[Collective]:
    """Return the collectives of a program, the largest first.

    Args:
        text: the compiled program, as `compiled.as_text()` writes it.
    """
    bodies = _computations(COMMENT.sub("", text))
    times = _times(bodies)
    count: Counter[tuple[str, int]] = Counter()
    size: Counter[tuple[str, int]] = Counter()
    for name, lines in bodies.items():
        for kind, group, moved in _of_lines(lines):
            count[kind, group] += times[name]
            size[kind, group] += moved * times[name]
    found = [Collective(*key, count[key], size[key]) for key in count if count[key]]
    return sorted(found, key=lambda each: each.moved, reverse=True)


def _computations(text: str) -> dict[str, list[str]]:
    """Return the instructions of each computation; lines before the first one are of the entry."""
    bodies: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        if header := COMPUTATION.match(line):
            name = "" if line.startswith("ENTRY ") else header[1]
            bodies.setdefault(name, [])
        else:
            bodies[name].append(line)
    return bodies


def _times(bodies: dict[str, list[str]]) -> Counter[str]:
    """Return how often each computation runs."""
    times: Counter[str] = Counter()

    def visit(name: str, often: int) -> None:
        times[name] += often
        for line in bodies[name]:
            if "=%" not in line and "={%" not in line:
                continue
            trips = TRIPS.search(line)
            each = often * int(trips[1]) if trips and " while(" in line else often
            for called in CALLED.findall(line):
                if called[1:] in bodies:
                    visit(called[1:], each)

    visit("", 1)
    return times


def _of_lines(lines: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, devices of a group, bytes) of each collective among instructions."""
    for line in lines:
        found = INSTRUCTION.match(line)
        if not found:
            continue
        kind = found[2].removesuffix("-start")  # its "-done" is the same one
        if kind not in KINDS:
            continue
        group = _group(line)
        arrays = [_bytes(*array) for array in ARRAY.findall(found[1])]
        moved = sum(arrays)
        if kind == "reduce-scatter":
            moved *= group or 1
        elif found[2] == "all-gather-start" and group:  # (operand, result)
            moved = moved * group // (group + 1)
        elif found[2] == "collective-permute-start":  # (operand, result, ...)
            moved = max(arrays, default=0)
        yield kind, group, moved


def _group(line: str) -> int:
    """Return the devices of the first group of a collective, 0 if none is named."""
    if listed := LISTED_GROUPS.search(line):
        return len(listed[1].split(",")) if listed[1] else 0
    if mesh := MESH.search(line):  # the product of the axes that it goes over, or of parts of them
        sizes = dict(AXIS_SIZE.findall(mesh[1]))
        return math.prod(int(part or sizes[axis]) for axis, part in AXIS.findall(mesh[2]))
    counted = COUNTED_GROUPS.search(line)
    return int(counted[2]) if counted else 0


def _bytes(kind: str, shape: str) -> int:
    """Return the size of an array of a type of HLO, such as f32, bf16, s8 or pred."""
    bits = 8 if kind == "pred" else int(re.findall(r"\d+", kind)[0])
    return math.ceil(math.prod(int(size) for size in shape.split(",") if size) * bits / 8)

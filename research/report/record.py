"""A JSON object that is read field by field, and says in one sentence which field is not what it should be."""

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from research.words import Words

Interval = tuple[float, float] | None


class Record:
    """`value`, which lies at `where` in an answer's `file`."""

    def __init__(self, file: Path, where: str, value: Any):
        self.file, self.where = file, where
        if not isinstance(value, dict):
            self.refuse("", f"is a {type(value).__name__}, not an object")
        self.value: dict[str, Any] = value

    def refuse(self, name: str, trouble: str) -> NoReturn:
        """One sentence for people: which file, which field, what is wrong with it, and what to do."""
        field = ".".join(filter(None, (self.where, name)))
        again = f"python run.py ablate {self.file.stem}"
        raise ValueError(f"{self.file} is no answer: {field or 'it'} {trouble}; to write it again: {again}")

    def get(self, name: str, *kinds: type) -> Any:
        """The field, of one of `kinds`."""
        if name not in self.value:
            self.refuse(name, "is missing")
        value = self.value[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            expected = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            self.refuse(name, f"should be {expected} and is {json.dumps(value, ensure_ascii=False)[:40]}")
        return value

    def text(self, name: str) -> str:
        return str(self.get(name, str))

    def number(self, name: str) -> float | None:
        """None where there is none, or it is not finite."""
        return finite(self.get(name, int, float, type(None)))

    def words(self, *names: str) -> Words:
        """`en`, which must be there, and `ko`."""
        for name in names:
            self = Record(self.file, ".".join(filter(None, (self.where, name))), self.get(name, dict))
        return Words(self.text("en"), str(self.value.get("ko") or ""))

    def numbers(self, name: str) -> dict[str, float | None]:
        """Every number of an object; what is text or a list there is not for us."""
        values = self.get(name, dict)
        return {k: finite(v) for k, v in values.items() if v is None or is_number(v)}

    def interval(self, name: str) -> Interval:
        ends = self.get(name, list, type(None))
        if ends is None:
            return None
        if len(ends) != 2 or not all(end is None or is_number(end) for end in ends):
            self.refuse(name, "should be two numbers")
        low, high = map(finite, ends)
        return None if low is None or high is None else (low, high)

    def records(self, name: str) -> list["Record"]:
        values = self.get(name, list)
        where = ".".join(filter(None, (self.where, name)))
        return [Record(self.file, f"{where}[{index}]", value) for index, value in enumerate(values)]


def is_number(value: Any) -> bool:
    """JSON's true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite(value: Any) -> float | None:
    """A number that can be drawn; else None."""
    return float(value) if is_number(value) and math.isfinite(value) else None

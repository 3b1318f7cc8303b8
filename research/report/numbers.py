"""Numbers as people read them: no more digits than are sure, and a true minus."""

import math
from collections.abc import Callable, Iterable

NOTHING = "–"
MOST_DECIMALS = 5


def decimals(widths: Iterable[float | None], values: Iterable[float | None] = ()) -> int:
    """How many show two digits of the usual interval of `widths`; without any, four digits of the largest value."""
    sure = sorted(width for width in widths if width is not None and math.isfinite(width) and width > 0)
    if sure:
        half = sure[len(sure) // 2] / 2
        return max(_places(half, digits=2), int(half < 50))  # +5.0 [−12.0, 21.0]: beside others' decimals
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value) and value]
    return _places(max(sizes), digits=4) if sizes else 1


def plain(value: float | None, places: int) -> str:
    """33.10; – where there is none."""
    if value is None:
        return NOTHING
    text = f"{value:,.{places}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text.replace("-", "−")


def signed(value: float | None, places: int) -> str:
    """+1.20, −0.30: a difference."""
    text = plain(value, places)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def interval(ends: tuple[float, float] | None, places: int) -> str:
    """[10.0, 14.6]; – where there is none."""
    return NOTHING if ends is None else f"[{plain(ends[0], places)}, {plain(ends[1], places)}]"


def chance(p: float | None) -> str:
    """A p-value: three decimals, and `< 0.001` or `> 0.999` where they say too much."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else "> 0.999" if p > 0.999 else f"{p:.3f}"


def size(value: float | None) -> str:
    """Of something counted in thousands and more: 792k, 1.18M, 3.34G."""
    if value is None:
        return NOTHING
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if value >= unit:
            return f"{value / unit:,.2f}{letter}"
    return f"{value / 1e3:,.0f}k" if value >= 1e4 else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """41 s, 12 min 5 s, 3 h 7 min."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:,} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def exact(value: float) -> str:
    """A number that a person chose: 0.5, 29,000, 1e−05."""
    return (f"{value:,.0f}" if value == round(value) else f"{value:g}").replace("-", "−")


COSTS: dict[str, Callable[[float | None], str]] = {
    "parameters": size,
    "flops_per_token": size,
    "steps": lambda steps: plain(steps, 0),
    "tokens": size,
    "seconds": duration,
    "trials": lambda trials: plain(trials, 0),
}
"""Of a run, each with how it is written."""


def _places(value: float, digits: int) -> int:
    return max(0, min(MOST_DECIMALS, digits - 1 - math.floor(math.log10(value))))

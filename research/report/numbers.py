"""Numbers as people read them: no more digits than are sure, and a true minus. Where there is none stands a dash."""

import math
from collections.abc import Iterable

from research.results.tables import NOTHING

MOST_DECIMALS = 5


def decimals(widths: Iterable[float | None], values: Iterable[float | None] = ()) -> int:
    """Return how many decimals to show.

    Args:
        widths: of intervals; two digits of half the usual one are shown.
        values: without any interval, four digits of the largest are shown.
    """
    sure = sorted(width for width in widths if width is not None and math.isfinite(width) and width > 0)
    if sure:
        half = sure[len(sure) // 2] / 2
        return max(_places(half, digits=2), int(half < 50))  # +5.0 [−12.0, 21.0]: beside others' decimals
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value) and value]
    return _places(max(sizes), digits=4) if sizes else 1


def plain(value: float | None, places: int) -> str:
    """Return such as 33.10."""
    if value is None:
        return NOTHING
    text = f"{value:,.{places}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text.replace("-", "−")


def whole(value: float | None) -> str:
    """Return such as 1,200."""
    return plain(value, 0)


def signed(value: float | None, places: int) -> str:
    """Return a difference, such as +1.20 or −0.30."""
    text = plain(value, places)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def interval(ends: tuple[float, float] | None, places: int) -> str:
    """Return such as [10.0, 14.6]."""
    return NOTHING if ends is None else f"[{plain(ends[0], places)}, {plain(ends[1], places)}]"


def chance(p: float | None) -> str:
    """Return a p-value: three decimals, or `< 0.001` or `> 0.999` where three would say too much."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else "> 0.999" if p > 0.999 else f"{p:.3f}"


def level(value: float) -> str:
    """Return the level of an interval: 95%, or 99.45% of an early look, which is not rounded up."""
    missing = 1 - value
    places = max(0, math.ceil(-math.log10(missing))) if missing > 0 else 0
    return f"{math.floor(round(100 * value * 10**places, 6)) / 10**places:g}%"


def size(value: float | None) -> str:
    """Return a large count, such as 792k, 1.18M or 3.34G."""
    if value is None:
        return NOTHING
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if value >= unit:
            return f"{value / unit:,.2f}{letter}"
    return f"{value / 1e3:,.0f}k" if value >= 1e4 else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Return such as 41 s, 12 min 5 s or 3 h 7 min."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:,} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def exact(value: float) -> str:
    """Return a number of which every digit is meant, such as 0.5, 29,000 or 1e−05."""
    return (f"{value:,.0f}" if value == round(value) else f"{value:g}").replace("-", "−")


def _places(value: float, digits: int) -> int:
    return max(0, min(MOST_DECIMALS, digits - 1 - math.floor(math.log10(value))))

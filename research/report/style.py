"""How a chart looks: paper, ink, a colour and a mark for each run, characters that fonts have, labels kept apart."""

from collections.abc import Sequence
from functools import cache
from unicodedata import category, combining, normalize

import vl_convert

from research.report.hangul import romanise
from research.report.runs import Run

PAPER, INK, SOFT, RULE = "#ffffff", "#1c2024", "#5d656e", "#e3e6e9"
# The names of these colours in the css, where the dark scheme has other values.
NAMES = {PAPER: "var(--paper)", INK: "var(--ink)", SOFT: "var(--soft)", RULE: "var(--rule)"}
# Okabe and Ito's colours, darkened until thin lines and small type read on white; told apart by all three kinds
# of colour blindness. Grey is for what has no attention: the baseline that the others are seen against.
BASELINE = "#70777f"
COLOURS = ("#0b6fb8", "#cf5300", "#00866a", "#b4548c", "#9a7400", "#3a94bd", "#7d4fb5")
# The same hues, light enough for a dark page.
DARK = {BASELINE: "#a7aeb6"} | dict(
    zip(COLOURS, ("#5db2f0", "#ff9152", "#2fc7a0", "#e58fc2", "#d9b23c", "#7fd0f5", "#b694ea"), strict=True)
)
MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
FONT = "Liberation Sans, Arial, Helvetica, Noto Sans, sans-serif"  # the first comes with vl-convert
HANGUL_FONT = f"NanumGothic, Noto Sans CJK KR, Noto Sans KR, Apple SD Gothic Neo, Malgun Gothic, {FONT}"


def colours(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Return (colour, marker) of each run by name: the same in every chart, and in every report of the four models."""
    first = {run.architecture: run.name for run in reversed(runs)}
    known = [first.get(architecture, "") for architecture in ("luong", "bahdanau", "transformer")]
    later = [run.name for run in runs if run.name not in (*known, first.get("none"))]
    found = {first["none"]: (BASELINE, MARKERS[0])} if "none" in first else {}
    for index, name in enumerate([*known, *later]):
        found[name] = COLOURS[index % len(COLOURS)], MARKERS[(index + 1 + index // len(COLOURS)) % len(MARKERS)]
    return found


def drawable(words: str) -> str:
    """Return `words` in characters that some font has: Hangul romanised if none has it, accents dropped, else `?`."""
    if all(map(has_glyph, words)):
        return words
    plain = normalize("NFKD", words if has_glyph("가") else romanise(words))
    return "".join(letter if has_glyph(letter) else "" if combining(letter) else "?" for letter in plain)


@cache
def has_glyph(character: str) -> bool:
    """Return whether a PNG shows this character: it looks unlike a character that no font has."""
    if "가" < character <= "힣":  # a font that has one syllable has all
        return has_glyph("가")
    if category(character) in (
        "Cc",
        "Cn",
        "Co",
        "Cs",
        "Zl",
        "Zp",
    ):  # controls, line breaks, and what has no meaning for all
        return False
    return character.isascii() or _drawn(character) != _drawn("\U000f1234")


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return where labels of points at `values` go: in the same order, at least `gap` apart, inside [low, high]."""

    def centre(group: list[int]) -> float:
        reach = gap * (len(group) - 1) / 2
        return min(max(sum(values[index] for index in group) / len(group), low + reach), high - reach)

    groups: list[list[int]] = []  # labels that touch, each group centred on the mean of its points
    for index in sorted(range(len(values)), key=values.__getitem__):
        groups.append([index])
        while len(groups) > 1:
            below, above = groups[-2:]
            if centre(above) - centre(below) >= gap * (len(above) + len(below)) / 2:
                break
            groups[-2:] = [below + above]
    placed = [0.0] * len(values)
    for group in groups:
        for place, index in enumerate(group):
            placed[index] = centre(group) + gap * (place - (len(group) - 1) / 2)
    return placed


def _drawn(character: str) -> bytes:
    text = f'<text x="4" y="24" font-size="20" font-family="{FONT}">&#{ord(character)};</text>'
    return bytes(vl_convert.svg_to_png(f'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">{text}</svg>'))

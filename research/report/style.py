"""How a figure looks: paper, ink, a colour for each run, fonts that have the text, and labels that keep apart."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from unicodedata import normalize

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from research.report.hangul import romanise
from research.report.runs import Run

PAPER, INK, SOFT, RULE = "#ffffff", "#1c2024", "#5d656e", "#e3e6e9"
# What they are called on a page, where dark has others.
NAMES = {PAPER: "var(--paper)", INK: "var(--ink)", SOFT: "var(--soft)", RULE: "var(--rule)"}
# Okabe and Ito's colours, darkened until thin lines and small type read on white; told apart by all three kinds
# of colour blindness. Grey is for what has no attention: the baseline that the others are seen against.
BASELINE = "#70777f"
COLOURS = ("#0b6fb8", "#cf5300", "#00866a", "#b4548c", "#9a7400", "#3a94bd", "#7d4fb5")
# The same hues, light enough for a dark page.
DARK = {BASELINE: "#a7aeb6"} | dict(
    zip(COLOURS, ("#5db2f0", "#ff9152", "#2fc7a0", "#e58fc2", "#d9b23c", "#7fd0f5", "#b694ea"), strict=True)
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

LATIN = "DejaVu Sans"  # comes with matplotlib, so that every machine draws the same picture
HANGUL_FILES = re.compile(
    r"^(NotoSans(CJK|KR)|NanumGothic|NanumBarunGothic|AppleSDGothicNeo|malgun|UnDotum|Unifont)", re.I
)
OTHER_CUTS = re.compile(r"bold|light|thin|black|medium|coding|eco|mono|italic", re.I)

RC = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "font.family": LATIN,
    "font.size": 9,
    "axes.labelsize": 9,
    "svg.fonttype": "none",  # text stays text: searchable, and in the page's own font
    "svg.hashsalt": "lookback",  # without it every drawing has new ids, and no two reports are the same
    "text.parse_math": False,  # a "$" in a token is a dollar
}


def colours(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """(colour, marker) of each run by name: the same in every figure and, for the four architectures, every report."""
    first = {run.architecture: run.name for run in reversed(runs)}
    known = [first.get(architecture, "") for architecture in ("luong", "bahdanau", "transformer")]
    later = [run.name for run in runs if run.name not in (*known, first.get("none"))]
    found = {first["none"]: (BASELINE, MARKERS[0])} if "none" in first else {}
    for index, name in enumerate([*known, *later]):
        found[name] = COLOURS[index % len(COLOURS)], MARKERS[(index + 1 + index // len(COLOURS)) % len(MARKERS)]
    return found


def token_fonts() -> list[str]:
    """The fonts to draw tokens with, first choice first. All else is in LATIN: Hangul fonts lack a true bold."""
    return [LATIN, *hangul_fonts()]


def drawable(words: str, fonts: Sequence[str] = (LATIN,)) -> str:
    """`words` in characters that `fonts` have: Hangul romanised where none has it, accents dropped, else `?`."""
    held = frozenset().union(*map(_characters, fonts))
    if all(ord(character) in held for character in words):
        return words
    plain = normalize("NFKD", romanise(words))
    return "".join(c if ord(c) in held else "" if _is_accent(c) else "?" for c in plain)


@cache
def hangul_fonts() -> tuple[str, ...]:
    """The name of one installed font that has Hangul, or nothing."""
    # Not matplotlib's cached list: it does not know of fonts that were installed after it was made.
    usable = (Path(file) for file in font_manager.findSystemFonts() if HANGUL_FILES.search(Path(file).name))
    regular = sorted((file for file in usable if not OTHER_CUTS.search(file.stem)), key=_preference)
    if not regular:
        return ()
    font_manager.fontManager.addfont(str(regular[0]))
    return (font_manager.FontProperties(fname=str(regular[0])).get_name(),)


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Where labels of points at `values` go: in the same order, at least `gap` apart, inside [low, high]."""

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


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(font, fallback_to_default=False)).get_charmap())


def _preference(file: Path) -> tuple[int, Path]:
    order = ("NanumGothic.", "NotoSansKR", "NotoSansCJK", "AppleSDGothicNeo", "malgun")
    return next((rank for rank, start in enumerate(order) if file.name.startswith(start)), len(order)), file


def _is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"

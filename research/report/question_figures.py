"""The figures of an answer: every seed, means with intervals, and the literature's numbers on an axis of their own.

Pictures hold names and numbers, not words: what a panel shows and what lies along it is said around it, so that one
picture serves both languages. Only the PNG, which stands alone, has its English words inside.
"""

from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from research.report import style
from research.report.figures import DOTS_PER_INCH
from research.report.front import front_panel
from research.report.lines import curves_panel, lines_panel
from research.report.numbers import COSTS
from research.report.panel import Look, Mark, Panel, cut, reach, spans
from research.report.rows import rows_panel
from research.report.words import SAID, search_said
from research.results.answers import FiledAnswer
from research.results.measures import MEASURES, title
from research.results.message import Message, listed, verbatim

WIDE, NARROW = 7.4, 3.75  # inches of the PNG, and of a panel on a phone
ABOVE, BETWEEN = 0.42, 0.3  # inches of the words around a panel of the PNG
MOST_LEVELS = 2  # arms that lie across the lines of the others
SECONDS, RATIO = "s", 10  # times that differ by more are drawn by their ratio
PUBLISHED = ("D", "s", "^", "v", "P", "X")  # hollow: a mark that ours never have


def panels(answer: FiledAnswer) -> list[Panel]:
    """What there are numbers for: our scores, and over what they cost; those of the literature; measures over steps."""
    found = []
    ours = _ours(answer)
    if ours:
        found += _panels("main", answer, _title(answer), SAID["figure_note"], ours, 0.0)
        found += _front(answer, ours)
        measures = dict.fromkeys(each.measure for each in answer.literature)
        for measure in measures:
            found += _literature(answer, measure, ours) if _published(answer, measure) else []
    for name in dict.fromkeys(curve.measure for curve in answer.curves if curve.points):
        curves = [curve for curve in answer.curves if curve.measure == name and curve.points]
        heading = SAID["over_steps"].of(measure=title(name))
        found.append(curves_panel(heading, curves, {arm: look[0] for arm, look in _curve_looks(answer).items()}))
    return found


def whole_figure(answer: FiledAnswer) -> Figure | None:
    """All panels below each other with their English words, for the PNG; None when there is nothing to draw."""
    drawn = panels(answer)
    if not drawn:
        return None
    with matplotlib.rc_context(style.RC):
        heights = [ABOVE + each.tall + each.below + BETWEEN for each in drawn]
        figure = Figure(figsize=(WIDE, sum(heights) + 0.62), dpi=DOTS_PER_INCH)
        height = figure.get_figheight()
        claim = _folded(style.drawable(str(answer.claim)), 74)
        figure.text(0.02, 1 - 0.34 / height, claim, fontsize=11.5, weight="bold", va="center")
        top = height - 0.62
        for each, tall in zip(drawn, heights, strict=True):
            bottom = top - ABOVE - each.tall
            figure.text(0.02, (top - 0.2) / height, style.drawable(str(each.title)), weight="bold", va="center")
            each.put(figure, bottom)
            across = style.drawable(str(each.across))
            figure.text(0.5, (bottom - each.below - 0.06) / height, across, color=style.SOFT, ha="center", va="center")
            top -= tall
    return figure


def looks(answer: FiledAnswer) -> dict[str, Look]:
    """The colour and mark of each arm: its group's, its own where curves or costs tell arms apart, else one for all."""
    groups = list(dict.fromkeys(arm.group for arm in answer.arms))
    curved: list[str] = []
    if len(groups) == 1 and not answer.axis:
        curved = [arm.name for arm in answer.arms] if answer.cost else [*dict.fromkeys(c.arm for c in answer.curves)]
    found = {}
    for arm in answer.arms:
        place = curved.index(arm.name) if arm.name in curved else groups.index(arm.group)
        found[arm.name] = style.COLOURS[place % len(style.COLOURS)], style.MARKERS[place % len(style.MARKERS)]
    return found


def _curve_looks(answer: FiledAnswer) -> dict[str, Look]:
    """Groups have colours; without them, as over an axis, every arm that has a curve has its own."""
    found = looks(answer)
    if len(set(found.values())) > 1:
        return found
    curved = dict.fromkeys(curve.arm for curve in answer.curves)
    return {arm: (style.COLOURS[place % len(style.COLOURS)], "o") for place, arm in enumerate(curved)}


def _panels(
    kind: str, answer: FiledAnswer, title: Message, note: Message, marks: Sequence[Mark], least: float
) -> list[Panel]:
    """Rows; or lines, and rows for the arms that have no place on the axis where they are too many for levels."""
    if not answer.axis:
        return [_rows(kind, answer, title, note, marks, least)]
    off = [mark for mark in marks if mark.arm.x is None]
    on = [mark for mark in marks if mark.arm.x is not None]
    found = []
    if len(off) <= MOST_LEVELS or not on:
        on, off = list(marks), []
    places = [arm.x for arm in answer.arms if arm.x is not None]
    by_ratio = answer.axis.log and MEASURES[answer.measure].unit == SECONDS and spans(marks, RATIO)
    found.append(lines_panel(kind, title, note, answer.axis, places, on, least, by_ratio))
    if off:
        aside = _after(SAID["off_axis"], note)
        found.append(_rows(kind, answer, title, aside, off, max(least, reach(on))))
    return found


def _rows(kind: str, answer: FiledAnswer, title: Message, note: Message, marks: Sequence[Mark], least: float) -> Panel:
    heads = {arm.group: look[0] for arm, look in zip(answer.arms, looks(answer).values(), strict=True)}
    known = {mark.arm.name for mark in marks}
    whole = kind == "main" and not answer.axis  # what has no score keeps its row there
    arms = [arm for arm in answer.arms if whole or arm.name in known]
    return rows_panel(kind, title, note, arms, marks, heads if len(heads) > 1 else {}, least)


def _literature(answer: FiledAnswer, measure: str, ours: Sequence[Mark]) -> list[Panel]:
    """On an axis of its own, for corpora differ; of the same measure, a difference is never drawn longer than ours."""
    marks = _published(answer, measure)
    same = measure.casefold() in {
        answer.measure,
        MEASURES[answer.measure].unit.casefold(),
        str(title(answer.measure)).casefold(),
    }
    least = reach(ours) if same else 0.0
    note = SAID["literature_note"]
    if least >= reach(marks):
        note = _after(note, SAID["same_scale"])
    return _panels("literature", answer, SAID["literature"].of(measure=measure), note, marks, least)


def _ours(answer: FiledAnswer) -> list[Mark]:
    look = looks(answer)
    found = []
    for arm in answer.arms:
        scores = [run.scores.get(answer.measure) for run in arm.runs]
        seeds = [score for score in scores if score is not None]
        if arm.score is not None:
            found.append(Mark(arm, arm.score, arm.interval, seeds, look[arm.name], arm.group))
    return found


def _front(answer: FiledAnswer, ours: Sequence[Mark]) -> list[Panel]:
    """Where the question is what a score costs, and arms that cost something have one."""
    priced = [(price, mark) for mark in ours if (price := mark.arm.costs.get(answer.cost or ""))]
    if answer.cost is None or len(priced) < 2:
        return []
    heading = SAID["over_cost"].of(measure=title(answer.measure))
    return [front_panel(heading, SAID[answer.cost], COSTS[answer.cost], priced, MEASURES[answer.measure].better)]


def _published(answer: FiledAnswer, measure: str) -> list[Mark]:
    """Of arms that we have too; the table shows the others."""
    arms = {arm.name: arm for arm in answer.arms}
    found = []
    for index, each in enumerate(each for each in answer.literature if each.measure == measure):
        look = style.SOFT, PUBLISHED[index % len(PUBLISHED)]
        for name, value in each.values.items():
            if name in arms:
                series = f"{each.source} {arms[name].group}"
                found.append(Mark(arms[name], value, None, (), look, series, each.source))
    return found


def _after(first: Message, rest: Message) -> Message:
    return Message("{first} {rest}", first=first, rest=rest)


def _title(answer: FiledAnswer) -> Message:
    """Write, for instance: BLEU, higher is better · test, greedy search."""
    direction = {1: SAID["higher"], -1: SAID["lower"]}.get(MEASURES[answer.measure].better)
    search = search_said(answer.search)
    what = [title(answer.measure), *([direction] if direction else [])]
    where = [verbatim(answer.split), *([search] if search else [])]
    return Message("{first} · {rest}", first=listed(what), rest=listed(where))


def _folded(text: str, letters: int) -> str:
    """On two lines at most."""
    if len(text) <= letters:
        return text
    at = text.rfind(" ", 0, letters)
    return f"{text[:at]}\n{cut(text[at + 1 :], letters)}"

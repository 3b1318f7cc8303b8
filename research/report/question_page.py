"""The page of answers: all verdicts at a glance, then for each question what was shown, and by which runs.

One file that needs no other: English and Korean are both in it, pictures are SVG, and the attention explorer is made
when a person opens it. Jinja2 escapes whatever it is given; what is HTML already is marked so, and is only ours.
"""

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from research.report import explorer, figures, numbers, style
from research.report.language import LANGUAGES, translator
from research.report.looks import Look, look_into
from research.report.question_figures import NARROW, panels
from research.report.question_table import (
    arms_table,
    changed,
    comparisons_table,
    effect,
    others_table,
    seeds_of,
)
from research.report.verdicts import counted
from research.report.words import MEANINGS, SAID, VERDICTS, corpus_words, duration_words
from research.results.answers import FiledAnswer, JudgedClaim
from research.results.measures import MEASURES, title
from research.results.message import Message, verbatim

BESIDE, ALONE = 5.45, 7.5  # inches of a panel that has another at its side, and of one that has none
HERE = "@DATA@"  # where a question's sentences go in the explorer's page
GLANCE = 4  # hypotheses of a question in the table of all verdicts
OPEN_PAIRS, PRINTED_PAIRS = 6, 30  # the most comparisons that are shown without being asked for, and on paper


def write_page(answers: Sequence[FiledAnswer]) -> str:
    """The HTML of the answers, in their order, those to one question beside each other."""
    order = list(dict.fromkeys(answer.question for answer in answers))
    answers = sorted(answers, key=lambda answer: order.index(answer.question))
    shown = [_question(answer) for answer in answers]
    colours = {name: f"c{index}" for index, name in enumerate(style.COLOURS)} | {style.BASELINE: "base"}
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    environment.filters |= {"say": say, "labels": labels}
    return environment.from_string(_read("question.html")).render(
        title=SAID["title" if len(order) > 1 else "title_one"],
        count=counted(answers),
        questions=shown,
        verdicts=[(key, _css(key), words, MEANINGS[key]) for key, words in VERDICTS.items()],
        colours=[(name, colour, style.DARK[colour]) for colour, name in colours.items()],
        style=Markup(_read("page.css") + _read("question.css")),
        script=Markup(_read("question.js")),
        explorers=explorer.as_json(explorer.shells(HERE)) if any(each["look"]["data"] for each in shown) else "",
        said=SAID,
    )


Said = Message | Mapping[str, str]
"""A message, or what a person wrote in each language."""


def in_each(said: Said) -> dict[str, str]:
    """Return the sentence by language; English where there is no other."""
    if isinstance(said, Message):
        return {language: translator(language)(said) for language in LANGUAGES}
    return {language: said.get(language, said["en"]) for language in LANGUAGES}


def say(said: Said) -> Markup:
    """Write both languages, of which the page shows one; once where they are the same."""
    texts = in_each(said)
    if texts["en"] == texts["ko"]:
        return escape(texts["en"])
    return Markup('<span class="en" lang="en">{en}</span><span class="ko" lang="ko">{ko}</span>').format(**texts)


def labels(said: Said) -> Markup:
    """Write attributes with both languages, for what the style sheet writes into a cell on a phone."""
    return Markup('data-en="{en}" data-ko="{ko}"').format(**in_each(said))


def strip(hypothesis: JudgedClaim) -> Markup:
    """The effect and its interval against zero or a level, and the margin, as a small SVG; "" without an effect."""
    if hypothesis.effect is None:
        return Markup("")
    margin, against = abs(hypothesis.margin or 0.0), hypothesis.against
    low, high = hypothesis.interval or (hypothesis.effect, hypothesis.effect)
    left, right = min(low, against - margin), max(high, against + margin)
    scale = 164 / ((right - left) or 1.0)

    def x(value: float) -> str:
        return f"{8 + (value - left) * scale:.1f}"

    zone = Markup('<rect class="zone" x="{}" y="2" width="{:.1f}" height="18"/>').format(
        x(against - margin), 2 * margin * scale
    )
    drawn = Markup('<path class="zero" d="M{} 1V21"/><path class="reach" d="M{} 11H{}"/>').format(
        x(against), x(low), x(high)
    )
    drawn += Markup('<circle class="dot-mark" cx="{}" cy="11" r="4.5"/>').format(x(hypothesis.effect))
    start = Markup('<svg class="strip" viewBox="0 0 180 22" width="180" height="22" aria-hidden="true">')
    return start + (zone if margin else "") + drawn + Markup("</svg>")


def _question(answer: FiledAnswer) -> dict[str, Any]:
    """What the template shows of one answer."""
    names = ", ".join(answer.factors) or "–"
    level = SAID["level"].of(value=f"{answer.level:.0%}")
    by = MEASURES[answer.measure]
    unit = verbatim(by.unit) if by.unit else by.title
    pairs = len(answer.comparisons)
    hypotheses = [_hypothesis(each, answer) for each in answer.hypotheses]
    look = look_into(answer)
    time = duration_words(numbers.duration(answer.seconds))
    return {
        "answer": answer,
        "id": f"{answer.corpus}-{answer.question}",
        "corpus": corpus_words(answer.corpus),
        "verdict": VERDICTS[answer.verdict],
        "css": _css(answer.verdict),
        "time": time,
        "effort": SAID["effort"].of(seeds=answer.seeds, time=time),
        "hypotheses": hypotheses,
        "glance": hypotheses[:GLANCE],
        "more": SAID["more"].of(n=len(hypotheses) - GLANCE) if len(hypotheses) > GLANCE else None,
        "level": level,
        "panels": _panels(answer),
        "arms": _arms(answer),
        "arms_note": SAID["arms_note"].of(factors=names),
        "others": others_table(answer),
        "others_head": SAID["others_literature" if answer.literature else "others"],
        "pairs": comparisons_table(answer),
        "pairs_count": SAID["pairs_one"] if pairs == 1 else SAID["pairs"].of(n=pairs),
        "pairs_open": pairs <= OPEN_PAIRS,
        "pairs_print": pairs <= PRINTED_PAIRS,
        "pairs_note": SAID["comparisons_note"].of(unit=unit),
        "flags": [*_revised(answer), *answer.warnings, *_gone(answer, look)],
        "failed": _failed(answer),
        "provenance": SAID["provenance"].of(commit=answer.commit or "–", finished=_moment(answer.finished)),
        "look": _look(look),
    }


def _hypothesis(hypothesis: JudgedClaim, answer: FiledAnswer) -> dict[str, Any]:
    facts = [title(hypothesis.measure)] if hypothesis.measure != answer.measure else []
    facts += [SAID["margin"].of(value=numbers.exact(hypothesis.margin))] if hypothesis.margin is not None else []
    facts += [SAID["level"].of(value=f"{hypothesis.level:.0%}")] if hypothesis.interval else []
    chances = [(SAID["p_supports"], hypothesis.p_supports), (SAID["p_refutes"], hypothesis.p_refutes)]
    facts += [words.of(value=numbers.chance(p)) for words, p in chances if p is not None]
    return {
        "words": hypothesis.statement,
        "verdict": VERDICTS[hypothesis.verdict],
        "css": _css(hypothesis.verdict),
        "effect": verbatim(effect(hypothesis)) if hypothesis.effect is not None else SAID["no_effect"],
        "strip": strip(hypothesis),
        "facts": facts,
    }


def _panels(answer: FiledAnswer) -> list[dict[str, Any]]:
    """Each panel twice, for wide and for narrow screens, in the page's colours."""
    names = style.NAMES | {colour: f"var(--c{index})" for index, colour in enumerate(style.COLOURS)}
    names |= {style.BASELINE: "var(--base)"}
    found = panels(answer)
    drawn = []
    for place, panel in enumerate(found):
        svgs = {}
        for size, width in (("wide", BESIDE if len(found) > 1 else ALONE), ("narrow", NARROW)):
            key = f"{answer.name}-{place}-{size}".replace(".", "-")
            text = figures.svg(panel.figure(width), key, names)
            svgs[size] = Markup(text.replace("<svg", f'<svg role="img" aria-labelledby="{answer.name}-{place}"', 1))
        drawn.append({"id": f"{answer.name}-{place}", "panel": panel, **svgs})
    return drawn


def _arms(answer: FiledAnswer) -> dict[str, Any]:
    table = arms_table(answer)
    rows = []
    for arm, row in zip(answer.arms, table.rows, strict=True):
        cells = [duration_words(cell) if place == table.durations else verbatim(cell) for place, cell in enumerate(row)]
        rows.append({"name": arm.name, "changed": changed(arm), "cells": cells[1:], "seeds": seeds_of(answer, arm)})
    return {"heads": table.heads, "rows": rows}


def _revised(answer: FiledAnswer) -> list[dict[str, str]]:
    """Say what was changed after results had been seen, in each language of the note."""
    return (
        [{code: translator(code)(SAID["revised"].of(how=how)) for code, how in answer.note.revised.items()}]
        if answer.note.revised
        else []
    )


def _gone(answer: FiledAnswer, look: Look) -> list[Message]:
    """Which run folders are not there any more, and why there is no attention to look into."""
    runs = [run for arm in answer.arms for run in arm.runs]
    gone = [run.folder for run in runs if answer.is_gone(run)]
    if len(gone) == len(runs) > 0:
        return [SAID["all_gone"]]
    return [*([SAID["gone"].of(folders=", ".join(gone))] if gone else []), *([look.why] if look.why else [])]


def _failed(answer: FiledAnswer) -> list[dict[str, Any]]:
    found = []
    for arm in answer.arms:
        for failure in arm.failed:
            title = SAID["failed_one"].of(arm=arm.name, seed=failure.seed)
            log = SAID["log_file"].of(path=failure.log) if failure.log else None
            found.append({"title": title, "lines": failure.last_lines, "log": log})
    return found


def _look(look: Look) -> dict[str, Any]:
    if not look.sentences:
        return {"data": ""}
    data = explorer.as_json(explorer.packed(look.sentences, look.languages))
    return {
        "data": data,
        "title": SAID["look"].of(run=look.name),
        "note": SAID["look_note"].of(n=len(look.sentences)),
    }


def _moment(time: str) -> str:
    """2026-11-24 20:00 UTC, where it is written as ISO 8601 has it."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(\.\d+)?(Z|\+00:00)$", r"\1 \2 UTC", time)


def _css(verdict: str) -> str:
    return verdict.replace(" ", "-")


def _read(name: str) -> str:
    return (resources.files("research.report") / name).read_text(encoding="utf-8")

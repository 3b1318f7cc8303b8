"""The sections of the page that show answers: all verdicts at a glance, then a section for each question."""

import re
from typing import Any

from markupsafe import Markup

from research.report import answer_tables, numbers
from research.report.answer_charts import answer_panels
from research.report.explorer import packed
from research.report.language import LANGUAGES, translator
from research.report.look import AttentionLook, look_into
from research.report.templates import as_json, figures
from research.report.words import VERDICT_TITLES, corpus_title, duration, scope
from research.results.answers import Answer, FiledAnswer, JudgedClaim
from research.results.measures import MEASURES, title
from research.results.message import Message, verbatim
from research.results.tables import NOTHING

GLANCE = 4  # hypotheses of a question in the table of all verdicts
OPEN_PAIRS, PRINTED_PAIRS = 6, 30  # the most comparisons that are shown without being asked for, and on paper


def answer_section(answer: FiledAnswer) -> dict[str, Any]:
    """Return what answers.html shows of one answer."""
    measure, pairs = MEASURES[answer.measure], len(answer.comparisons)
    hypotheses = [_hypothesis(each, answer) for each in answer.hypotheses]
    parts = [shown for shown, each in zip(hypotheses, answer.hypotheses, strict=True) if not each.probe]
    look, time = look_into(answer), duration(answer.seconds)
    unit = verbatim(measure.unit) if measure.unit else measure.title
    sentences = packed(look.sentences, look.languages) if look.sentences else None
    arms = answer_tables.arms_table(answer)
    return {
        "answer": answer,
        "id": answer.name.replace(".", "-"),
        "corpus": corpus_title(answer.corpus),
        "verdict": VERDICT_TITLES[answer.verdict],
        "css": css_class(answer.verdict),
        "time": time,
        "scope": scope(answer),
        "effort": Message("{time} of training", time=time),
        "hypotheses": hypotheses,
        "glance": parts[:GLANCE],
        "more": Message("and {n} more", n=len(parts) - GLANCE) if len(parts) > GLANCE else None,
        "level": Message("{value} interval", value=numbers.level(answer.level)),
        "figures": figures(answer_panels(answer), answer.name),
        "arms_heads": arms.heads,
        "seed_failed": Message("seed {n} failed"),
        "arms": [{"name": arm.name, "fields": answer_tables.unnamed_fields(arm), "cells": row[1:],
                  "seeds": [(each.seed, each.text) for each in answer_tables.seed_scores(answer, arm)]}
                 for arm, row in zip(answer.arms, arms.rows, strict=True)],
        "arms_note": Message(
            "Arms differ in {factors}. Costs are of one run, the mean over seeds; trials are of tuning, "
            "and the learning rate is the best of them.",
            factors=", ".join(answer.factors) or NOTHING,
        ),
        "others": answer_tables.others_table(answer),
        "pairs": answer_tables.comparisons_table(answer),
        "pairs_count": Message("one pair") if pairs == 1 else Message("{n} pairs", n=pairs),
        "pairs_open": pairs <= OPEN_PAIRS,
        "pairs_print": pairs <= PRINTED_PAIRS,
        "pairs_note": Message(
            "The first minus the second, in {unit}. Holm: corrected for the number of comparisons of this question.",
            unit=unit,
        ),
        "warnings": [*_revised(answer), *answer.warnings, *_gone(answer, look)],
        "failed": [
            {"title": Message("{arm}, seed {seed}", arm=arm.name, seed=failure.seed), "lines": failure.last_lines,
             "log": Message("whole log: {path}", path=failure.log) if failure.log else None}
            for arm in answer.arms for failure in arm.failed
        ],
        "provenance": Message("commit {commit}, finished {finished}", commit=answer.commit or NOTHING,
                              finished=_moment(answer.finished)),
        "lock": answer.lock and Message("plan locked {registered}: {file}, commit {commit}", file=answer.lock.file,
                                        registered=_moment(answer.lock.registered), commit=answer.lock.commit),
        "look": sentences and {
            "data": as_json(sentences),
            "title": Message("Attention of {run}", run=look.name),
            "note": Message("{n} sentences to point at words in", n=len(look.sentences)),
        },
    }  # fmt: skip


def strip(hypothesis: JudgedClaim) -> Markup:
    """Return a small SVG of the effect and its interval against zero or a level, and the margin; "" without effect."""
    if hypothesis.effect is None:
        return Markup("")
    margin, against = abs(hypothesis.margin or 0.0), hypothesis.against
    low, high = hypothesis.interval or (hypothesis.effect, hypothesis.effect)
    left, right = min(low, against - margin), max(high, against + margin)
    scale = 164 / ((right - left) or 1.0)

    def x(value: float) -> str:
        return f"{8 + (value - left) * scale:.1f}"

    zone = f'<rect class="zone" x="{x(against - margin)}" y="2" width="{2 * margin * scale:.1f}" height="18"/>'
    return Markup(
        '<svg class="strip" viewBox="0 0 180 22" width="180" height="22" aria-hidden="true">'
        f'{zone if margin else ""}<path class="zero" d="M{x(against)} 1V21"/>'
        f'<path class="reach" d="M{x(low)} 11H{x(high)}"/>'
        f'<circle class="dot-mark" cx="{x(hypothesis.effect)}" cy="11" r="4.5"/></svg>'
    )


def _hypothesis(hypothesis: JudgedClaim, answer: Answer) -> dict[str, Any]:
    facts = [title(hypothesis.measure)] if hypothesis.measure != answer.measure else []
    if hypothesis.margin is not None:
        facts.append(Message("margin {value}", value=numbers.exact(hypothesis.margin)))
    if hypothesis.interval:
        facts.append(Message("{value} interval", value=numbers.level(hypothesis.level)))
    if answer_tables.is_constant(hypothesis):
        facts.append(answer_tables.NO_CHANCE)
    if hypothesis.p_supports is not None:
        facts.append(Message("p to support {value}", value=numbers.chance(hypothesis.p_supports)))
    if hypothesis.p_refutes is not None:
        facts.append(Message("p to refute {value}", value=numbers.chance(hypothesis.p_refutes)))
    facts += answer_tables.power_facts(hypothesis)
    known = hypothesis.effect is not None
    return {
        "words": hypothesis.statement,
        "verdict": VERDICT_TITLES[hypothesis.verdict],
        "css": css_class(hypothesis.verdict),
        "effect": verbatim(answer_tables.effect(hypothesis)) if known else Message("no effect could be estimated"),
        "strip": strip(hypothesis),
        "facts": facts,
    }


def _revised(answer: FiledAnswer) -> list[dict[str, str]]:
    """Say what was changed after results had been seen, in each language of the note."""
    how = answer.note.revised
    said = {code: translator(code)(answer_tables.REVISED.of(how=how[code])) for code in LANGUAGES if code in how}
    return [said] if said else []


def _gone(answer: FiledAnswer, look: AttentionLook) -> list[Message]:
    """Return which run folders are not there any more, and why there is no attention to look into."""
    runs = [run for arm in answer.arms for run in arm.runs]
    gone = [run.folder for run in runs if answer.is_gone(run)]
    if len(gone) == len(runs) > 0:
        return [
            Message(
                "The run folders are not here: these are the scores that the answer kept, without attention to look "
                "into."
            )
        ]
    trouble = [look.trouble] if look.trouble else []
    if not gone:
        return trouble
    said = Message("These run folders are gone; their scores are those that the answer kept: {folders}.")
    return [said.of(folders=", ".join(gone)), *trouble]


def _moment(time: str) -> str:
    """Return such as 2026-11-24 20:00 UTC, if it is written as ISO 8601 has it."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(\.\d+)?(Z|\+00:00)$", r"\1 \2 UTC", time)


def css_class(verdict: str) -> str:
    """Return the class of a verdict in the style sheet."""
    return verdict.replace(" ", "-")

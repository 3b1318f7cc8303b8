"""The numbers of answers as tables, and the words beside them."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from scipy.stats import false_discovery_control

from research.report.numbers import chance, decimals, exact, interval, plain, signed, size
from research.report.words import COST_COLUMNS, IN_A_SENTENCE, VERDICT_TITLES, corpus_title, duration
from research.results.answers import Answer, ArmResult, FiledAnswer, JudgedClaim
from research.results.measures import title
from research.results.message import Message, listed, verbatim
from research.results.tables import (
    NOTHING,
    TextTable,
)

FALSE_SHARE = 0.05  # of the claims that stay supported when all are looked at together
IDENTICAL = Message("identical")
CONSTANT = Message("does not vary")
NO_CHANCE = Message("nothing varies, so there is no p")
REVISED = Message("changed after results had been seen: {how}")
# A shape of its own for each, so that colour is never all there is.
SHAPES = {
    "supported": "●",
    "refuted": "✕",
    "not measured": "○",
    "not tested here": "∅",
    "not calibrated": "⌖",
    "not trained": "↗",
    "saturated": "▔",
    "no difference": "=",
    "underpowered": "◔",
    "open": "◐",
    "exploratory": "?",
    "inconclusive": "◐",
    "not enough seeds": "○",
}


class AnswerTable(NamedTuple):
    """A table whose heads and durations are in the reader's language. The first column names the row."""

    heads: list[Message]
    rows: list[list[str | Message]]

    def in_english(self) -> TextTable:
        """Return the table for a file or the terminal."""
        return TextTable([str(head) for head in self.heads], [[str(cell) for cell in row] for row in self.rows])


class SeedScore(NamedTuple):
    """One run's score as text; None if the run failed."""

    seed: int
    text: str | None


def arms_table(answer: Answer) -> AnswerTable:
    """Return arm, score, interval, and the costs and learning rates that are known. Runs are given by `seed_scores`."""
    places = _score_decimals(answer)
    costs = [name for name in COST_COLUMNS if any(arm.costs.get(name) is not None for arm in answer.arms)]
    rated = any(arm.learning_rate is not None for arm in answer.arms)
    rows: list[list[str | Message]] = []
    for arm in answer.arms:
        shown = [duration(arm.costs.get(name)) if name == "seconds" else COST_COLUMNS[name].show(arm.costs.get(name))
                 for name in costs]  # fmt: skip
        rate = [_chosen(arm.learning_rate)] if rated else []
        rows.append([arm.name, plain(arm.score, places), interval(arm.interval, places), *shown, *rate])
    heads = [Message("arm"), title(answer.measure), Message("interval")]
    heads += [Message("training") if name == "seconds" else COST_COLUMNS[name].title for name in costs]
    return AnswerTable([*heads, *([Message("learning rate")] if rated else [])], rows)


def seed_scores(answer: Answer, arm: ArmResult) -> list[SeedScore]:
    """Return every run's score in the order of seeds, failed runs too."""
    places = _score_decimals(answer)
    found = [SeedScore(run.seed, plain(run.scores.get(answer.measure), places)) for run in arm.runs]
    return sorted(found + [SeedScore(failure.seed, None) for failure in arm.failed])


def unnamed_fields(arm: ArmResult) -> list[str]:
    """Return the fields that an arm changes if its name does not say their values: `model.reader luong`."""
    if {str(value) for value in arm.fields.values()} <= set(re.split(r"[^\w.]+", arm.name)):
        return []
    return [f"{field} {value}" for field, value in arm.fields.items()]


def others_table(answer: Answer) -> AnswerTable:
    """Return arm, the mean of every other measure, and published numbers; no rows if there is neither."""
    known = {name for arm in answer.arms for name, value in arm.means.items() if value is not None}
    names = [name for name in dict.fromkeys(name for arm in answer.arms for name in arm.means) if name in known]
    names = [name for name in names if name != answer.measure]
    columns = [_column([arm.means.get(name) for arm in answer.arms]) for name in names]
    columns += [[_chosen(each.values.get(arm.name)) for arm in answer.arms] for each in answer.literature]
    if not columns:
        return AnswerTable([], [])
    heads = [Message("arm"), *map(title, names)]
    heads += [verbatim(f"{each.source}: {each.measure}") for each in answer.literature]
    rows: list[list[str | Message]] = [
        [arm.name, *(column[place] for column in columns)] for place, arm in enumerate(answer.arms)
    ]
    ours = {arm.name for arm in answer.arms}
    for name in dict.fromkeys(name for each in answer.literature for name in each.values if name not in ours):
        rows.append([name, *[NOTHING] * len(names), *(_chosen(each.values.get(name)) for each in answer.literature)])
    return AnswerTable(heads, rows)


def comparisons_table(answer: Answer) -> AnswerTable:
    """Return pair, difference, interval, p, and p after Holm; where nothing varies, that in place of p."""
    found = answer.comparisons
    places = decimals((_width(each.interval) for each in found), (each.difference for each in found))
    rows: list[list[str | Message]] = []
    for each in found:
        numbers = [signed(each.difference, places), interval(each.interval, places)]
        chances: list[str | Message] = [chance(each.p_value), chance(each.p_holm)]
        if each.p_value is None:
            chances = [CONSTANT if each.difference else IDENTICAL] * 2
        rows.append([f"{each.a} − {each.b}", *numbers, *chances])
    heads = [Message("pair"), Message("difference"), Message("interval"), Message("p"), Message("p, Holm")]
    return AnswerTable(heads, rows)


def of_claim(answer: Answer) -> list[JudgedClaim]:
    """Return what the claim needs, without the probes beside it."""
    return [each for each in answer.hypotheses if not each.probe]


def is_constant(hypothesis: JudgedClaim) -> bool:
    """Tell whether there is an effect that nothing varies, and so no p."""
    return hypothesis.effect is not None and hypothesis.p_supports is None


def effect(hypothesis: JudgedClaim) -> str:
    """Return such as +12.3 [10.0, 14.6], of a level without its sign; – if nothing could be estimated."""
    if hypothesis.effect is None:
        return NOTHING
    places = decimals([_width(hypothesis.interval)], [hypothesis.effect])
    ends = f" {interval(hypothesis.interval, places)}" if hypothesis.interval else ""
    show = plain if hypothesis.margin is None else signed
    return show(hypothesis.effect, places) + ends


def power_facts(hypothesis: JudgedClaim) -> list[Message]:
    """Return what the design could show: its power, the smallest effect at 0.8, and the seeds that would give 0.8."""
    if hypothesis.power is None:
        return []
    facts = [Message("power {value}", value=f"{hypothesis.power:.2f}")]
    if hypothesis.detectable is not None:
        facts.append(Message("0.8 at {value} beyond the bound", value=f"{hypothesis.detectable:.2g}"))
    if hypothesis.seeds_needed is not None:
        facts.append(Message("or with {n} seeds", n=hypothesis.seeds_needed))
    return facts


def counted(answers: Sequence[FiledAnswer]) -> Message:
    """Return such as: 18 questions on the embedded corpus: 9 supported. 54 runs, 3 h 7 min of training in all.

    A run that several questions share is counted once, and so are its seconds: those of its arm in the mean.
    """
    runs = [
        ((answer.path.parent, run.folder), arm.costs.get("seconds") or 0.0)
        for answer in answers
        for arm in answer.arms
        for run in arm.runs
    ]
    once = dict(runs)
    again = sum(seconds for _, seconds in runs) - sum(once.values())
    verdicts = Counter(answer.verdict for answer in answers)
    questions = len({answer.question for answer in answers})
    asked = Message("one question") if questions == 1 else Message("{n} questions", n=questions)
    if len(answers) > questions > 1:
        asked = Message("{n} questions, {answers} answers", n=questions, answers=len(answers))
    corpora = [
        IN_A_SENTENCE.get(name) or corpus_title(name) for name in dict.fromkeys(answer.corpus for answer in answers)
    ]
    between = Message("{first} and {rest}")
    given = [name for name in VERDICT_TITLES if name in verdicts]
    numbered = [Message("{count} {verdict}", count=verdicts[name], verdict=VERDICT_TITLES[name]) for name in given]
    return Message(
        "{questions} on {corpora}: {verdicts}. {runs} runs, {seconds} of training in all.",
        questions=asked,
        corpora=listed(corpora, between=between),
        verdicts=listed(numbered),
        runs=f"{len(once):,}",
        seconds=duration(sum(answer.seconds for answer in answers) - again),
    )


def discoveries(answers: Sequence[FiledAnswer]) -> Message | None:
    """Say how many claims stay supported when all of these answers are looked at together; None of fewer than two.

    By Benjamini & Hochberg 1995: of the claims that stay, one in twenty is expected to be false.
    """
    claims = [each for answer in answers if answer.lock for each in of_claim(answer) if each.p_supports is not None]
    supported = [each.verdict == "supported" for each in claims]
    if len(claims) < 2 or not any(supported):
        return None
    together = false_discovery_control([each.p_supports for each in claims])
    stay = sum(said and p < FALSE_SHARE for said, p in zip(supported, together, strict=True))
    return Message(
        "Of {supported} supported claims {stay} stay so if all {claims} claims here are looked at together, and one in "
        "twenty of those that stay may be false (Benjamini and Hochberg).",
        supported=sum(supported),
        stay=stay,
        claims=len(claims),
    )


def _score_decimals(answer: Answer) -> int:
    """Return the decimals of every score of the answer, so that the table is aligned."""
    return decimals((_width(arm.interval) for arm in answer.arms), (arm.score for arm in answer.arms))


def _column(values: Sequence[float | None]) -> list[str]:
    """Write a measure without an interval: four digits of the largest, as many decimals for all; millions as 1.18M."""
    if max((value for value in values if value is not None), default=0.0) >= 1e6:
        return [size(value) for value in values]
    places = decimals((), values)
    return [plain(value, places) for value in values]


def _chosen(value: float | None) -> str:
    return NOTHING if value is None else exact(value)


def _width(ends: tuple[float, float] | None) -> float | None:
    return None if ends is None else ends[1] - ends[0]

"""The numbers of answers as tables: for the page, the terminal, verdicts.md and CSV files."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text
from scipy.stats import false_discovery_control

from research.report.numbers import chance, decimals, exact, interval, plain, signed, size
from research.report.words import COST_COLUMNS, IN_A_SENTENCE, VERDICT_TITLES, corpus_title, duration, scope
from research.results.answers import Answer, ArmResult, FiledAnswer, JudgedClaim
from research.results.measures import title
from research.results.message import Message, listed, verbatim
from research.results.tables import (
    NOTHING,
    TableCell,
    TextTable,
    comma_separated,
    escape_markdown,
    markdown_lines,
    terminal_table,
)

MOST_PAIRS = 10  # comparisons in verdicts.md
FALSE_SHARE = 0.05  # of the claims that stay supported when all are looked at together
HOW_TO_READ = (
    "Intervals hold 95 %, of a claim that two are equivalent 90 % (two one-sided tests at 5 % each). A question's "
    "claim is supported where all of its parts are, so p to support are their own; it is refuted where one is, so p to "
    "refute are corrected for the number of parts (Holm). What is asked beside a claim decides nothing on it, and is "
    "not in the table. A plan that looks more than once says at which level. The times of questions that share runs "
    "hold those runs each."
)
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
STYLES = {"supported": "green", "refuted": "red", "no difference": "cyan", "open": "yellow", "inconclusive": "yellow"}


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


def terminal(answers: Sequence[FiledAnswer]) -> RenderableType:
    """Return all verdicts for `rich.console.Console.print`: a row for each answer and a line for each hypothesis."""
    rows: list[list[str | TableCell]] = []
    for corpus in dict.fromkeys(answer.corpus for answer in answers):
        rows.append([TableCell(corpus, "italic")])
        for answer in (answer for answer in answers if answer.corpus == corpus):
            parts = of_claim(answer)
            effects = [(f"{SHAPES[each.verdict]} " if len(parts) > 1 else "") + effect(each) for each in parts]
            verdict = TableCell(f"{SHAPES[answer.verdict]} {answer.verdict}", STYLES.get(answer.verdict, "dim"))
            rows.append([answer.question, verdict, "\n".join(effects), answer.seeds, str(duration(answer.seconds))])
    sheet = TextTable(["question", "verdict", "effect and interval", "seeds", "time"], rows, left=2)
    scopes = (Text(f"{answer.question}: {answer.verdict} {scope(answer)}") for answer in answers)
    failed = (Text.assemble(("note ", "yellow"), line) for answer in answers for line in _failures(answer))
    return Group(terminal_table(sheet, fold=[0]), *scopes, *failed, Text(str(counted(answers))))


def markdown(answers: Sequence[FiledAnswer]) -> str:
    """Return verdicts.md: all verdicts in a table, then a part for each answer."""
    rows: list[list[str | TableCell]] = []
    for answer in answers:
        link = TableCell(answer.question, link=f"#{_anchor(_heading(answer))}")
        verdict = f"{SHAPES[answer.verdict]} **{answer.verdict}**"
        effects = "\n".join(map(effect, of_claim(answer))) or NOTHING
        rows.append([link, answer.corpus, verdict, effects, answer.seeds, str(duration(answer.seconds))])
    sheet = TextTable(["question", "corpus", "verdict", "effect and interval", "seeds", "time"], rows, left=4)
    together = discoveries(answers)
    lines = ["# Verdicts", "", str(counted(answers)), "", *markdown_lines(sheet), "", HOW_TO_READ]
    lines += ["", str(together)] if together else []
    return "\n".join([*lines, *(line for answer in answers for line in _part(answer))]) + "\n"


def csv_files(answers: Sequence[FiledAnswer]) -> dict[str, str]:
    """Return arms, runs, comparisons and hypotheses of all answers as CSV by file name, a row each, in full."""
    means = list(dict.fromkeys(name for a in answers for arm in a.arms for name in arm.means))
    scores = list(dict.fromkeys(name for a in answers for arm in a.arms for run in arm.runs for name in run.scores))
    arms: list[list[object]] = [["corpus", "question", "arm", "group", "x", "fields", "measure", "score", "low", "high",
                                 "seeds", "failed", *COST_COLUMNS, "learning_rate",
                                 *(f"mean_{name}" for name in means)]]  # fmt: skip
    runs: list[list[object]] = [["corpus", "question", "arm", "seed", "status", "folder", *scores]]
    comparisons: list[list[object]] = [["corpus", "question", "a", "b", "difference", "low", "high", "p", "p_holm"]]
    hypotheses: list[list[object]] = [["corpus", "question", "hypothesis", "verdict", "effect", "low", "high", "margin",
                                       "p_supports", "p_refutes"]]  # fmt: skip
    for answer in answers:
        key = [answer.corpus, answer.question]
        for arm in answer.arms:
            fields = json.dumps(arm.fields, sort_keys=True)
            costs = [*map(arm.costs.get, COST_COLUMNS), arm.learning_rate, *map(arm.means.get, means)]
            arms.append([*key, arm.name, arm.group, arm.x, fields, answer.measure, arm.score, *_ends(arm.interval),
                         len(arm.runs), len(arm.failed), *costs])  # fmt: skip
            for run in arm.runs:
                status = "folder gone" if answer.is_gone(run) else "done"
                runs.append([*key, arm.name, run.seed, status, run.folder, *map(run.scores.get, scores)])
            for failure in arm.failed:
                runs.append([*key, arm.name, failure.seed, "failed", failure.log, *[None] * len(scores)])
        for pair in answer.comparisons:
            chances = (pair.p_value, pair.p_holm)
            comparisons.append([*key, pair.a, pair.b, pair.difference, *_ends(pair.interval), *chances])
        for each in answer.hypotheses:
            effects = [each.verdict, each.effect, *_ends(each.interval), each.margin]
            hypotheses.append([*key, str(each.statement), *effects, each.p_supports, each.p_refutes])
    tables = {"arms": arms, "runs": runs, "comparisons": comparisons, "hypotheses": hypotheses}
    return {f"{name}.csv": comma_separated(rows) for name, rows in tables.items()}


def _part(answer: FiledAnswer) -> list[str]:
    shape, say = SHAPES[answer.verdict], lambda words: escape_markdown(str(words))
    lines = ["", f"## {_heading(answer)}", "", f"**Claim.** {say(answer.claim)}", ""]
    lines += [f"{say(answer.asked)} (Source of the claim: {say(answer.source)}.)", ""]
    lines += [f"**Verdict: {shape} {answer.verdict}**, {say(scope(answer))}.", ""]
    for each in answer.hypotheses:
        of = f" ({title(each.measure)})" if each.measure != answer.measure else ""
        margin = "" if each.margin is None else f", margin {exact(each.margin)}"
        chances: object = f"p to support {chance(each.p_supports)}, to refute {chance(each.p_refutes)}"
        if is_constant(each):
            chances = NO_CHANCE
        chances = "; ".join(map(str, [chances, *power_facts(each)]))
        said = f"- {SHAPES[each.verdict]} {each.verdict}: {say(each.statement)}{say(of)}"
        lines.append(f"{said}: {effect(each)}{margin}; {chances}")
    lines += [""] if answer.hypotheses else []
    few = len(answer.comparisons) <= MOST_PAIRS
    tables = [_arms_with_seeds(answer), others_table(answer).in_english()]
    tables += [comparisons_table(answer).in_english()] if few else []
    for table in tables:
        lines += [*markdown_lines(table), ""] if table.rows else []
    lines += [] if few else [f"{len(answer.comparisons)} comparisons are in tables/comparisons.csv.", ""]
    if revised := answer.note.revised.get("en"):
        lines.append(f"- Warning: {say(REVISED.of(how=revised))}")
    lines += [f"- Warning: {say(warning)}" for warning in answer.warnings]
    lines += [f"- Failed: {say(arm.name)}, seed {failure.seed}: `{' / '.join(failure.last_lines[-1:])}`"
              for arm in answer.arms for failure in arm.failed]  # fmt: skip
    lines += [f"- Found out: {say(finding)}" for finding in answer.findings]
    lines += ["", say(answer.note.found["en"])] if answer.note.found else []
    return [*lines, "", "```sh", answer.command, "```"]


def _arms_with_seeds(answer: Answer) -> TextTable:
    """Return the table of arms with the score of every run after the interval."""
    heads, rows, left = arms_table(answer).in_english()
    runs = [" ".join(each.text or "failed" for each in seed_scores(answer, arm)) or NOTHING for arm in answer.arms]
    shown = [[*row[:3], each, *row[3:]] for row, each in zip(rows, runs, strict=True)]
    return TextTable([*heads[:3], "each seed", *heads[3:]], shown, left)


def _failures(answer: Answer) -> Iterator[str]:
    for arm in answer.arms:
        for failure in arm.failed:
            where = f"; see {failure.log}" if failure.log else ""
            yield f"{answer.question}: {arm.name}, seed {failure.seed} failed{where}"


def _heading(answer: Answer) -> str:
    return f"{answer.question}, {answer.corpus}"


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading: lower case, spaces to dashes, no punctuation but - and _."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


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


def _ends(ends: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return ends or (None, None)


def _width(ends: tuple[float, float] | None) -> float | None:
    return None if ends is None else ends[1] - ends[0]

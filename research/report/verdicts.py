"""All verdicts: for the terminal, as verdicts.md, and in full as CSV files."""

import json
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from research.report.answer_tables import (
    NO_CHANCE,
    REVISED,
    SHAPES,
    arms_table,
    comparisons_table,
    counted,
    discoveries,
    effect,
    is_constant,
    of_claim,
    others_table,
    power_facts,
    seed_scores,
)
from research.report.numbers import chance, exact
from research.report.words import COST_COLUMNS, duration, scope
from research.results.answers import Answer, FiledAnswer
from research.results.measures import title
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
HOW_TO_READ = (
    "Intervals hold 95 %, of a claim that two are equivalent 90 % (two one-sided tests at 5 % each). A question's "
    "claim is supported where all of its parts are, so p to support are their own; it is refuted where one is, so p to "
    "refute are corrected for the number of parts (Holm). What is asked beside a claim decides nothing on it, and is "
    "not in the table. A plan that looks more than once says at which level. The times of questions that share runs "
    "hold those runs each."
)
STYLES = {"supported": "green", "refuted": "red", "no difference": "cyan", "open": "yellow", "inconclusive": "yellow"}


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


def _ends(ends: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return ends or (None, None)

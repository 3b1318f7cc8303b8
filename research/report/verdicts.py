"""All verdicts at a glance: for the terminal, and as Markdown with a part for every question."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from research.report import numbers
from research.report.question_table import Table as Rows
from research.report.question_table import arms_table, comparisons_table, effect, others_table, seeds_of
from research.report.table import HEAD_RULE
from research.report.words import IN_A_SENTENCE, SAID, VERDICTS, corpus_words, duration_words
from research.results.answers import FiledAnswer, JudgedClaim
from research.results.measures import title
from research.results.message import Message, listed

MOST_PAIRS = 10  # comparisons in verdicts.md
HOW_TO_READ = (
    "Intervals hold 95 %, of a claim that two are equivalent 90 % (two one-sided tests at 5 % each). A question's "
    "claim is supported where all of its parts are, so p to support are their own; it is refuted where one is, so p to "
    "refute are corrected for the number of parts (Holm). The times of questions that share runs hold those runs each."
)
# A shape of its own for each, so that colour is never all there is.
SHAPES = {"supported": "●", "refuted": "✕", "inconclusive": "◐", "not enough seeds": "○"}
STYLES = {"supported": "green", "refuted": "red", "inconclusive": "yellow", "not enough seeds": "dim"}


def counted(answers: Sequence[FiledAnswer]) -> Message:
    """18 questions on the embedded corpus: 9 supported, … 54 runs, 3 h 7 min of training in all.

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
    number = Message("{count} {verdict}")
    parts = [number.of(count=verdicts[each], verdict=said) for each, said in VERDICTS.items() if verdicts[each]]
    corpora = [
        IN_A_SENTENCE.get(name) or corpus_words(name) for name in dict.fromkeys(answer.corpus for answer in answers)
    ]
    questions = len({answer.question for answer in answers})
    said = SAID["questions_one"] if questions == 1 else SAID["questions"].of(n=questions)
    return SAID["count"].of(
        questions=said,
        corpora=listed(corpora, between=Message("{first} and {rest}")),
        verdicts=listed(parts),
        runs=f"{len(once):,}",
        seconds=duration_words(numbers.duration(sum(answer.seconds for answer in answers) - again)),
    )


def terminal(answers: Sequence[FiledAnswer]) -> RenderableType:
    """Corpus by corpus, a row an answer and a line a hypothesis, for `rich.console.Console.print`."""
    table = Table(box=HEAD_RULE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("question", overflow="fold")
    for head in ("verdict", "effect and interval", "seeds", "time"):
        table.add_column(head, justify="left" if head == "verdict" else "right", no_wrap=True)
    for corpus in dict.fromkeys(answer.corpus for answer in answers):
        table.add_row(Text(corpus, style="italic"))
        for answer in (answer for answer in answers if answer.corpus == corpus):
            verdict = Text(f"{SHAPES[answer.verdict]} {answer.verdict}", style=STYLES[answer.verdict])
            effects = Text("\n").join(_effect(each, len(answer.hypotheses) > 1) for each in answer.hypotheses)
            table.add_row(Text(answer.question), verdict, effects, answer.seeds, numbers.duration(answer.seconds))
    failed = [line for answer in answers for line in _failures(answer)]
    return Group(table, *(Text.assemble(("note ", "yellow"), each) for each in failed), Text(str(counted(answers))))


def markdown(answers: Sequence[FiledAnswer]) -> str:
    """verdicts.md: the table of all verdicts, then for each answer its claim, verdict, tables, flags and command."""
    lines = ["# Verdicts", "", str(counted(answers)), ""]
    lines += ["| question | corpus | verdict | effect and interval | seeds | time |", "|---|---|---|---|---:|---:|"]
    for answer in answers:
        link = f"[{_inline(answer.question)}](#{_anchor(_heading(answer))})"
        effects = "<br>".join(effect(each) for each in answer.hypotheses) or numbers.NOTHING
        cells = [link, _inline(answer.corpus), f"{SHAPES[answer.verdict]} **{answer.verdict}**", effects, answer.seeds]
        lines.append(f"| {' | '.join(cells)} | {numbers.duration(answer.seconds)} |")
    lines += ["", HOW_TO_READ]
    return "\n".join([*lines, *(line for answer in answers for line in _part(answer))])


def _part(answer: FiledAnswer) -> list[str]:
    lines = ["", f"## {_heading(answer)}", "", f"**Claim.** {_inline(str(answer.claim))}", ""]
    lines += [f"{_inline(str(answer.asked))} (Source of the claim: {_inline(answer.source)}.)", ""]
    lines += [f"**Verdict: {SHAPES[answer.verdict]} {answer.verdict}.**", ""]
    for each in answer.hypotheses:
        of = f" ({title(each.measure)})" if each.measure != answer.measure else ""
        margin = "" if each.margin is None else f", margin {numbers.exact(each.margin)}"
        chances = f"p to support {numbers.chance(each.p_supports)}, to refute {numbers.chance(each.p_refutes)}"
        said = f"- {SHAPES[each.verdict]} {each.verdict}: {_inline(str(each.statement))}{_inline(of)}"
        lines.append(f"{said}: {effect(each)}{margin}; {chances}")
    lines += ["", *_arms(answer), ""]
    few = len(answer.comparisons) <= MOST_PAIRS
    for rows in (others_table(answer), comparisons_table(answer)) if few else (others_table(answer),):
        lines += [*_table(rows), ""] if rows.rows else []
    lines += [] if few else [str(SAID["in_tables"].of(n=len(answer.comparisons))), ""]
    if revised := answer.note.revised.get("en"):
        lines.append(f"- Flagged: {_inline(str(SAID['revised'].of(how=revised)))}")
    lines += [f"- Flagged: {_inline(str(warning))}" for warning in answer.warnings]
    lines += [f"- Failed: {_inline(arm.name)}, seed {failure.seed}: `{' / '.join(failure.last_lines[-1:])}`"
              for arm in answer.arms for failure in arm.failed]  # fmt: skip
    lines += [f"- Found out: {_inline(str(finding))}" for finding in answer.findings]
    lines += ["", _inline(answer.note.found["en"])] if answer.note.found else []
    return [*lines, "", "```sh", answer.command, "```"]


def _arms(answer: FiledAnswer) -> list[str]:
    """The table of arms with the score of every seed after the interval."""
    heads, rows, _ = arms_table(answer)
    seeds = [[each.text or "failed" for each in seeds_of(answer, arm)] or [numbers.NOTHING] for arm in answer.arms]
    rows = [[*row[:3], " ".join(each), *row[3:]] for row, each in zip(rows, seeds, strict=True)]
    return _table(Rows([*heads[:3], SAID["each_seed"], *heads[3:]], rows))


def _table(table: Rows) -> list[str]:
    lines = ["| " + " | ".join(_inline(str(head)) for head in table.heads) + " |"]
    lines.append("|---|" + "---:|" * (len(table.heads) - 1))
    return lines + ["| " + " | ".join(map(_inline, row)) + " |" for row in table.rows]


def _failures(answer: FiledAnswer) -> Iterator[str]:
    for arm in answer.arms:
        for failure in arm.failed:
            where = f"; see {failure.log}" if failure.log else ""
            yield f"{answer.question}: {arm.name}, seed {failure.seed} failed{where}"


def _effect(hypothesis: JudgedClaim, shaped: bool) -> Text:
    shape = f"{SHAPES[hypothesis.verdict]} " if shaped else ""
    return Text.assemble((shape, STYLES[hypothesis.verdict]), effect(hypothesis))


def _heading(answer: FiledAnswer) -> str:
    return f"{answer.question}, {answer.corpus}"


def _anchor(heading: str) -> str:
    """As GitHub makes them: lower case, spaces to dashes, no punctuation but - and _."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def _inline(words: str) -> str:
    return words.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")

"""The ledger: every answer that was ever given, with its verdict, its plan, and why it stands no more."""

from collections.abc import Iterator, Sequence

from research.results.answers import FiledAnswer
from research.results.tables import NOTHING, TextTable, markdown_lines

LEARNING = ("not done learning", "validated too late")
"""The beginnings of warnings, in answers from before there were plans, that an arm may not have done learning."""


HEAD = """# Ledger

An answer is never edited: a change is a new version, by a new plan and under new seeds. *Plan* is the beginning of its
digest, and *verdict* what the answer said when it was given.
"""


def markdown(answers: Sequence[FiledAnswer]) -> str:
    """Return ledger.md: a row for each answer, the answers to one question on one corpus in the order of time.

    Args:
        answers: in the order of their questions; an answer to the same question on the same corpus is its next version.
    """
    versions: dict[str, list[FiledAnswer]] = {}
    for answer in answers:
        versions.setdefault(answer.name, []).append(answer)
    rows = []
    for of in versions.values():
        of.sort(key=lambda each: each.finished)
        last = max((number for number, answer in enumerate(of, start=1) if answer.lock), default=0)
        rows += [_row(answer, number, stands=number == last) for number, answer in enumerate(of, start=1)]
    heads = ["question", "corpus", "version", "finished", "commit", "plan", "verdict", "now"]
    return "\n".join([HEAD, *markdown_lines(TextTable(heads, rows, left=len(heads))), ""])


def _row(answer: FiledAnswer, number: int, *, stands: bool) -> list[str]:
    plan = answer.lock.sha256[:8] if answer.lock else NOTHING
    made = [answer.finished[:10], answer.commit[:8] or NOTHING, plan, answer.filed_verdict]
    return [answer.question, answer.corpus, str(number), *made, _state(answer, last=stands)]


def _state(answer: FiledAnswer, *, last: bool) -> str:
    """Return whether an answer stands, or why not."""
    if answer.lock:
        return "stands" if last else "replaced by the next version"
    return f"withdrawn: {', '.join(_faults(answer))}"


def _faults(answer: FiledAnswer) -> Iterator[str]:
    yield "no plan was locked"
    if any(warning.text.startswith(LEARNING) for warning in answer.warnings):
        yield "arms had not done learning"
    if len(answer.request.rates or ()) > 1:
        yield "learning rates were chosen under a seed that was judged"

"""The lecture of docs/: what in its text comes from the code and from answers is put there, and kept true, by this.

    python -m research.report.lecture docs/lecture.md docs/lecture.ko.md

A link to code names a symbol, and gets the line on which the symbol is defined:

    [the dot product](../research/attention/scores.py#L89 "Dot.compare")

and between two comments stands what the answers to a question say, with their figures, if figures/ has them:

    <!-- verdict: heads -->
    <!-- end -->
"""

import ast
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from research.files import write_whole
from research.report.answer_tables import SHAPES, effect
from research.report.language import translator
from research.report.words import VERDICT_TITLES, scope
from research.results.answer_files import newest, read_answers
from research.results.answers import FiledAnswer
from research.results.message import Message, verbatim

CODE_LINK = re.compile(r'\((?P<file>\.\./[^)#\s]+\.py)#L(?P<line>\d+) "(?P<symbol>[\w.]+)"\)')
VERDICT = re.compile(r"(?P<head><!-- verdict: (?P<question>\w+) -->\n).*?(?P<foot><!-- end -->)", re.DOTALL)


def refreshed(text: str, folder: Path, answers: Sequence[FiledAnswer], language: str) -> str:
    """Return the text with today's lines of code and the verdicts of these answers.

    Args:
        text: Markdown.
        folder: where it stands; links begin there.
        answers: the last version of each.
        language: of the text, one of `LANGUAGES`.

    Raises:
        ValueError: a link names a symbol that its file does not define.
    """
    say = translator(language)

    def line(match: re.Match[str]) -> str:
        file, symbol = match["file"], match["symbol"]
        return f'({file}#L{_line_of(folder / file, symbol)} "{symbol}")'

    def verdict(match: re.Match[str]) -> str:
        return match["head"] + "".join(_said(match["question"], answers, say, folder)) + match["foot"]

    return VERDICT.sub(verdict, CODE_LINK.sub(line, text))


def _line_of(file: Path, symbol: str) -> int:
    """Return the line on which a function, class or name is defined; `Class.method` for those of a class."""
    body: Sequence[ast.stmt] = ast.parse(file.read_text("utf-8")).body
    found = 0
    for name in symbol.split("."):
        definitions = {getattr(each, "name", None) or _assigned(each): each for each in body}
        if name not in definitions:
            raise ValueError(f"{file} defines no {symbol}, to which the lecture links")
        found = definitions[name].lineno
        body = getattr(definitions[name], "body", [])
    return found


def _assigned(statement: ast.stmt) -> str | None:
    """Return the name that a statement gives a value, if it is one name."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _said(question: str, answers: Sequence[FiledAnswer], say: Callable[[Message], str], folder: Path) -> list[str]:
    """Return the lines about a question: each verdict with its scope, each hypothesis with its effect, the figure."""
    given = [answer for answer in answers if answer.question == question and answer.lock]
    if not given:
        none = Message("No plan was confirmed yet, so there is no verdict: `python run.py ablate {question}` explores.")
        return [f"> {say(none.of(question=question))}\n"]
    lines = []
    for answer in given:
        verdict = f"{SHAPES[answer.verdict]} **{say(VERDICT_TITLES[answer.verdict])}**"
        lines += [f"> {verdict}, {say(scope(answer))}.\n", ">\n"]
        lines += [
            f"> - {SHAPES[each.verdict]} {say(each.statement)}: {say(verbatim(effect(each)))}\n"
            for each in answer.hypotheses
        ]
        if not answer.hypotheses:
            lines += [f"> - {say(each)}\n" for each in answer.warnings]
        if (folder / (figure := f"figures/{answer.name}.png")).exists():
            words = Message("{question} on {corpus}: every arm", question=question, corpus=answer.corpus)
            lines += [">\n", f"> ![{say(words)}]({figure})\n"]
    return lines


def main(files: Sequence[str]) -> None:
    """Bring each file up to date, by the answers of the folder `answers` beside it."""
    for each in map(Path, files):
        kept = sorted((each.parent / "answers").glob("*/*.json"))
        answers = newest(read_answers(kept)) if kept else []
        language = each.suffixes[0].removeprefix(".") if len(each.suffixes) > 1 else "en"
        write_whole(each, refreshed(each.read_text("utf-8"), each.parent, answers, language).encode())


if __name__ == "__main__":
    main(sys.argv[1:])

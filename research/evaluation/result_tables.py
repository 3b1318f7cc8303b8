"""Tables of result.json: in the terminal, and in result.md beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from research.results.run_folder import beams, search_words
from research.results.tables import NOTHING, TextTable, escape_markdown, markdown_lines, terminal_table

TITLES = {
    "source_length": "By source length, in words",
    "rarest_word": "By the reference's rarest word: its count in training",
    "reordering": "By reordering: share of target words' pairs against the source's order",
    "word_frequency": "Target words, by their count in training",
}
HEADINGS = {
    "bin": ("", ""),
    "token_accuracy_change": ("change of token accuracy %", "change of\ntoken acc. %"),
    "bleu_change": ("change of BLEU", "change of\nBLEU"),
    "sentences": ("sentences", "sent."),
    "perplexity": ("perplexity", "perpl."),
    "word_perplexity": ("perplexity per word", "per\nword"),
    "token_accuracy": ("token accuracy %", "token\nacc. %"),
    "bleu": ("BLEU", "BLEU"),
    "bleu_lowercased": ("BLEU lower-cased", "BLEU\nlower-c."),
    "chrf": ("chrF", "chrF"),
    "ter": ("TER", "TER"),
    "precision": ("precision %", "prec.\n%"),
    "recall": ("recall %", "recall\n%"),
    "f1": ("F1 %", "F1\n%"),
    "error": ("AER %", "AER\n%"),
    "entropy": ("entropy", "entropy"),
    "on_words": ("on words %", "on\nwords %"),
    "coverage": ("coverage %", "cover-\nage %"),
    "monotonicity": ("monotonicity %", "mono-\ntone %"),
}
"""Column headings by measure: in Markdown, and in a terminal of 80 columns."""
CHANGED = ("token_accuracy", "bleu")  # by an intervention
COUNTS = ("sentences", "words")
TRANSLATED = "translated"
"""Marks a second count: all sentences are translated, and those longer than data.max_tokens have no perplexity."""


class Heading(NamedTuple):
    """The heading of a column."""

    measure: str
    """A name of `HEADINGS`; any other is printed as it is."""
    search: str
    """The search that was measured, in words; "" for measures of no search; or `TRANSLATED`."""

    @property
    def wide(self) -> str:
        """One line, for Markdown."""
        return f"{HEADINGS.get(self.measure, (self.measure,))[0]} {self.search}".strip()

    @property
    def narrow(self) -> str:
        """Several short lines, for a terminal."""
        return f"{HEADINGS.get(self.measure, (self.measure,))[-1]}\n{self.search}".strip()


class Sheet(NamedTuple):
    """A table of text; the first column names the row."""

    title: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[str]]


def in_markdown(result: Mapping[str, Any]) -> str:
    """Return the tables of all splits in Markdown, and the signatures that make the scores comparable."""
    lines = [f"# {escape_markdown(result['name'])}"]
    for split, measured in result["splits"].items():
        lines += ["", f"## {escape_markdown(split)}"]
        for sheet in sheets(measured, beams(measured["searches"])):
            table = TextTable([head.wide for head in sheet.headings], sheet.rows)
            lines += ["", f"**{sheet.title}**", "", *markdown_lines(table)]
    lines += ["", *(f"- {signature}" for signature in _signatures(result))]
    return "\n".join(lines) + "\n"


def on_terminal(result: Mapping[str, Any]) -> Group:
    """Return the tables for rich to print; breakdowns show the widest search only, as there is no room for more."""
    printed: list[Text | Table] = []
    for split, measured in result["splits"].items():
        for sheet in sheets(measured, beams(measured["searches"])[-1:]):
            table = TextTable([head.narrow for head in sheet.headings], sheet.rows)
            printed += [Text(f"{split} · {sheet.title}", "bold"), terminal_table(table), Text()]
    return Group(*printed, *map(Text, _signatures(result)))


def sheets(measured: Mapping[str, Any], widths: Sequence[int]) -> Iterator[Sheet]:
    """Yield the tables of one split; an older result has fewer.

    Args:
        measured: the part of result.json for the split.
        widths: beams whose breakdowns are shown.
    """
    names = [f"beam{beam}" for beam in beams(measured["searches"])]
    searches = {search_words(name): measured["searches"][name] for name in names}
    parts = {"": measured} | {search_words(f"beam{beam}"): measured["searches"][f"beam{beam}"] for beam in widths}
    yield _beside("Overall", {"": [_overall("all", measured)]})
    scores = ("bleu", "bleu_lowercased", "chrf", "ter")
    rows = [
        {"bin": name, "sentences": measured["sentences"]} | {score: search[score]["score"] for score in scores}
        for name, search in searches.items()
    ]
    again = {name: search.get("bleu_by_tokenizer", {}) for name, search in searches.items()}
    for tokenize in dict.fromkeys(each for by in again.values() for each in by):
        for row in rows:
            row[f"BLEU {tokenize}"] = again[row["bin"]].get(tokenize, {}).get("score")
    yield _beside("Translations", {"": rows})
    for name, title in TITLES.items():
        found = {part: each["by"][name] for part, each in parts.items() if each.get("by", {}).get(name)}
        if found:
            yield _beside(title, found)
    aligned = measured.get("alignment") or {}
    if "by_head" in aligned:
        chosen = aligned["layer"]
        heads = [{**row, "bin": f"{name} *" if name == chosen else name} for name, row in aligned["by_head"].items()]
        yield _beside("Alignment by layer and head, entropy in nats; * is reported", {"": heads})
    if measured.get("interventions"):
        rows = [
            {"bin": row["bin"]}
            | {name: row[name] for name in CHANGED}
            | {f"{name}_change": _change(name, row) for name in CHANGED}
            for row in measured["interventions"]
        ]
        title = "Interventions, greedy: the change, and its 95 % interval over sentences"
        cells = [[_cell(*item) for item in row.items()] for row in rows]
        yield Sheet(title, [Heading(key, "") for key in rows[0]], cells)


def _overall(name: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("sentences", "perplexity", "word_perplexity", "token_accuracy")
    of_these = {**measured, "sentences": measured["sentences"] - measured.get("too_long", 0)}
    return {"bin": name} | {each: of_these[each] for each in wanted if each in of_these}


def _beside(title: str, parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Sheet:
    """Return a table with a row for each bin: the measures of no search, then the columns of each search.

    The count beside a score is that of the sentences or words that it is of. The same count is not repeated.
    """
    longest_first = sorted(parts.values(), key=len, reverse=True)
    names = list(dict.fromkeys(row["bin"] for rows in longest_first for row in rows))
    headings, cells = [Heading("bin", "")], {name: [name] for name in names}
    counted: list[dict[str, Any]] = []  # by bin, of each column of counts
    for part, rows in parts.items():
        by_bin = {row["bin"]: row for row in rows}
        for key in rows[0]:
            column = {name: row[key] for name, row in by_bin.items()}
            if key == "bin" or (key in COUNTS and any(column.items() <= other.items() for other in counted)):
                continue
            headings.append(Heading(key, part if key not in COUNTS else TRANSLATED if counted else ""))
            counted += [column] if key in COUNTS else []
            for name in names:
                cells[name].append(_cell(key, column[name]) if name in column else NOTHING)
    return Sheet(title, headings, list(cells.values()))


def _signatures(result: Mapping[str, Any]) -> list[str]:
    searches = [search for split in result["splits"].values() for search in split["searches"].values()]
    said = [f"{HEADINGS[name][0]}: {each[name]['signature']}" for name in ("bleu", "chrf", "ter") for each in searches]
    again = [found for each in searches for found in each.get("bleu_by_tokenizer", {}).values()]
    return list(dict.fromkeys([*said, *(f"BLEU: {each['signature']}" for each in again)]))


def _change(name: str, row: Mapping[str, Any]) -> str | None:
    """Return a change and its interval, such as -3.1 [-4.0, -2.2]."""
    if f"{name}_change" not in row:
        return None
    change, low, high = (_cell(name, row[f"{name}_{part}"]) for part in ("change", "low", "high"))
    return f"{change} [{low}, {high}]"


def _cell(name: str, value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or NOTHING
    if name in HEADINGS and HEADINGS[name][0].endswith("%"):
        return f"{100 * value:.1f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if value < 1e4 else f"{value:.1e}"

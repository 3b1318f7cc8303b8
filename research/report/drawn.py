"""The runs that charts, translations and attention maps show: all of a few; of many, the best of each architecture."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from research.report.runs import Run, RunGroup, run_groups
from research.results.message import Message

MOST_DRAWN = 15  # as many names stand beside the lowest chart, and more lines in one are not told apart


def drawn_runs(runs: Sequence[Run]) -> list[Run]:
    """Return at most MOST_DRAWN runs, in their order: those of the best BLEU, as many of each architecture."""
    scores = _scores(runs)
    seen: Counter[str] = Counter()
    rounds: list[tuple[int, str]] = []  # the best of every architecture, then the second of every one, and so on
    for run in sorted(runs, key=lambda run: -scores.get(run.name, float("-inf"))):
        rounds.append((seen[run.architecture], run.name))
        seen[run.architecture] += 1
    names = {name for _, name in sorted(rounds, key=lambda each: each[0])[:MOST_DRAWN]}
    return [run for run in runs if run.name in names]


def drawn_groups(groups: Sequence[RunGroup], drawn: Sequence[Run]) -> list[RunGroup]:
    """Return the groups with the runs that are drawn alone; a group without one is left out."""
    names = {run.name for run in drawn}
    kept = [replace(group, runs=tuple(run for run in group.runs if run.name in names)) for group in groups]
    return [group for group in kept if group.runs]


def left_out(runs: Sequence[Run]) -> list[Message]:
    """Return a note on which runs are drawn, and how to see others; none if all are."""
    drawn = drawn_runs(runs)
    if len(drawn) == len(runs):
        return []
    return [
        Message(
            "Charts, translations and attention maps show {n} of the {all} runs, those of each architecture with the "
            "best BLEU: {names}. To see others, report them alone: python run.py report RUN... --out=FOLDER",
            n=len(drawn),
            all=len(runs),
            names=", ".join(run.title for run in drawn),
        )
    ]


def _scores(runs: Sequence[Run]) -> dict[str, float]:
    """Return the BLEU of the search that a group has in common, by run; of its largest group if a run is in several."""
    found: dict[str, float] = {}
    for group in run_groups(runs):
        for run in group.runs:
            if (score := group.bleu(run)) is not None:
                found.setdefault(run.name, score)
    return found

"""Print a comparison of two systems: their scores, the difference, and the verdict."""

from rich.console import Group, RenderableType
from rich.text import Text

from research.evaluation.compare import SystemComparison, percent
from research.results.measures import MEASURES
from research.results.run_folder import search_words
from research.results.tables import TableCell, TextTable, terminal_table
from research.statistics.contrasts import IDENTICAL, Interval


def terminal(comparison: SystemComparison) -> RenderableType:
    """Lay out a comparison for `rich.console.Console.print`; its last line is the verdict."""
    by = MEASURES[comparison.measure]
    title = f"{comparison.split}, {search_words(comparison.search)}, {comparison.sentences:,} sentences"
    measure = str(by.title) if by.better > 0 else f"{by.title} (less is better)"
    rows: list[list[str | TableCell]] = []
    for name, system in (("A", comparison.a), ("B", comparison.b)):
        score, interval = f"{system.score:.2f}", "{:.2f} to {:.2f}".format(*system.interval)
        if len(system.runs) == 1:
            rows.append([name, system.runs[0], str(system.seeds[0]), score, interval])
            continue
        for run, seed, each in zip(system.runs, system.seeds, system.scores, strict=True):
            rows.append([name, run, str(seed), f"{each:.2f}", ""])
        rows.append([name, f"mean of {len(system.runs)} seeds", "", score, interval])
    difference = ["A - B", "", "", f"{comparison.difference:+z.2f}", _range(comparison.interval)]
    rows.append([TableCell(cell, "bold") for cell in difference])
    sheet = TextTable(["", "run", "seed", measure, f"{percent(comparison.level)} interval"], rows, left=2)
    table = terminal_table(sheet, fold=[1])
    return Group(Text(title, "bold"), table, Text(), *map(Text, _remarks(comparison)), Text(), Text(comparison.verdict))


def _remarks(comparison: SystemComparison) -> list[str]:
    seeds = [len(system.runs) for system in (comparison.a, comparison.b)]
    if comparison.p_value is None:
        same = "score the same" if comparison.verdict == IDENTICAL else "differ by the same amount"
        said = [f"A and B {same} whatever the sentences and seeds: there is nothing to test, and no p"]
    else:
        said = [f"p of no difference = {comparison.p_value:.4f}"]
        if comparison.equivalence_p_value is not None:
            within = f"equivalence within ±{comparison.margin:g}: p of TOST = {comparison.equivalence_p_value:.4f}"
            inside = f"{percent(comparison.equivalence_level)} interval {_range(comparison.equivalence_interval)}"
            said.append(f"{within}; the {inside} must lie inside")
        errors = [f"{comparison.sentence_error:.2f} from sentences ({comparison.resamples:,} paired resamples)"]
        if comparison.freedom is not None:
            errors.append(f"{comparison.seed_error:.2f} from seeds ({comparison.freedom:.1f} degrees of freedom)")
        said.append(f"standard error: {', '.join(errors)}")
    said.append(comparison.signature)
    if min(seeds) == 1:
        alone = " and ".join(name for name, runs in zip("AB", seeds, strict=True) if runs == 1)
        said.append(f"note: one seed of {alone}: how much seeds vary is not in the interval")
    return said


def _range(interval: Interval) -> str:
    return "{:+z.2f} to {:+z.2f}".format(*interval)

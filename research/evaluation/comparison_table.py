"""A comparison of two systems as people read it: the scores, the difference, and what to think of it."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from research.evaluation.compare import MEASURES, Comparison, percent
from research.results.run_folder import search_words
from research.statistics.resampling import Interval

FEW_SEEDS = 5  # below, an interval by percentiles misses too often: see `resampling.bootstrap`


def terminal(comparison: Comparison) -> RenderableType:
    """What was found, for `rich.console.Console.print`: the scores, the difference, and what to think of it."""
    kind = MEASURES[comparison.measure]
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = Text(f"{comparison.split}, {search_words(comparison.search)}, {comparison.sentences:,} sentences")
    table.add_column("")
    table.add_column("run", overflow="fold")
    table.add_column("seed", justify="right")
    table.add_column(kind.title if kind.better > 0 else f"{kind.title} (less is better)", justify="right")
    table.add_column(f"{percent(comparison.level)} interval", justify="right")
    for name, system in (("A", comparison.a), ("B", comparison.b)):
        score, interval = f"{system.score:.2f}", "{:.2f} to {:.2f}".format(*system.interval)
        if len(system.runs) == 1:
            table.add_row(name, Text(system.runs[0]), str(system.seeds[0]), score, interval)
            continue
        for run, seed, each in zip(system.runs, system.seeds, system.scores, strict=True):
            table.add_row(name, Text(run), str(seed), f"{each:.2f}")
        table.add_row(name, f"mean of {len(system.runs)} seeds", "", score, interval)
    table.add_row("A - B", "", "", f"{comparison.difference:+z.2f}", _range(comparison.interval), style="bold")
    return Group(table, Text(), *map(Text, _remarks(comparison)), Text(), Text(comparison.verdict))


def _remarks(comparison: Comparison) -> list[str]:
    seeds = [len(system.runs) for system in (comparison.a, comparison.b)]
    drawn = "sentences" if max(seeds) == 1 else "sentences and seeds"
    said = [f"paired bootstrap, {comparison.resamples:,} times over {drawn}: p = {comparison.bootstrap_p_value:.4f}"]
    if comparison.randomisation_p_value is not None:
        said.append(f"approximate randomisation: p = {comparison.randomisation_p_value:.4f}")
    over_seeds = comparison.over_seeds
    if over_seeds:
        said.append(
            f"Welch's t over seeds alone: {_range(over_seeds.interval)}, p = {over_seeds.p_value:.4f}"
            + ("" if over_seeds.equivalence_p_value is None else f", TOST p = {over_seeds.equivalence_p_value:.4f}")
        )
    if comparison.margin is not None:
        within = f"equivalence within ±{comparison.margin:g}"
        interval = f"{percent(comparison.equivalence_level)} interval {_range(comparison.equivalence_interval)}"
        said.append(f"{within}: the {interval} must lie inside")
    said.append(comparison.signature)
    if min(seeds) == 1:
        alone = " and ".join(name for name, runs in zip("AB", seeds, strict=True) if runs == 1)
        said.append(f"note: one seed of {alone}: how much seeds vary is not in the interval")
    elif over_seeds and min(seeds) < FEW_SEEDS:
        said.append("note: few seeds: where they vary more than sentences, trust the interval of t, which is longer")
    return said


def _range(interval: Interval) -> str:
    return "{:+z.2f} to {:+z.2f}".format(*interval)

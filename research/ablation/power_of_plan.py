"""How many seeds would a plan need? Asked of the runs that tuned its arms, before it is registered.

The variance over seeds is pooled over arms, s² = mean of s_i², as two seeds an arm say little alone. With R seeds an
arm the contrast Σ c_i ȳ_i has the standard error √(Σ c_i² s² / R) over seeds; its standard error over sentences is that
of the validation split times √(N_validation / N_test), with as many test sentences as validation sentences where a
corpus is text. `statistics.power` says what that shows.

An arm that gains nothing more from a doubling of its steps is shown to have done learning (`last_doubling`) where
t_{R-1, 0.95} · s_g / √R < m / 2, with s_g² the pooled variance of what seeds gained.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text
from scipy import special

from research.ablation.ablate import Ablation
from research.ablation.experiment import Experiment
from research.ablation.last_doubling import ENOUGH as ENOUGH_GAIN
from research.ablation.last_doubling import margin
from research.ablation.locking import FIRST_SEED, SEEDS
from research.ablation.measured import MeasuredRun, read_run
from research.ablation.tuning import SPLIT
from research.ablation.verdict import SEEDS as LEAST_SEEDS
from research.ablation.verdict import design_of, scores_of
from research.ablation.wording import beside, statements
from research.results.measures import MEASURES
from research.results.message import Message
from research.results.tables import NOTHING, TextTable, terminal_table
from research.results.tunings import Tuning, changes_of
from research.statistics.contrasts import Estimate
from research.statistics.hypotheses import LEVEL, assess
from research.statistics.power import ENOUGH, MOST_SEEDS, detectable, power, seeds_needed


class PlannedClaim(NamedTuple):
    """A claim of a question, and what so many seeds would show of it.

    Attributes:
        statement: the claim as a sentence.
        room: how far beyond its bound the truth is thought to lie; None where no margin says so.
        power: the chance to show it then.
        detectable: the room at which that chance is `ENOUGH`.
        seeds: how many seeds an arm would give it; None where no number does.
    """

    statement: Message
    room: float | None
    power: float | None
    detectable: float | None
    seeds: int | None


def planned_claims(
    experiment: Experiment,
    arms: Mapping[str, Sequence[MeasuredRun]],
    seeds: int,
    sentences: float,
    level: float = LEVEL,
) -> list[PlannedClaim]:
    """Return every claim of a question with its power.

    Args:
        experiment: the question.
        arms: arm -> its runs under the seeds of tuning, two at least.
        seeds: that an arm is to have.
        sentences: how many times as many sentences will be judged.
        level: 1 - α of each test.
    """
    found = []
    for hypothesis in experiment.hypotheses:
        name = hypothesis.measure or experiment.measure
        scores, better = scores_of(name, arms), MEASURES[name].better
        if set(hypothesis.arms) - scores.runs.keys():
            continue  # it is not asked of all of its arms
        spread = float(np.mean([np.var(runs, ddof=1) for runs in scores.runs.values()]))
        said = statements(hypothesis, MEASURES[name].unit)
        if hypothesis in experiment.probes:
            said = [beside(each) for each in said]
        asked = hypothesis.requirements(better)
        for claim, statement, needs in zip(assess(hypothesis, scores, better, level), said, asked, strict=True):
            parts = [weight**2 * spread / seeds for weight in needs.weights.values()]
            expected = Estimate(
                claim.effect,
                math.sqrt(sum(parts)),
                (seeds - 1) * sum(parts) ** 2 / sum(part**2 for part in parts) if sum(parts) else math.inf,
                claim.estimate.sentence_error / math.sqrt(sentences),
                claim.arms,
            )
            design = design_of(claim, name)
            found.append(
                PlannedClaim(
                    statement,
                    design and design.room,
                    design and power(expected, design),
                    design and detectable(expected, design),
                    design and seeds_needed(expected, design, seeds),
                )
            )
    return found


def seeds_to_show_learning(tuning: Tuning, least: float) -> int | None:
    """Return how many seeds show of an arm that gains nothing more that it had done learning; None if no number does.

    Args:
        tuning: what arms came to after more and more steps.
        least: the question's margin.
    """
    doublings = [changes_of(*arm.budgets[-2:]) for arm in tuning.arms if len(arm.budgets) > 1]
    variances = [float(np.var(changes, ddof=1)) for changes in doublings if len(changes) > 1]
    if not variances:
        return None
    spread = math.sqrt(np.mean(variances))

    def at_most(number: int) -> float:
        return float(special.stdtrit(number - 1, LEVEL)) * spread / math.sqrt(number)

    return next((n for n in range(2, MOST_SEEDS + 1) if at_most(n) < ENOUGH_GAIN * least), None)


def power_table(ask: Callable[..., Ablation], seeds: Sequence[int] | None, looks: Sequence[int] = ()) -> RenderableType:
    """Return a row for each claim of a question that was tuned.

    Args:
        ask: seeds, looks -> the question.
        seeds: that it is to have; None: as many as a plan takes.
        looks: after how many seeds the plan looks. The power is that of the last look, by its share of α alone: what
            earlier looks add to it is not counted.

    Raises:
        ValueError: it was not tuned, or its runs are gone.
    """
    ablation = ask(seeds=seeds or tuple(range(FIRST_SEED, FIRST_SEED + (looks[-1] if looks else SEEDS))), looks=looks)
    if ablation.tuning is None:
        raise ValueError(f"{ablation.name} was not tuned: --tune first, with the same flags")
    experiment, number = ablation.experiment, len(ablation.seeds)
    if number < LEAST_SEEDS:
        raise ValueError(f"a verdict needs {LEAST_SEEDS} seeds at least, such as --seeds=100,101,102")
    arms = {
        arm: [
            read_run(ablation.runs.folder(arm, config, seed), SPLIT, ablation.search, experiment.measures)
            for seed in ablation.tuning.seeds
        ]
        for arm, config in ablation.arms.items()
    }
    judged = _sentences(ablation, ablation.split) / _sentences(ablation, SPLIT)
    level = ablation.looks[-1].level
    rows = [
        [
            str(each.statement),
            _number(each.room, "g"),
            NOTHING if each.power is None else f"{each.power:.0%}",
            _number(each.detectable, ".2g"),
            NOTHING if each.seeds is None else str(each.seeds),
        ]
        for each in planned_claims(experiment, arms, number, judged, level)
    ]
    heads = ["claim", "if it is true by", "power", f"shown at {ENOUGH:.0%}", "seeds needed"]
    table = terminal_table(TextTable(heads, rows), fold=[0], align="lrrrr")
    least = margin(experiment)
    learning = seeds_to_show_learning(ablation.tuning, least) if least else None
    said = f"With {number} seeds an arm, by {len(ablation.tuning.seeds)} seeds of tuning on validation."
    if looks:
        said += f" At the last of {len(looks)} looks, whose share of α is {1 - level:.3f}."
    if learning:
        said += f" {learning} seeds show that an arm which gains nothing more had done learning."
    return Group(table, Text(said))


def _sentences(ablation: Ablation, split: str) -> float:
    """Return how many sentences a split of the embedded corpus has; 1 of others."""
    data = next(iter(ablation.arms.values())).data
    return float(data.embedded[f"{split}_pairs"]) if data.source == "embedded" else 1.0


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else f"{value:{form}}"

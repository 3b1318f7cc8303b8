"""The power of a plan, from the runs that tuned its arms: by hand, from the quantiles of Student's t."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from research.ablation.measured import MeasuredRun
from research.ablation.power_of_plan import planned_claims, power_table, seeds_to_show_learning
from research.ablation.tuning import tune
from research.results.tunings import Budget, Trial, TunedArm, Tuning
from tests.ablation.pretended import QUESTION, Learner, Pretends

ARMS = {"layers=1": (8.0, 8.4), "layers=2": (5.0, 5.2)}
POOLED = (0.4**2 / 2 + 0.2**2 / 2) / 2


def runs(sentences=4):
    """All sentences are alike, so that seeds alone vary."""

    def run(seed, perplexity):
        counts = np.tile([5 * np.log(perplexity), 3.0, 5.0], (sentences, 1))
        return MeasuredRun(seed, {"perplexity": counts}, {"perplexity": perplexity})

    return {arm: [run(10 + i, each) for i, each in enumerate(of)] for arm, of in ARMS.items()}


@pytest.mark.parametrize("seeds", [3, 5, 12])
def test_the_effect_that_is_shown_is_that_of_a_t_test_with_the_pooled_variance(seeds):
    (found,) = planned_claims(QUESTION, runs(), seeds, 10.0)
    error, freedom = np.sqrt(2 * POOLED / seeds), 2 * (seeds - 1)
    assert found.room == 0.5
    assert found.detectable == pytest.approx((stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom)) * error)
    assert found.power == pytest.approx(stats.t.cdf(0.5 / error - stats.t.ppf(0.975, freedom), freedom))
    enough = planned_claims(QUESTION, runs(), found.seeds, 10.0)[0].power
    assert enough >= 0.8 > planned_claims(QUESTION, runs(), found.seeds - 1, 10.0)[0].power


def test_with_several_looks_the_power_is_that_of_the_last_one():
    """Its share of α is what O'Brien & Fleming leave it: α - (2 - 2 Φ(z / √(1/2))) after half of the seeds."""
    alpha = 0.05 - 2 * stats.norm.sf(stats.norm.ppf(0.975) * np.sqrt(2))
    (found,) = planned_claims(QUESTION, runs(), 10, 10.0, 1 - alpha)
    error, freedom = np.sqrt(2 * POOLED / 10), 18
    assert found.detectable == pytest.approx((stats.t.ppf(1 - alpha / 2, freedom) + stats.t.ppf(0.8, freedom)) * error)


def tuned(*gains):
    """An arm for each pair of gains of its seeds 10 and 11."""

    def arm(name, of):
        budgets = (Budget(800, {10: 3.0, 11: 3.0}), Budget(1_600, {10: 3.0 + of[0], 11: 3.0 + of[1]}))
        return TunedArm(name, "id", (Trial(0.1, {10: 1.0, 11: 1.0}),), budgets, 1_600, True)

    arms = tuple(arm(str(n), of) for n, of in enumerate(gains))
    return Tuning(
        question="which",
        corpus="c",
        command="ablate",
        commit="abc",
        finished="now",
        seeds=(10, 11),
        seconds=1.0,
        arms=arms,
    )


def test_the_seeds_that_show_that_learning_is_done():
    spread = np.sqrt(((0.02) ** 2 / 2 + (0.01) ** 2 / 2) / 2)
    needed = seeds_to_show_learning(tuned((0.01, -0.01), (0.0, 0.01)), least=0.02)
    at_most = [stats.t.ppf(0.95, n - 1) * spread / np.sqrt(n) for n in (needed - 1, needed)]
    assert at_most[0] >= 0.01 > at_most[1]
    assert seeds_to_show_learning(tuned(), 0.02) is None


def test_a_question_that_was_tuned_has_a_row_for_each_claim(question):
    tune(question(tuned=False), Pretends(leave=Learner()))
    console = Console(width=120, file=StringIO())
    console.print(power_table(question, (100, 101, 102)))
    text = console.file.getvalue()
    assert "layers=2 is better than layers=1 by more than 0.5 perplexity" in text
    assert "With 3 seeds an arm, by 2 seeds of tuning on validation." in text

    console.print(power_table(question, None, (5, 10)))
    assert (
        "With 10 seeds an arm, by 2 seeds of tuning on validation. At the last of 2 looks, whose share of α is 0.044."
        in (" ".join(console.file.getvalue().split()))
    )


def test_a_question_that_was_not_tuned_has_no_power(question):
    with pytest.raises(ValueError, match="which was not tuned: --tune first, with the same flags"):
        power_table(question, None)

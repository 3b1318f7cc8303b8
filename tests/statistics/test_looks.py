"""Several looks at growing data: what each may spend, and that all of them together are wrong no more often."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.looks import shares


@pytest.mark.parametrize("looks", [(5,), (5, 10), (5, 10, 20), (3, 4, 5, 50)])
def test_the_shares_follow_the_spending_function_and_add_up(looks):
    t = np.array(looks) / looks[-1]
    spent = 2 * stats.norm.sf(stats.norm.ppf(0.975) / np.sqrt(t))
    np.testing.assert_allclose(np.cumsum(shares(looks, 0.05)), spent, rtol=1e-12)
    assert sum(shares(looks, 0.05)) == pytest.approx(0.05)


def test_half_of_the_seeds_may_spend_little():
    """By tables of the normal distribution: 2 - 2 Φ(1.96 · √2) = 0.0056."""
    assert shares((10, 20), 0.05) == pytest.approx([0.0056, 0.0444], abs=5e-5)


def test_all_looks_together_find_a_difference_that_is_not_there_no_more_than_one_time_in_twenty():
    """By t tests of two arms that are alike, after 5, 10 and 20 seeds; each of them at 5 % would find one in eight."""
    looks, draws = (5, 10, 20), 20_000
    arms = np.random.default_rng(0).normal(size=(2, draws, looks[-1]))
    p = np.array([stats.ttest_ind(*arms[..., :seeds], axis=-1, equal_var=False).pvalue for seeds in looks])
    assert (p < 0.05).any(axis=0).mean() > 0.1
    ever = (p < np.array(shares(looks, 0.05))[:, None]).any(axis=0).mean()
    assert 0.035 < ever < 0.05

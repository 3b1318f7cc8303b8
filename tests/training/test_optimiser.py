"""Learning rates against their formulas, updates against those of the papers, and unknown names."""

from math import cos, pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.training.optimiser import OPTIMISERS, SCHEDULES, make_optimiser, make_schedule

PEAK, WARMUP, STEPS, DECAY = 0.7, 7, 31, 9 / 31

# Updates done -> rate. The update at hand counts, so that none has a rate of 0.
FORMULAS = {
    "inverse_sqrt": lambda n: PEAK * min((n + 1) / WARMUP, sqrt(WARMUP / (n + 1))),
    "cosine": lambda n: (
        PEAK * ((n + 1) / WARMUP if n < WARMUP else (1 + cos(pi * (n + 1 - WARMUP) / (STEPS + 1 - WARMUP))) / 2)
    ),
    "wsd": lambda n: PEAK * min((n + 1) / WARMUP, 1.0, (STEPS - n) / (DECAY * STEPS)),
    "constant": lambda n: PEAK * min((n + 1) / WARMUP, 1.0),
}
ADAM = {"beta1": 0.9, "beta2": 0.98, "epsilon": 1e-9, "weight_decay": 0.0, "clip_norm": 0.0}


def test_every_schedule_has_a_formula_here():
    assert FORMULAS.keys() == SCHEDULES.keys()


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_equals_its_formula(name):
    schedule = jax.jit(jax.vmap(make_schedule(name, peak=PEAK, warmup_steps=WARMUP, steps=STEPS, decay_share=DECAY)))
    counts = jnp.arange(STEPS + 1)
    np.testing.assert_allclose(schedule(counts), [FORMULAS[name](int(n)) for n in counts], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_warmup_the_first_update_has_the_peak(name):
    np.testing.assert_allclose(
        make_schedule(name, peak=PEAK, warmup_steps=0, steps=STEPS, decay_share=DECAY)(jnp.int32(0)), PEAK, rtol=1e-6
    )


def test_inverse_sqrt_equals_equation_3_of_vaswani():
    """lrate = d^-0.5 · min(n^-0.5, n · w^-1.5), equation 3, whose maximum is d^-0.5 · w^-0.5."""
    width, warmup = 512, 4_000
    schedule = make_schedule(
        "inverse_sqrt", peak=(width * warmup) ** -0.5, warmup_steps=warmup, steps=1, decay_share=DECAY
    )
    for n in (1, 17, 4_000, 100_000):
        np.testing.assert_allclose(schedule(jnp.int32(n - 1)), width**-0.5 * min(n**-0.5, n * warmup**-1.5), rtol=1e-5)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_a_decay_that_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match=rf"training\.decay_share={share} must be above 0 and at most 1"):
        make_schedule("wsd", peak=1.0, warmup_steps=1, steps=2, decay_share=share)


def test_runs_of_two_lengths_share_a_trunk():
    """Until the decay of the shorter one, wsd does not depend on how long the run will be."""
    short, long = (make_schedule("wsd", peak=PEAK, warmup_steps=3, steps=n, decay_share=0.2) for n in (20, 40))
    rates = np.array([[schedule(jnp.int32(n)) for n in range(20)] for schedule in (short, long)])
    assert (rates[0] == rates[1]).tolist() == [True] * 17 + [False] * 3  # update 16 still has the peak
    assert rates[0, 19] == pytest.approx(PEAK / 4)


def updated(name, gradients, params, **fields):
    """Return the parameters after one update for each gradient, at a rate of 0.1."""
    optimiser = make_optimiser(name, optax.constant_schedule(0.1), **{**ADAM, **fields})
    state = optimiser.init(params)
    for gradient in gradients:
        updates, state = optimiser.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    return params


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adamw", 0.0), ("adamw", 0.3)])
def test_updates_equal_those_of_the_papers(name, decay):
    """Algorithm 1 of Kingma & Ba 2015; decay is decoupled, as in algorithm 2 of Loshchilov & Hutter 2019."""
    params, gradients = np.array([1.0, -2.0]), np.array([[0.5, -0.1], [0.2, 3.0], [-1.0, 0.4]])
    theta, m, v = params.copy(), np.zeros(2), np.zeros(2)
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g**2
        theta = theta - 0.1 * ((m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.98**t)) + 1e-9) + decay * theta)
    ours = updated(name, jnp.asarray(gradients, jnp.float32), jnp.asarray(params, jnp.float32), weight_decay=decay)
    np.testing.assert_allclose(ours, theta, rtol=1e-5)


def test_clipping_uses_the_global_norm():
    """With a large epsilon Adam's first update grows with the gradient, so clipping is visible."""
    gradient, params = jnp.array([3.0, 4.0]), jnp.zeros(2)
    clipped = updated("adam", [gradient], params, clip_norm=1.0, epsilon=1.0)
    np.testing.assert_allclose(clipped, updated("adam", [gradient / 5], params, epsilon=1.0), rtol=1e-5)
    small = updated("adam", [gradient / 10], params, clip_norm=1.0, epsilon=1.0)
    np.testing.assert_allclose(small, updated("adam", [gradient / 10], params, epsilon=1.0), rtol=1e-6)


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError, match=r"training\.schedule='linear' is unknown; choose one of inverse_sqrt, cosine, wsd, constant"
    ):
        make_schedule("linear", peak=1.0, warmup_steps=1, steps=2, decay_share=DECAY)
    with pytest.raises(ValueError, match=f"training.optimizer='sgd' is unknown; choose one of {', '.join(OPTIMISERS)}"):
        make_optimiser("sgd", optax.constant_schedule(0.1), **ADAM)
    with pytest.raises(ValueError, match=r"training\.weight_decay=0\.1 needs optimizer='adamw', not 'adam'"):
        make_optimiser("adam", optax.constant_schedule(0.1), **{**ADAM, "weight_decay": 0.1})

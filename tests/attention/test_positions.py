"""Positions against their papers' formulas, one number at a time."""

from functools import partial
from math import cos, sin

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.positions import Learned, Rotary, alibi, alibi_slopes, edge_of, sinusoidal
from research.attention.windows import Window
from tests.attention.test_heads import random_weights, self_attention

B, T, H, K = 2, 7, 3, 6
D = H * K


@pytest.mark.parametrize("width", [1, 7, 10])
def test_sinusoids_are_the_formula(width):
    """Vaswani et al. 2017, section 3.5."""
    table_TD = sinusoidal(101, width)
    expected = [
        [(cos if d % 2 else sin)(t / 10_000 ** ((d - d % 2) / width)) for d in range(width)] for t in range(101)
    ]
    assert table_TD.dtype == jnp.float32
    np.testing.assert_allclose(table_TD, expected, atol=1e-6)


def test_a_longer_table_begins_with_the_shorter():
    np.testing.assert_array_equal(sinusoidal(13, 6)[:5], sinusoidal(5, 6))


def test_positions_past_the_last_learned_one_share_its_vector():
    module = Learned(5, 3)
    table_PD = module.init(jax.random.key(0), 1)["params"]["places"]
    vectors_TD = module.apply({"params": {"places": table_PD}}, 5)
    np.testing.assert_array_equal(vectors_TD, np.asarray(table_PD)[[0, 1, 2, 2, 2]])


def test_rotary_rotates_pairs_as_complex_numbers():
    """Su et al. 2021, equation 13, with pairs in two halves; scores depend on the distance alone."""
    random = np.random.default_rng(0)
    query, key = random.normal(size=(2, 1, 1, 1, K)).astype(np.float32)
    turn = partial(Rotary(1, K, 0).apply, {}, method="rotate")

    def complex_of(x):
        return x.astype(np.complex128)[..., : K // 2] + 1j * x[..., K // 2 :]

    places = np.array([0, 1, 5, 40])
    turned = np.asarray(turn(np.broadcast_to(query, (1, 1, 4, K)), places))
    rates = 10_000.0 ** (-2 * np.arange(K // 2) / K)
    expected = complex_of(np.broadcast_to(query, (1, 1, 4, K))) * np.exp(1j * places[:, None] * rates)
    np.testing.assert_allclose(complex_of(turned), expected, atol=1e-5)
    products = [
        float((np.asarray(turn(query, np.array([t]))) * np.asarray(turn(key, np.array([s])))).sum())
        for t, s in ((9, 2), (7, 0), (30, 23))
    ]
    np.testing.assert_allclose(products, products[0], atol=1e-4)


def test_alibi_has_the_published_slopes():
    """Press et al. 2022: 1/2 … 1/256 for 8 heads; in between, every other slope of the next power of two."""
    np.testing.assert_allclose(alibi_slopes(8), [2.0**-h for h in range(1, 9)])
    np.testing.assert_allclose(alibi_slopes(1), [2.0**-8])
    np.testing.assert_allclose(alibi_slopes(3), [2.0**-4, 2.0**-8, 2.0**-2])
    bias_HTS = alibi(jnp.array([0.5, 0.25]), jnp.arange(3), jnp.arange(4))
    assert bias_HTS[0].tolist() == [[0, -0.5, -1, -1.5], [-0.5, 0, -0.5, -1], [-1, -0.5, 0, -0.5]]
    assert bias_HTS[1, 2].tolist() == [-0.5, -0.25, 0, -0.25]


def test_edges_are_cut_at_the_reach():
    """Shaw et al. 2018: clip(s - t, -k, k)."""
    assert edge_of(2, jnp.arange(5), jnp.arange(5)).tolist() == [
        [2, 3, 4, 4, 4], [1, 2, 3, 4, 4], [0, 1, 2, 3, 4], [0, 0, 1, 2, 3], [0, 0, 0, 1, 2],
    ]  # fmt: skip


def read(params, x_BTD, positions, **fields):
    module = self_attention(width=D, heads=H, kv_heads=H, positions=positions, reach=2, **fields)
    run = jax.jit(partial(module.apply, {"params": params}, mutable=["attention"]))
    read_BTD, sown = run(x_BTD, Window())
    return np.asarray(read_BTD), np.asarray(sown["attention"]["weights"][0])


def test_relative_positions_are_shaws_equations():
    """e_ij = q_i (k_j + a^K_ij) / √K and z_i = Σ_j α_ij (v_j + a^V_ij), one pair of positions at a time."""
    params = random_weights(D)
    params["relation"] = {
        name: np.random.default_rng(seed).normal(size=(5, K)).astype(np.float32)
        for seed, name in enumerate(("key", "value"))
    }
    x_BTD = np.random.default_rng(3).normal(size=(B, T, D)).astype(np.float32)
    read_BTD, weights_BHTS = read(params, x_BTD, "relative")
    query, key, value = (
        (x_BTD @ params[name]["kernel"] + params[name]["bias"]).reshape(B, T, H, K).astype(np.float64)
        for name in ("query", "key", "value")
    )
    z = np.zeros((B, T, H, K))
    for b, h, i in np.ndindex(B, H, T):
        edges = [int(np.clip(j - i, -2, 2)) + 2 for j in range(T)]
        e = np.array([query[b, i, h] @ (key[b, j, h] + params["relation"]["key"][edges[j]]) for j in range(T)])
        alpha = np.exp(e / K**0.5 - (e / K**0.5).max())
        alpha /= alpha.sum()
        np.testing.assert_allclose(weights_BHTS[b, h, i], alpha, atol=1e-5)
        z[b, i, h] = sum(alpha[j] * (value[b, j, h] + params["relation"]["value"][edges[j]]) for j in range(T))
    expected = z.reshape(B, T, D) @ params["output"]["kernel"] + params["output"]["bias"]
    np.testing.assert_allclose(read_BTD, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("positions", ["rotary", "alibi", "relative"])
def test_relations_depend_on_the_distance_and_not_on_the_position(positions):
    """In a sequence repeated twice, with a window of neighbours, both halves have the same weights."""
    random, half = np.random.default_rng(3), 5
    params = random_weights(D)
    params["relation"] = {name: random.normal(size=(5, K)).astype(np.float32) for name in ("key", "value")}
    x_BTD = np.tile(random.normal(size=(B, half, D)).astype(np.float32), (1, 2, 1))
    module = self_attention(width=D, heads=H, kv_heads=H, positions=positions, reach=2)
    run = jax.jit(partial(module.apply, {"params": params}, mutable=["attention"]))
    read_BTD, sown = run(x_BTD, Window(before=2, after=2))
    weights_BHTS = np.asarray(sown["attention"]["weights"][0])
    np.testing.assert_allclose(weights_BHTS[:, :, 2, :5], weights_BHTS[:, :, 2 + half, half:], atol=1e-5)
    np.testing.assert_allclose(read_BTD[:, 2], read_BTD[:, 2 + half], rtol=1e-4, atol=1e-5)
    assert np.ptp(weights_BHTS[0, 0, 2, :5]) > 1e-2

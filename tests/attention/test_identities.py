"""Identities between variants, over random inputs: one is another with some weights or fields set.

`general` with W = I is `dot` and Luong's concat is Bahdanau's in test_scores.py; equal kernels are in test_kernels.py.
"""

from functools import cache, partial

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from research.attention import positions
from research.attention.windows import Window
from tests.attention.test_heads import cross, cross_attention, random_weights, self_attention
from tests.attention.test_reader import read_at_once, read_in_turn, reader

B, T, S, H, K = 2, 5, 7, 3, 4
D = H * K
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
over_inputs = given(seed=st.integers(0, 2**16))
few = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def draw(seed, *shapes):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


@cache
def compiled(make, method, **fields):
    """Return a function that is compiled once for all examples of a property."""
    module = make(**fields)
    return jax.jit(lambda params, *inputs: module.apply({"params": params}, *inputs, method=method))


def read_all(module, x_BTD):
    return module(x_BTD, Window(before=None, after=0))


own = partial(compiled, partial(self_attention, width=D), read_all)
source = partial(compiled, partial(cross_attention, width=D), cross)
WINDOWS = ("local_m", "global")
WORDS_BS = np.arange(S) < np.array([[S], [4]])


@few
@over_inputs
def test_one_head_of_identities_is_scaled_dot(seed):
    query_BTD, memory_BSD = draw(seed, (B, T, D), (B, S, D))
    eye = {"kernel": np.eye(D, dtype=np.float32), "bias": np.zeros(D, np.float32)}
    read_BTD = source(heads=1, kv_heads=1)(dict.fromkeys(random_weights(D), eye), query_BTD, memory_BSD, WORDS_BS)
    scores_BTS = np.where(WORDS_BS[:, None], np.einsum("btd,bsd->bts", query_BTD, memory_BSD) / np.sqrt(D), -np.inf)
    powers_BTS = np.exp(scores_BTS - scores_BTS.max(-1, keepdims=True))
    expected = powers_BTS / powers_BTS.sum(-1, keepdims=True) @ memory_BSD
    np.testing.assert_allclose(read_BTD, expected, **CLOSE)


@few
@over_inputs
def test_grouped_heads_whose_groups_repeat_are_multi_head(seed):
    """G = 1 equals H heads of keys and values that are all the same. G = H is the code of multi-head attention."""
    (query_BTD,), weights = draw(seed, (B, T, D)), random_weights(D, seed, kv=K)
    tiled = {**weights, **{name: jax.tree.map(lambda w: np.tile(w, H), weights[name]) for name in ("key", "value")}}
    np.testing.assert_allclose(own(kv_heads=1)(weights, query_BTD), own()(tiled, query_BTD), **CLOSE)


@few
@over_inputs
def test_relative_positions_with_zero_vectors_are_no_positions(seed):
    (x_BTD,), weights = draw(seed, (B, T, D)), random_weights(D, seed)
    nothing = {name: np.zeros((5, K), np.float32) for name in ("key", "value")}
    relative = own(positions="relative")({**weights, "relation": nothing}, x_BTD)
    np.testing.assert_allclose(relative, own()(weights, x_BTD), **CLOSE)


@pytest.fixture
def flat(monkeypatch):
    """Make all slopes of ALiBi zero."""
    monkeypatch.setattr(positions, "alibi_slopes", np.zeros)
    module = self_attention(width=D, positions="alibi")
    return jax.jit(lambda params, x_BTD: module.apply({"params": params}, x_BTD, method=read_all))


@few
@over_inputs
def test_alibi_with_zero_slopes_is_no_positions(flat, seed):
    (x_BTD,), weights = draw(seed, (B, T, D)), random_weights(D, seed)
    np.testing.assert_allclose(flat(weights, x_BTD), own()(weights, x_BTD), **CLOSE)


@few
@over_inputs
def test_rotary_at_position_0_is_no_positions(seed):
    """A sentence of one word: nothing is rotated."""
    (x_B1D,), weights = draw(seed, (B, 1, D)), random_weights(D, seed)
    np.testing.assert_allclose(own(positions="rotary")(weights, x_B1D), own()(weights, x_B1D), **CLOSE)


@few
@over_inputs
@pytest.mark.parametrize("kind", ["reader", "cross"])
def test_a_local_window_as_long_as_the_sentence_is_global(kind, seed):
    query_BTD, memory_BSE = draw(seed, (B, T, D), (B, S, D))
    if kind == "reader":
        scorer = dict(zip(("query", "key", "scale"), draw(seed, (D, 3), (D, 3), (3,)), strict=True))
        make = partial(reader, query_width=D, memory_width=D)
        params, inputs = {"scorer": scorer}, (memory_BSE, query_BTD, WORDS_BS)
        near, far = (compiled(make, read_at_once, window=window, radius=S)(params, *inputs) for window in WINDOWS)
    else:
        params, inputs = random_weights(D, seed), (query_BTD, memory_BSE, WORDS_BS)
        near, far = (source(window=window, radius=S)(params, *inputs) for window in WINDOWS)
    jax.tree.map(partial(np.testing.assert_allclose, **CLOSE), near, far)


@few
@over_inputs
def test_a_reader_without_state_reads_one_by_one_as_at_once(seed):
    query_BTD, memory_BSE = draw(seed, (B, T, D), (B, S, D))
    scorer = dict(zip(("query", "key", "scale"), draw(seed, (D, 3), (D, 3), (3,)), strict=True))
    make = partial(reader, query_width=D, memory_width=D)
    at_once, in_turn = (
        compiled(make, method)({"scorer": scorer}, memory_BSE, query_BTD, WORDS_BS)
        for method in (read_at_once, read_in_turn)
    )
    jax.tree.map(partial(np.testing.assert_allclose, **CLOSE), at_once, in_turn)


@few
@over_inputs
def test_coverage_with_zero_weights_is_no_coverage(seed):
    query_BTD, memory_BSE = draw(seed, (B, T, D), (B, S, D))
    scorer = dict(zip(("query", "key", "scale"), draw(seed, (D, 3), (D, 3), (3,)), strict=True))
    cover = {"key": np.zeros((1, 3), np.float32), "fertility": draw(seed, (D, 1))[0]}
    make = partial(reader, query_width=D, memory_width=D)
    inputs = memory_BSE, query_BTD, WORDS_BS
    covered = compiled(make, read_in_turn, coverage="linguistic")({"scorer": scorer, "cover": cover}, *inputs)
    plain = compiled(make, read_in_turn)({"scorer": scorer}, *inputs)
    jax.tree.map(partial(np.testing.assert_allclose, **CLOSE), covered, plain)

"""Normalisers and positions beside the packages that others use for them, in value and gradient."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from research.attention.normalisers import NORMALISERS
from research.attention.positions import Alibi, Rotary

torch = pytest.importorskip("torch", reason="no PyTorch: install the [bench] extra")
pytestmark = pytest.mark.peers

B, T, S, K = 2, 5, 7, 6


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_entmax(name):
    entmax = pytest.importorskip("entmax", reason="no entmax: install the [bench] extra")
    random = np.random.default_rng(0)
    scores_BTS, bar_BTS = 2 * random.normal(size=(2, B, T, S)).astype(np.float32)
    ours, pull = jax.vjp(lambda scores: NORMALISERS[name].weigh(scores, np.ones((1, 1, S), bool)), scores_BTS)
    theirs = torch.tensor(scores_BTS, requires_grad=True)
    weights = getattr(entmax, name)(theirs, dim=-1)
    (weights * torch.tensor(bar_BTS)).sum().backward()
    assert_allclose(ours, weights.detach().numpy(), atol=1e-5)
    assert_allclose(pull(bar_BTS)[0], theirs.grad.numpy(), atol=1e-4)
    assert 0 < (np.asarray(ours) == 0).mean() < 1  # some are not read at all


def test_rotary():
    """Theirs turns neighbours, ours halves: with the columns of W_q and W_k in the other order they are one."""
    package = pytest.importorskip("rotary_embedding_torch", reason="no rotary embeddings: install the [bench] extra")
    x_BHTK = np.random.default_rng(1).normal(size=(B, 3, T, K)).astype(np.float32)
    ours = Rotary(3, K, 0).apply({}, x_BHTK, np.arange(T), method="rotate")
    neighbours = np.arange(K).reshape(2, -1).T.reshape(-1)
    theirs = package.RotaryEmbedding(K).rotate_queries_or_keys(torch.tensor(x_BHTK[..., neighbours]))
    assert_allclose(np.asarray(ours)[..., neighbours], theirs.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("heads", [1, 3, 8, 12])
def test_alibi(heads):
    package = pytest.importorskip("x_transformers.x_transformers", reason="no ALiBi: install the [bench] extra")
    ours = Alibi(heads, K, 0).apply({}, np.arange(S), np.arange(S), method="bias")
    theirs = package.AlibiPositionalBias(heads, heads)(S, S)
    assert_allclose(ours, theirs.numpy(), rtol=1e-6)

"""An encoder without positions does not know the order of the source."""

from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.attention.positions import POSITIONS
from tests.models.variants import VARIANTS, config, translator_and_params

SOURCE_1S = np.array([[4, 9, 5, 16, 3, 8, 11]], np.int32)


def states(name):
    """Return a function from ids to the states of the encoder, compiled once."""
    translator, params = translator_and_params(name)

    def encode(translator, source_BS):
        return translator.encoder(translator.embeddings.source(source_BS), source_BS != 0).states_BSE

    return partial(jax.jit(partial(translator.apply, method=encode)), {"params": params})


BLIND = states("transformer-none-queries")


@settings(max_examples=15)
@given(order=st.permutations(range(7)))
def test_permuting_the_source_without_positions_permutes_the_states(order):
    expected = np.asarray(BLIND(SOURCE_1S))[:, order]
    np.testing.assert_allclose(BLIND(SOURCE_1S[:, order]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", [name for name in POSITIONS if name != "none"])
def test_permuting_the_source_with_positions_changes_the_states(positions):
    name = next(name for name in VARIANTS if config(name).to_dict().get("encoder_positions") == positions)
    encode, order = states(name), [1, 0, 2, 6, 5, 4, 3]  # a reversal is nothing to ALiBi
    assert np.abs(np.asarray(encode(SOURCE_1S))[:, order] - np.asarray(encode(SOURCE_1S[:, order]))).max() > 1e-2

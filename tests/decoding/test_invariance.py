"""A translation does not depend on the sentence's batch, its padding or the number of devices, whatever the search."""

import jax
import numpy as np
import pytest

from research.data.vocabulary import EOS
from research.decoding.search import Beam, Greedy, Sampling, program
from research.parallel.devices import Devices
from tests.decoding.random_model import random_model

VOCABULARY, SENTENCES = 19, 7
SEARCHES = {
    "greedy": Greedy(),
    "beam": Beam(3, 3, 0.6, "gnmt", 0.2),
    "sampling": Sampling(3, temperature=0.8, top_k=0, top_p=0.9),
}


def batch(indices, length):
    """Return a batch of sentences, padded to `length`; a sentence depends on its index alone."""
    source_BS, limits_B = np.zeros((len(indices), length), np.int32), np.zeros(len(indices), np.int32)
    for row, index in enumerate(indices):
        ids = np.random.default_rng(index).integers(4, VOCABULARY, 1 + index % 4)
        source_BS[row, : len(ids)], source_BS[row, len(ids)] = ids, EOS
        limits_B[row] = 3 + index % 5
    seed_B = np.full(len(indices), 5, np.uint32)
    return {"source_BS": source_BS, "limits_B": limits_B, "index_B": np.array(indices, np.uint32), "seed_B": seed_B}


@pytest.fixture(scope="module", params=["luong", "transformer"])
def model(request):
    return random_model(request.param, VOCABULARY)


@pytest.mark.parametrize(
    ("devices", "others", "length"),
    [
        (8, [6, 3, 0, 2, 5], 9),
        pytest.param(4, [6, 3, 0], 9, marks=pytest.mark.slow),
        pytest.param(8, [2, 5, 4, 1, 6], 5, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("search", SEARCHES)
def test_batch_padding_and_devices_change_nothing(model, search, devices, others, length):
    translator, params = model

    def found(devices, indices, length):
        run = program(translator, Devices(devices=jax.devices()[:devices]), SEARCHES[search], 1)
        result = run(params, batch(indices, length))
        # The limits are below 8; all tokens after them are padding.
        assert not result.tokens_BNT[:, :, 7:].any()
        return result.tokens_BNT[:, :, :7], result.scores_BN

    tokens_BNT, scores_BN = found(1, list(range(SENTENCES)), 6)
    assert len(np.unique(tokens_BNT[:, 0], axis=0)) > SENTENCES // 2
    tokens, scores = found(devices, others, length)
    np.testing.assert_array_equal(tokens, tokens_BNT[others])
    np.testing.assert_allclose(scores, scores_BN[others], rtol=1e-4, atol=1e-5)

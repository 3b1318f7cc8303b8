"""An exported search, written and read back, finds the tokens of the search itself, for any number of sentences."""

import jax
import numpy as np
import pytest

from research.data.vocabulary import EOS
from research.decoding.exported import export_search, named_weights
from research.decoding.search import Beam, Greedy, program
from research.models.ensemble import ensemble
from research.parallel.devices import Devices
from tests.models.variants import SOURCE_VOCABULARY, VARIANTS, translator_and_params

pytest.importorskip("flatbuffers", reason="exported programs are flatbuffers: install what requirements.lock names")

ONE = Devices(devices=jax.devices()[:1])
LENGTH, EXTRA = 11, 3
SEARCHES = {"greedy": Greedy(), "beam": Beam(3, 1, 0.6, "gnmt", 0.0), "covered": Beam(2, 1, 1.0, "mean", 0.2)}
FAMILIES = {  # together they have each encoder, reader and decoder, and each thing that a cache can hold
    "none-lstm-bi": "greedy",
    "luong-feeding-local_p": "beam",
    "luong-feeding-neural-dot": "covered",
    "bahdanau-linguistic-concat": "beam",
    "transformer-none-queries": "greedy",
    "transformer-grouped-rotary": "beam",
    "transformer-relative-local_p": "covered",
    "transformer-learned-alibi": "beam",
    "mixed-transformer-luong": "beam",
    "mixed-bi-transformer": "beam",
}
QUICK = ("luong-feeding-neural-dot", "transformer-none-queries", "transformer-relative-local_p", "mixed-bi-transformer")


def batch(sentences):
    """Return random sources, the last without a word."""
    random = np.random.default_rng(sentences)
    source_BS = np.zeros((sentences, LENGTH), np.int32)
    for row in source_BS[:-1]:
        words = random.integers(1, LENGTH)
        row[: words + 1] = [*random.integers(4, SOURCE_VOCABULARY, words), EOS]
    return source_BS


def agree(translator, params, search, platforms=("cpu",)):
    exported = export_search(translator, params, search, length=LENGTH, extra_tokens=EXTRA, platforms=platforms)
    read = jax.export.deserialize(bytearray(exported.serialize()))
    assert read.platforms == platforms
    itself = program(translator, ONE, search, EXTRA)
    for sentences in (2, 5):
        source_BS = batch(sentences)
        words_B = (source_BS > EOS).sum(axis=1)
        limits_B = np.where(words_B > 0, words_B + words_B // 2 + EXTRA, 0).astype(np.int32)
        tokens_BT = np.asarray(jax.jit(read.call)(named_weights(params), source_BS))
        found = itself(params, {"source_BS": source_BS, "limits_B": limits_B})
        np.testing.assert_array_equal(tokens_BT, found.tokens_BNT[:, 0])
        assert tokens_BT[:-1].any(axis=1).all()
        assert not tokens_BT[-1].any()


@pytest.mark.parametrize(
    ("name", "search"),
    [
        pytest.param(*each, marks=() if each[0] in QUICK else pytest.mark.slow, id="-".join(each))
        for each in FAMILIES.items()
    ],
)
def test_a_program_that_was_read_back_finds_the_same_tokens(name, search):
    agree(*translator_and_params(name), SEARCHES[search])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in FAMILIES])
def test_so_does_that_of_every_other_model(name):
    agree(*translator_and_params(name), SEARCHES["beam"])


def test_an_ensemble_is_lowered_for_all_platforms():
    members = [translator_and_params(name) for name in ("luong-dot-tanh-uni", "transformer-pre-none-1-2")]
    agree(*ensemble(members), SEARCHES["beam"], platforms=("cpu", "cuda", "rocm", "tpu"))


def test_a_row_of_padding_or_of_the_end_alone_is_not_translated():
    translator, params = translator_and_params("luong-dot-tanh-uni")
    exported = export_search(translator, params, Greedy(), length=5, extra_tokens=EXTRA, platforms=("cpu",))
    source_BS = np.array([[0, 0, 0, 0, 0], [EOS, 0, 0, 0, 0], [7, EOS, 0, 0, 0]], np.int32)
    tokens_BT = np.asarray(exported.call(named_weights(params), source_BS))
    assert tokens_BT.any(axis=1).tolist() == [False, False, True]

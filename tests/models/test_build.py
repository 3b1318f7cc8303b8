"""From config.model to a translator: sizes, and fields that are refused."""

import jax
import numpy as np
import pytest

from configs import base
from research import models
from tests.models.variants import VARIANTS, build, config, shapes


def parameters(translator):
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes(translator)))


def test_luong_has_its_size():
    """By hand: two halves of a bidirectional LSTM, an LSTM, W_a, W_c, and a table of each language."""
    model = base.luong()
    model.width = width = 10
    half, translator = width // 2, models.build(model, source_vocabulary=17, target_vocabulary=19)
    encoder = 2 * (width * 4 * half + half * 4 * half + 4 * half)
    decoder = width * 4 * width + width * 4 * width + 4 * width
    assert parameters(translator) == encoder + decoder + width**2 + 2 * width**2 + (17 + 19) * width


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("none-lstm-bi", {"encoder": "rnn"}, "model.encoder='rnn' is unknown; choose one of recurrent, transformer"),
        ("none-lstm-bi", {"cell": "lsmt"}, "model.cell='lsmt' is unknown; choose one of tanh, gru, lstm"),
        ("none-lstm-bi", {"direction": "both"}, "model.direction='both' is unknown; choose one of uni, reversed, bi"),
        ("none-lstm-bi", {"decoder_direction": "both"}, "model.decoder_direction='both' is unknown; choose one of uni"),
        ("none-lstm-bi", {"width": 7}, "model.width=7 must be even for direction='bi'; try 8"),
        ("none-lstm-bi", {"reader": "long"}, "model.reader='long' is unknown; choose one of none, luong, bahdanau"),
        ("none-lstm-bi", {"tie": "both"}, "model.tie='both' is unknown; choose one of none, decoder, all"),
        ("none-lstm-bi", {"embedding": 5}, "model.tie='decoder' needs embeddings as wide as"),
        ("none-lstm-bi", {"input_feeding": True}, "feeds the attentional state, and model.reader='none' has none"),
        ("luong-local_m", {"window": "near"}, "model.window='near' is unknown; choose one of global, local_m, local_p"),
        ("luong-local_m", {"coverage": "full"}, "model.coverage='full' is unknown; choose one of none, linguistic"),
        ("luong-local_m", {"normaliser": "max"}, "model.normaliser='max' is unknown; choose one of softmax,"),
        ("luong-local_m", {"score": "location", "coverage": "neural"}, "which model.score='location' does not use"),
        ("luong-local_m", {"coverage": "linguistic", "coverage_width": 2}, "set model.coverage_width=1, not 2"),
        ("none-lstm-bi", {"coverage": "linguistic"}, "needs a reader, and model.reader='none' has none"),
        ("none-lstm-bi", {"encoder": "transformer"}, "with model.decoder='recurrent' needs model."),
        ("transformer-pre-all", {"decoder": "recurrent"}, "such as transformer_recurrent"),
        ("transformer-pre-all", {"encoder_positions": "cosine"}, "model.encoder_positions='cosine' is unknown; choose"),
        ("transformer-pre-all", {"kernel": "flash"}, "model.kernel='flash' is unknown; choose one of reference,"),
        ("mixed-transformer-luong", {"embedding": 5}, "set model.embedding to model.width"),
        ("luong-general-lstm-bi-2", {"score": "cosine"}, "model.score='cosine' is unknown; choose one of dot,"),
        ("luong-general-lstm-bi-2", {"dropout": 1.0}, "dropout=1.0 must be at least 0 and below 1"),
        ("transformer-pre-all", {"heads": 4}, "model.heads=4 does not divide model.width=6; try one of 2, 3, 6"),
        ("transformer-pre-all", {"norm": "none"}, "model.norm='none' is unknown; choose one of pre, post"),
    ],
)  # fmt: skip
def test_an_impossible_field_is_refused_with_one_sentence(name, fields, sentence):
    with pytest.raises(ValueError) as error:
        shapes(build(config(name, **fields)).clone(deterministic=False))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_one_table_for_two_vocabularies_is_refused():
    model = config(next(name for name in VARIANTS if config(name).tie == "all"))
    with pytest.raises(
        ValueError,
        match=r"model\.tie='all' shares one table between two vocabularies; set data\.vocabulary\.joint=True",
    ):
        shapes(models.build(model, source_vocabulary=17, target_vocabulary=19))

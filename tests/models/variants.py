"""The models that the contract is tested on: together they have every name of every table, at least once."""

from functools import cache

import jax
import numpy as np

from configs import base
from research import models
from research.attention.scores import SCORES

SOURCE_VOCABULARY, TARGET_VOCABULARY = 17, 19  # both 19 where one table is shared


def recurrent(**fields):
    return base.recurrent, {"width": 6, "layers": 1, "dropout": 0.3, **fields}


def transformer(**fields):
    return base.transformer, {
        "width": 6,
        "ffn": 11,
        "heads": 3,
        "layers": 1,
        "attention_dropout": 0.2,
        "activation_dropout": 0.2,
        **fields,
    }


VARIANTS = {
    "none-lstm-bi": recurrent(),
    "none-gru-reversed-2": recurrent(cell="gru", encoder="reversed", layers=2, tie="all"),
    "luong-dot-tanh-uni": recurrent(reader="luong", score="dot", cell="tanh", encoder="uni"),
    "luong-general-lstm-bi-2": recurrent(reader="luong", layers=2),
    "luong-concat-gru-reversed": recurrent(
        reader="luong", score="concat", cell="gru", encoder="reversed", tie="none", embedding=5
    ),
    "luong-feeding-general-lstm-2": recurrent(reader="luong", input_feeding=True, layers=2),
    "luong-feeding-concat-gru-uni": recurrent(
        reader="luong", score="concat", input_feeding=True, cell="gru", encoder="uni"
    ),
    "luong-feeding-scaled_dot-tanh": recurrent(
        reader="luong", score="scaled_dot", input_feeding=True, cell="tanh", tie="none", embedding=5, encoder_layers=2
    ),
    "bahdanau-concat-gru-bi": recurrent(reader="bahdanau", score="concat", cell="gru"),
    "bahdanau-concat-lstm-2": recurrent(reader="bahdanau", score="concat", layers=2, encoder="reversed"),
    "bahdanau-dot-lstm-1-2": recurrent(reader="bahdanau", score="dot", encoder="uni", decoder_layers=2, tie="all"),
    "transformer-pre-all": transformer(),
    "transformer-post-decoder": transformer(norm="post", tie="decoder", heads=2),
    "transformer-pre-none-1-2": transformer(tie="none", decoder_layers=2, heads=1),
    "transformer-post-all-2-1": transformer(norm="post", encoder_layers=2),
}
# A score that is new has come without a variant of its own.
ASKED_FOR = {fields.get("score") for _, fields in VARIANTS.values()}
VARIANTS |= {
    f"{reader}-{score}": recurrent(reader=reader, score=score)
    for score in SCORES
    for reader in ("luong", "bahdanau")
    if score not in ASKED_FOR | {"general"}
}


def config(name, **fields):
    """config.model of a variant."""
    make, own = VARIANTS[name]
    model = make()
    for field, value in {**own, **fields}.items():
        model[field] = value
    return model


def build(model):
    source = TARGET_VOCABULARY if model.tie == "all" else SOURCE_VOCABULARY
    return models.build(model, source_vocabulary=source, target_vocabulary=TARGET_VOCABULARY)


def shapes(translator):
    """The shapes of the parameters, nothing computed."""
    ids = np.ones((1, 2), np.int32)
    return jax.eval_shape(translator.init, jax.random.key(0), ids, ids)["params"]


@cache
def translator_and_params(name):
    """A variant and weights drawn by NumPy, biases and norms included: zeros would hide what multiplies them."""
    translator = build(config(name))
    random = np.random.default_rng(0)

    def draw(path, shape):
        centre = 1.0 if "scale" in jax.tree_util.keystr(path) and len(shape.shape) == 1 else 0.0
        return (centre + 0.4 * random.normal(size=shape.shape)).astype(np.float32)

    return translator, jax.tree_util.tree_map_with_path(draw, shapes(translator))

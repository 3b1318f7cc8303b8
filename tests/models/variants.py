"""The models that the contract is tested on. Together they have every name of every table at least once."""

from functools import cache, partial

import jax
import numpy as np

from configs import base
from research import models
from research.attention.normalisers import NORMALISERS
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


def mixed(encoder, decoder, **fields):
    return partial(base.sides, encoder, decoder), {
        "width": 6,
        "ffn": 11,
        "heads": 3,
        "layers": 1,
        "dropout": 0.3,
        **fields,
    }


VARIANTS = {
    "none-lstm-bi": recurrent(),
    "none-gru-reversed-2": recurrent(cell="gru", direction="reversed", layers=2, tie="all"),
    "luong-dot-tanh-uni": recurrent(reader="luong", score="dot", cell="tanh", direction="uni"),
    "luong-general-lstm-bi-2": recurrent(reader="luong", layers=2),
    "luong-concat-gru-reversed": recurrent(
        reader="luong", score="concat", cell="gru", direction="reversed", tie="none", embedding=5
    ),
    "luong-feeding-general-lstm-2": recurrent(reader="luong", input_feeding=True, layers=2),
    "luong-feeding-concat-gru-uni": recurrent(
        reader="luong", score="concat", input_feeding=True, cell="gru", direction="uni"
    ),
    "luong-feeding-scaled_dot-tanh": recurrent(
        reader="luong", score="scaled_dot", input_feeding=True, cell="tanh", tie="none", embedding=5, encoder_layers=2
    ),
    "none-residual-3": recurrent(layers=3, residual=True),
    "luong-residual-feeding-2-3": recurrent(
        reader="luong", residual=True, input_feeding=True, encoder_layers=2, decoder_layers=3
    ),
    "bahdanau-residual-gru-3": recurrent(reader="bahdanau", cell="gru", residual=True, layers=3),
    "bahdanau-concat-gru-bi": recurrent(reader="bahdanau", score="concat", cell="gru"),
    "bahdanau-concat-lstm-2": recurrent(reader="bahdanau", score="concat", layers=2, direction="reversed"),
    "bahdanau-dot-lstm-1-2": recurrent(reader="bahdanau", score="dot", direction="uni", decoder_layers=2, tie="all"),
    "transformer-pre-all": transformer(),
    "transformer-post-decoder": transformer(norm="post", tie="decoder", heads=2),
    "transformer-pre-none-1-2": transformer(tie="none", decoder_layers=2, heads=1),
    "transformer-post-all-2-1": transformer(norm="post", encoder_layers=2),
    "bahdanau-feeding-general": recurrent(reader="bahdanau", input_feeding=True),
    "luong-local_m": recurrent(reader="luong", window="local_m", window_radius=2),
    "luong-local_p": recurrent(reader="luong", window="local_p", window_radius=2),
    "bahdanau-local_p-concat": recurrent(reader="bahdanau", score="concat", window="local_p", window_radius=3),
    "luong-feeding-local_p": recurrent(reader="luong", input_feeding=True, window="local_p", window_radius=2),
    "luong-linguistic-general": recurrent(reader="luong", coverage="linguistic"),
    "luong-feeding-neural-dot": recurrent(
        reader="luong", score="dot", input_feeding=True, coverage="neural", coverage_width=3
    ),
    "bahdanau-linguistic-concat": recurrent(reader="bahdanau", score="concat", coverage="linguistic"),
    "bahdanau-neural-concat": recurrent(reader="bahdanau", score="concat", coverage="neural", coverage_width=2),
    "luong-location-short": recurrent(reader="luong", score="location", learned_positions=5),  # of sources of 7
    "transformer-grouped-rotary": transformer(
        heads=2, kv_heads=1, head_width=4, positions="rotary", head_spread=0.5, self_score="dot", self_window=2
    ),
    "transformer-learned-alibi": transformer(
        encoder_positions="learned", decoder_positions="alibi", learned_positions=4
    ),
    "transformer-relative-local_p": transformer(
        positions="relative", relative_reach=2, window="local_p", window_radius=3, self_score="general"
    ),
    "transformer-alibi-local_m": transformer(
        encoder_positions="alibi", decoder_positions="learned", window="local_m", window_radius=3
    ),
    "transformer-none-queries": transformer(positions="none", normaliser="softmax_over_queries"),
    "luong-feeding-scaled": recurrent(reader="luong", input_feeding=True, normaliser="softmax_over_queries_scaled"),
    "transformer-sparse": transformer(self_normaliser="entmax15", normaliser="sparsemax", self_score="concat"),
    "transformer-fused-rotary": transformer(kernel="fused", positions="rotary", attention_dropout=0.0, head_width=2),
    "transformer-blockwise-alibi": transformer(kernel="blockwise", positions="alibi", attention_dropout=0.0),
    "bahdanau-future-gru": recurrent(reader="bahdanau", cell="gru", tie="none", embedding=5, decoder_direction="bi"),
    "transformer-scanned": transformer(encoder_layers=2, decoder_layers=3, scan_layers=True, norm="post"),
    "transformer-future": transformer(decoder_direction="bi"),
    "mixed-transformer-luong": mixed("transformer", "recurrent", reader="luong", tie="none"),
    "mixed-transformer-gru": mixed("transformer", "recurrent", cell="gru", positions="rotary", head_width=2),
    "mixed-bi-transformer": mixed("recurrent", "transformer", tie="none"),
}


def newcomers(make, field, table, **fields):
    """Return a variant for each name of a table that no variant of the same maker has."""
    default = make()[0]()[field]
    asked_for = {own.get(field, default) for maker, own in VARIANTS.values() if maker is make()[0]}
    reader = fields.get("reader", "transformer")
    return {f"{reader}-{name}": make(**fields, **{field: name}) for name in table if name not in asked_for}


for field, table in (("score", SCORES), ("normaliser", NORMALISERS)):
    VARIANTS |= newcomers(recurrent, field, table, reader="luong") | newcomers(transformer, field, table)


def config(name, **fields):
    """Return config.model of a variant."""
    make, own = VARIANTS[name]
    model = make()
    for field, value in {**own, **fields}.items():
        model[field] = value
    return model


def covering():
    """Return a few variants that together have every value of every field, for slow tests."""
    held = {name: {(field, str(value)) for field, value in config(name).items()} for name in VARIANTS}
    chosen, lacking = [], set().union(*held.values())
    while lacking:
        chosen.append(max(held, key=lambda name: len(held[name] & lacking)))
        lacking -= held[chosen[-1]]
    return chosen


def build(model):
    source = TARGET_VOCABULARY if model.tie == "all" else SOURCE_VOCABULARY
    return models.build(model, source_vocabulary=source, target_vocabulary=TARGET_VOCABULARY)


def shapes(translator):
    """Return the shapes of the parameters without computing anything."""
    ids = np.ones((1, 2), np.int32)
    return jax.eval_shape(translator.init, jax.random.key(0), ids, ids)["params"]


@cache
def translator_and_params(name):
    """Return a variant and random weights, biases and norms included: zeros would hide what they multiply."""
    translator = build(config(name))
    random = np.random.default_rng(0)

    def draw(path, shape):
        name = jax.tree_util.keystr(path)
        axes = len(shape.shape) - ("['layer']" in name)  # of one layer
        centre = 1.0 if "scale" in name and axes == 1 else 0.0
        return (centre + 0.4 * random.normal(size=shape.shape)).astype(np.float32)

    return translator, jax.tree_util.tree_map_with_path(draw, shapes(translator))

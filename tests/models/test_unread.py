"""Settings that change nothing in a model are refused, and a refusal is true: the built model is the same."""

import jax
import jax.numpy as jnp
import pytest

from configs.base import MODELS
from research.models import build
from research.models.unread import READ_WHEN, refuse_unread

OTHER = {
    "score": "dot",
    "normaliser": "sparsemax",
    "window": "local_m",
    "window_radius": 3,
    "coverage_width": 2,
    "learned_positions": 64,
    "relative_reach": 4,
    "residual": True,
}


@pytest.mark.parametrize("field", READ_WHEN)
@pytest.mark.parametrize("architecture", MODELS)
def test_what_is_refused_changes_no_parameter(architecture, field):
    """And what is not refused builds: a field that has no effect in one model is read in another."""
    model = MODELS[architecture]()
    if field not in model:
        return
    with model.unlocked():
        model.width, model.heads = 8, model.get("heads", 8) and 2
        model[field] = OTHER[field]
    plain = MODELS[architecture]()
    with plain.unlocked():
        plain.width, plain.heads = 8, 2
    is_read, _ = READ_WHEN[field]
    if not is_read(model):
        with pytest.raises(ValueError, match=rf"model\.{field}={OTHER[field]!r} changes nothing with model\."):
            refuse_unread(model, [field])
        assert shapes(model) == shapes(plain)


def shapes(model):
    translator = build(model, source_vocabulary=11, target_vocabulary=11)
    source_BS = jax.ShapeDtypeStruct((2, 5), jnp.int32)
    return jax.tree.map(
        lambda x: x.shape,
        jax.eval_shape(translator.init, jax.random.key(0), source_BS, jax.ShapeDtypeStruct((2, 7), jnp.int32)),
    )


@pytest.mark.parametrize(
    ("architecture", "field", "changes"),
    [
        ("luong", "score", {}),
        ("luong", "window_radius", {"window": "local_m"}),
        ("luong", "learned_positions", {"score": "location"}),
        ("luong", "coverage_width", {"coverage": "neural"}),
        ("transformer", "learned_positions", {"decoder_positions": "learned"}),
        ("transformer", "relative_reach", {"encoder_positions": "relative"}),
        ("recurrent_transformer", "score", {}),
        ("luong", "residual", {"decoder_layers": 2}),
        ("none", "layers", {}),
    ],
)
def test_what_is_read_passes(architecture, field, changes):
    model = MODELS[architecture]()
    with model.unlocked():
        model.update(changes)
    refuse_unread(model, [field])


def test_the_sentence_names_what_to_change():
    with pytest.raises(ValueError, match=r"model\.score='general' changes nothing with model\.decoder='recurrent', "):
        refuse_unread(MODELS["none"](), ["score"])

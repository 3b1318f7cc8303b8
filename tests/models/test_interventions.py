"""Interventions: the weights are as asked for, and the output of a removed head is missing from the sum."""

import jax
import numpy as np
import pytest

from research.models.interventions import AttentionHead, heads, reading_by, without_head
from research.models.translator import cross_attention
from tests.models.variants import config, translator_and_params

SOURCE_BS = np.array([[4, 9, 5, 16, 3, 8, 2], [11, 6, 2, 0, 0, 0, 0]], np.int32)
TARGET_BT = np.array([[1, 7, 18, 4, 9], [1, 12, 5, 3, 13]], np.int32)


def read(translator, params):
    run = jax.jit(lambda params: translator.apply({"params": params}, SOURCE_BS, TARGET_BT, mutable=["attention"]))
    logits_BTV, sown = run(params)
    return np.asarray(logits_BTV), cross_attention(sown)


@pytest.mark.parametrize("name", ["luong-general-lstm-bi-2", "bahdanau-concat-gru-bi", "transformer-post-all-2-1"])
def test_weights_are_as_asked_for(name):
    translator, params = translator_and_params(name)
    _, own = read(translator, params)
    _, uniform = read(reading_by(translator, "uniform"), params)
    _, hard = read(reading_by(translator, "hard"), params)
    for layer in own:
        np.testing.assert_allclose(uniform[layer][0], 1 / 7, rtol=1e-5)
        np.testing.assert_allclose(uniform[layer][1, ..., :3], 1 / 3, rtol=1e-5)
        assert set(np.unique(hard[layer])) == {0.0, 1.0}
    # The first query of the first layer is asked before anything differs.
    first = np.asarray(own["layer_0"])[:, :, 0]
    np.testing.assert_array_equal(np.asarray(hard["layer_0"])[:, :, 0].argmax(-1), first.argmax(-1))


def test_a_model_without_attention_is_refused():
    translator, _ = translator_and_params("none-lstm-bi")
    assert heads(translator) == []
    with pytest.raises(ValueError, match=r"this model has no attention \(model.reader=none\)"):
        reading_by(translator, "uniform")


@pytest.mark.parametrize(
    "head", [AttentionHead("encoder", 1, 2), AttentionHead("decoder", 0, 0), AttentionHead("cross", 0, 1)], ids=str
)
def test_without_a_head_the_output_is_the_sum_over_the_others(head):
    """A layer outputs Σ_h context_h W_O,h + b; without a head, the sum over the others."""
    name = "transformer-post-all-2-1"
    translator, params = translator_and_params(name)
    where = {"encoder": ("encoder", "self_attention"), "decoder": ("decoder", "self_attention")}
    side, attention = where.get(head.attention, ("decoder", "cross"))

    def reads(params):
        """context_BHTK of the attention in question, and what became of it."""
        _, sown = translator.apply(
            {"params": params}, SOURCE_BS, TARGET_BT, mutable=["heads", "intermediates"], capture_intermediates=True
        )
        heads, intermediates = (sown[name][side][f"layer_{head.layer}"] for name in ("heads", "intermediates"))
        read_BTD = intermediates[attention]["output"]["__call__"][0]
        return np.asarray(heads[attention]["context"][0]), np.asarray(read_BTD)

    context_BHTK, _ = reads(params)
    _, read_BTD = reads(without_head(translator, params, head))
    output = params[side][f"layer_{head.layer}"][attention]["output"]
    kernel_HKD = output["kernel"].reshape(config(name).heads, -1, config(name).width)
    others = [other for other in range(config(name).heads) if other != head.head]
    expected = sum(context_BHTK[:, other] @ kernel_HKD[other] for other in others) + output["bias"]
    np.testing.assert_allclose(read_BTD, expected, rtol=1e-4, atol=1e-5)


def test_every_head_is_listed_once():
    translator, params = translator_and_params("transformer-post-all-2-1")
    assert len(heads(translator)) == len(set(map(str, heads(translator)))) == 2 * 3 + 1 * 3 + 1 * 3
    with pytest.raises(ValueError, match=r"has no head cross\.layer_1\.head_0; it has encoder\.layer_0\.head_0"):
        without_head(translator, params, AttentionHead("cross", 1, 0))

"""Interventions on a trained translator: other attention weights than its own, or a head without output."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from research.models.layers import STACKED
from research.models.recurrent_decoder import RecurrentDecoder
from research.models.transformer import TransformerDecoder, TransformerEncoder
from research.models.translator import Translator


class AttentionHead(NamedTuple):
    """A head of a Transformer.

    Args:
        attention: "encoder" or "decoder" for self-attention, or "cross".
        layer: the layer, from 0.
        head: the head in the layer, from 0.
    """

    attention: str
    layer: int
    head: int

    def __str__(self) -> str:
        return f"{self.attention}.layer_{self.layer}.head_{self.head}"


def reading_by(translator: Translator, normaliser: str) -> Translator:
    """Return the translator with another normaliser for its attention over the source, and the same parameters.

    Args:
        translator: a translator with attention.
        normaliser: a name in `NORMALISERS`.

    Raises:
        ValueError: the translator has no attention.
    """
    side = translator.target_side
    if isinstance(side, TransformerDecoder):
        side = side.clone(cross_attention=side.cross_attention.clone(normaliser=normaliser))
    elif isinstance(side, RecurrentDecoder) and side.timing != "none":
        side = side.clone(reader=side.reader.clone(normaliser=normaliser))
    else:
        raise ValueError("this model has no attention (model.reader=none): there are no weights to change")
    return translator.clone(target_side=side)


def heads(translator: Translator) -> list[AttentionHead]:
    """Return all heads, layer by layer; [] for a recurrent model."""
    encoder, decoder = translator.source_side, translator.target_side
    found = []
    if isinstance(encoder, TransformerEncoder):
        found += [("encoder", encoder.layers, encoder.attention.heads)]
    if isinstance(decoder, TransformerDecoder):
        found += [("decoder", decoder.layers, decoder.attention.heads)]
        found += [("cross", decoder.layers, decoder.cross_attention.heads)]
    return [AttentionHead(name, *at) for name, layers, count in found for at in np.ndindex(layers, count)]


def without_head(translator: Translator, params: Any, silent: AttentionHead) -> Any:
    """Return the parameters with the rows of W_O of one head set to zero, so that it has no output.

    Raises:
        ValueError: the model has no such head.
    """
    if silent not in heads(translator):
        raise ValueError(f"this model has no head {silent}; it has {', '.join(map(str, heads(translator))) or 'none'}")
    side = "encoder" if silent.attention == "encoder" else "decoder"
    attention = "cross" if silent.attention == "cross" else "self_attention"
    name, at = (STACKED, [silent.layer]) if STACKED in params[side] else (f"layer_{silent.layer}", [])
    layer = params[side][name]
    output = layer[attention]["output"]
    pattern = getattr(translator, "source_side" if side == "encoder" else "target_side").attention
    width = output["kernel"].shape[-2] // pattern.heads
    rows = slice(silent.head * width, (silent.head + 1) * width)
    changed = {**output, "kernel": jnp.asarray(output["kernel"]).at[*at, rows].set(0.0)}
    layer = {**layer, attention: {**layer[attention], "output": changed}}
    return {**params, side: {**params[side], name: layer}}

"""Interventions on a trained translator: it reads by other weights than its own, or one of its heads says nothing."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from research.models.recurrent_decoder import RecurrentDecoder
from research.models.transformer import TransformerDecoder, TransformerEncoder
from research.models.translator import Translator


class Head(NamedTuple):
    """attention: "encoder" or "decoder", of self-attention, or "cross". layer, head: from 0."""

    attention: str
    layer: int
    head: int

    def __str__(self) -> str:
        return f"{self.attention}.layer_{self.layer}.head_{self.head}"


def reading_by(translator: Translator, normaliser: str) -> Translator:
    """The translator that reads its source by this name of `NORMALISERS`, whatever it was trained with.

    It takes the same parameters. ValueError for one that does not read its source at all.
    """
    side = translator.target_side
    if isinstance(side, TransformerDecoder):
        side = side.clone(cross_attention=side.cross_attention.clone(normaliser=normaliser))
    elif isinstance(side, RecurrentDecoder) and side.timing != "none":
        side = side.clone(reader=side.reader.clone(normaliser=normaliser))
    else:
        raise ValueError("this model does not attend (model.reader=none): there are no weights to intervene in")
    return translator.clone(target_side=side)


def heads(translator: Translator) -> list[Head]:
    """Every head, layer by layer; [] of a recurrent model."""
    encoder, decoder = translator.source_side, translator.target_side
    found = []
    if isinstance(encoder, TransformerEncoder):
        found += [("encoder", encoder.layers, encoder.attention.heads)]
    if isinstance(decoder, TransformerDecoder):
        found += [("decoder", decoder.layers, decoder.attention.heads)]
        found += [("cross", decoder.layers, decoder.cross_attention.heads)]
    return [Head(name, *at) for name, layers, count in found for at in np.ndindex(layers, count)]


def without_head(translator: Translator, params: Any, silent: Head) -> Any:
    """The parameters with which a head says nothing: its rows of W_O are zero, and all else is as it was."""
    if silent not in heads(translator):
        raise ValueError(f"this model has no head {silent}; it has {', '.join(map(str, heads(translator))) or 'none'}")
    side = "encoder" if silent.attention == "encoder" else "decoder"
    attention = "cross" if silent.attention == "cross" else "self_attention"
    layer = params[side][f"layer_{silent.layer}"]
    output = layer[attention]["output"]
    pattern = getattr(translator, "source_side" if side == "encoder" else "target_side").attention
    width = output["kernel"].shape[0] // pattern.heads
    rows = slice(silent.head * width, (silent.head + 1) * width)
    changed = {**output, "kernel": jnp.asarray(output["kernel"]).at[rows].set(0.0)}
    layer = {**layer, attention: {**layer[attention], "output": changed}}
    return {**params, side: {**params[side], f"layer_{silent.layer}": layer}}

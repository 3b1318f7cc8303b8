"""Encoders and decoders around any attention: `build` makes a Translator of config.model."""

from collections.abc import Callable, Iterable

import flax.linen as nn
from ml_collections import ConfigDict

from research.attention.coverage import COVERAGES
from research.attention.cross_attention import CrossAttention
from research.attention.forms import FORMS
from research.attention.local import WINDOWS
from research.attention.normalisers import NORMALISERS
from research.attention.positions import POSITIONS
from research.attention.reader import Reader
from research.attention.scores import SCORES
from research.attention.self_attention import SelfAttention
from research.models.cells import CELLS
from research.models.embeddings import TIES, Embeddings
from research.models.recurrent_decoder import READERS, RecurrentDecoder
from research.models.recurrent_layers import DIRECTIONS, RecurrentEncoder
from research.models.transformer import TransformerDecoder, TransformerEncoder
from research.models.transformer_layers import NORMS, Entrance, FeedForward, Sublayer
from research.models.translator import DECODER_DIRECTIONS, Translator

PATTERN = {"deterministic": True, "parent": None}  # what is not yet part of a model, nor in its mode


def build(model: ConfigDict, *, source_vocabulary: int, target_vocabulary: int) -> Translator:
    """The translator that `model` describes, for vocabularies of so many pieces.

    ValueError, in one sentence, for a name that no table has, a number that is too small, and fields that are missing.
    """
    for field, table in CHOICES.items():
        if field in model and model[field] not in table:
            raise ValueError(f"model.{field}={model[field]!r} is unknown; choose one of {', '.join(table)}")
    for field, least in AT_LEAST.items():
        if field in model and not model[field] >= least:
            raise ValueError(f"model.{field}={model[field]} must be at least {least}")
    embeddings = Embeddings(source_vocabulary, target_vocabulary, model.embedding, model.width, model.tie)
    try:
        return Translator(embeddings, ENCODERS[model.encoder](model), DECODERS[model.decoder](model))
    except (AttributeError, KeyError) as error:  # how a ConfigDict says that it has no such field
        field = str(error.args[0]).strip("'\"").split("'")[0]
        raise ValueError(
            f"model.encoder={model.encoder!r} with model.decoder={model.decoder!r} needs model.{field}, which this "
            "config has not: begin with an architecture that has these sides, such as transformer_recurrent"
        ) from error


def attends(model: ConfigDict) -> bool:
    """Whether the model that this describes reads its source while it writes."""
    return bool(model.decoder != "recurrent" or model.reader != "none")


def _recurrent_encoder(model: ConfigDict) -> nn.Module:
    return RecurrentEncoder(
        cell=model.cell,
        direction=model.direction,
        layers=model.encoder_layers,
        input_width=model.embedding,
        width=model.width,
        dropout=model.dropout,
        **PATTERN,
    )


def _recurrent_decoder(model: ConfigDict) -> nn.Module:
    reader = Reader(
        query_width=model.width,
        memory_width=model.width,
        width=model.width,
        coverage=model.coverage,
        channels=model.coverage_width,
        **_reading(model),
        parent=None,
    )
    return RecurrentDecoder(
        cell=model.cell,
        layers=model.decoder_layers,
        input_width=model.embedding,
        width=model.width,
        memory_width=model.width,
        timing=model.reader,
        reader=reader,
        input_feeding=model.input_feeding,
        direction=model.decoder_direction,
        dropout=model.dropout,
        **PATTERN,
    )


def _transformer_encoder(model: ConfigDict) -> nn.Module:
    return TransformerEncoder(
        layers=model.encoder_layers,
        **_transformer_side(model, model.encoder_positions),
        **PATTERN,
    )


def _transformer_decoder(model: ConfigDict) -> nn.Module:
    return TransformerDecoder(
        layers=model.decoder_layers,
        cross_attention=CrossAttention(**_heads(model), **_reading(model)),
        **_transformer_side(model, model.decoder_positions),
        direction=model.decoder_direction,
        **PATTERN,
    )


def _transformer_side(model: ConfigDict, positions: str) -> dict[str, object]:
    attention = SelfAttention(
        **_heads(model),
        score=model.self_score,
        places=model.places,
        normaliser=model.self_normaliser,
        positions=positions,
        reach=model.relative_reach,
    )
    return {
        "entrance": Entrance(model.width, positions, model.places, model.dropout, **PATTERN),
        "attention": attention,
        "feed_forward": FeedForward(model.width, model.ffn, model.activation_dropout, **PATTERN),
        "sublayer": Sublayer(model.norm, model.dropout, **PATTERN),
        "window": model.self_window,
    }


def _heads(model: ConfigDict) -> dict[str, object]:
    """What self- and cross-attention have in common."""
    shared = {field: model[field] for field in ("width", "heads", "kv_heads", "head_width", "head_spread")}
    return {**shared, "form": model.form, "dropout": model.attention_dropout, **PATTERN}


def _reading(model: ConfigDict) -> dict[str, object]:
    """How the source is read, whoever reads."""
    return {
        "score": model.score,
        "normaliser": model.normaliser,
        "window": model.window,
        "radius": model.window_radius,
        "places": model.places,
    }


ENCODERS: dict[str, Callable[[ConfigDict], nn.Module]] = {
    "recurrent": _recurrent_encoder,
    "transformer": _transformer_encoder,
}
DECODERS: dict[str, Callable[[ConfigDict], nn.Module]] = {
    "recurrent": _recurrent_decoder,
    "transformer": _transformer_decoder,
}
CHOICES: dict[str, Iterable[str]] = {
    "encoder": ENCODERS,
    "decoder": DECODERS,
    "cell": CELLS,
    "direction": DIRECTIONS,
    "decoder_direction": DECODER_DIRECTIONS,
    "reader": READERS,
    "score": SCORES,
    "normaliser": NORMALISERS,
    "window": WINDOWS,
    "coverage": COVERAGES,
    "self_score": SCORES,
    "self_normaliser": NORMALISERS,
    "encoder_positions": POSITIONS,
    "decoder_positions": POSITIONS,
    "form": FORMS,
    "norm": NORMS,
    "tie": TIES,
}
AT_LEAST = {
    "width": 1,
    "embedding": 1,
    "ffn": 1,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "head_width": 0,
    "places": 1,
    "window_radius": 1,
    "self_window": 0,
    "relative_reach": 0,
    "coverage_width": 1,
}

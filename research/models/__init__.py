"""Encoders and decoders around any attention: `build` makes a Translator from config.model."""

from collections.abc import Callable, Iterable

import flax.linen as nn
import jax.numpy as jnp
from ml_collections import ConfigDict

from research.attention.coverage import COVERAGES
from research.attention.cross_attention import CrossAttention
from research.attention.heads import check_heads
from research.attention.kernels import KERNELS
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
from research.models.transformer_layers import NORMS, FeedForward, InputEmbedding, Sublayer
from research.models.translator import DECODER_DIRECTIONS, Translator

PATTERN = {
    "deterministic": True,
    "dtype": jnp.float32,
    "parent": None,
}  # a side clones a pattern in the side's mode


def build(model: ConfigDict, *, source_vocabulary: int, target_vocabulary: int) -> Translator:
    """Build the translator that `model` describes.

    Args:
        model: config.model, its numbers within `results.ranges`.
        source_vocabulary: the number of source subwords.
        target_vocabulary: the number of target subwords.

    Raises:
        ValueError: a name is in no table, or a field is missing; one sentence says which.
    """
    for field, table in CHOICES.items():
        if field in model and model[field] not in table:
            raise ValueError(f"model.{field}={model[field]!r} is unknown; choose one of {', '.join(table)}")
    embeddings = Embeddings(source_vocabulary, target_vocabulary, model.embedding, model.width, model.tie)
    try:
        return Translator(embeddings, ENCODERS[model.encoder](model), DECODERS[model.decoder](model))
    except (AttributeError, KeyError) as error:  # from a ConfigDict without the field
        field = str(error.args[0]).strip("'\"").split("'")[0]
        raise ValueError(
            f"model.encoder={model.encoder!r} with model.decoder={model.decoder!r} needs model.{field}, which this "
            "config does not define: start from an architecture with these sides, such as transformer_recurrent"
        ) from error


def attends(model: ConfigDict) -> bool:
    """Return whether the model that this describes attends to its source."""
    return bool(model.decoder != "recurrent" or model.reader != "none")


def _recurrent_encoder(model: ConfigDict) -> nn.Module:
    return RecurrentEncoder(
        cell=model.cell,
        direction=model.direction,
        layers=model.encoder_layers,
        input_width=model.embedding,
        width=model.width,
        residual=model.residual,
        remat=model.remat,
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
        residual=model.residual,
        remat=model.remat,
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
        learned_positions=model.learned_positions,
        normaliser=model.self_normaliser,
        positions=positions,
        reach=model.relative_reach,
    )
    return {
        "input_embedding": InputEmbedding(
            model.width, positions, model.learned_positions, model.dropout, deterministic=True, parent=None
        ),
        "attention": attention,
        "feed_forward": FeedForward(model.width, model.ffn, model.activation_dropout, **PATTERN),
        "sublayer": Sublayer(model.norm, model.dropout, **PATTERN),
        "window": model.self_window,
        "remat": model.remat,
        "scan_layers": model.scan_layers,
    }


def _heads(model: ConfigDict) -> dict[str, object]:
    """Return the fields that self- and cross-attention share."""
    check_heads(model.heads, model.width, model.kv_heads, model.head_width)
    shared = {field: model[field] for field in ("width", "heads", "kv_heads", "head_width", "head_spread")}
    return {**shared, "kernel": model.kernel, "dropout": model.attention_dropout, **PATTERN}


def _reading(model: ConfigDict) -> dict[str, object]:
    """Return the fields of attention over the source, for any decoder."""
    return {
        "score": model.score,
        "normaliser": model.normaliser,
        "window": model.window,
        "radius": model.window_radius,
        "learned_positions": model.learned_positions,
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
    "kernel": KERNELS,
    "norm": NORMS,
    "tie": TIES,
}

"""Encoders and decoders around any attention: `build` makes a Translator of config.model."""

from collections.abc import Callable

from ml_collections import ConfigDict

from research.models.embeddings import Embeddings
from research.models.recurrent import Recurrent
from research.models.transformer import Transformer
from research.models.translator import Translator


def build(model: ConfigDict, *, source_vocabulary: int, target_vocabulary: int) -> Translator:
    """The translator that `model` describes, for vocabularies of so many pieces."""
    if model.family not in FAMILIES:
        raise ValueError(f"model.family={model.family!r} is unknown; choose one of {', '.join(FAMILIES)}")
    for field in ("encoder_layers", "decoder_layers"):
        if model[field] < 1:
            raise ValueError(f"model.{field}={model[field]} must be at least 1")
    return FAMILIES[model.family](model, source_vocabulary, target_vocabulary)


def _recurrent(model: ConfigDict, source_vocabulary: int, target_vocabulary: int) -> Translator:
    return Recurrent(
        embeddings=Embeddings(source_vocabulary, target_vocabulary, model.embedding, model.width, model.tie),
        cell=model.cell,
        direction=model.encoder,
        encoder_layers=model.encoder_layers,
        decoder_layers=model.decoder_layers,
        width=model.width,
        reader=model.reader,
        score=model.score,
        input_feeding=model.input_feeding,
        dropout=model.dropout,
    )


def _transformer(model: ConfigDict, source_vocabulary: int, target_vocabulary: int) -> Translator:
    return Transformer(
        embeddings=Embeddings(source_vocabulary, target_vocabulary, model.width, model.width, model.tie),
        width=model.width,
        ffn=model.ffn,
        heads=model.heads,
        encoder_layers=model.encoder_layers,
        decoder_layers=model.decoder_layers,
        norm=model.norm,
        dropout=model.dropout,
        attention_dropout=model.attention_dropout,
        activation_dropout=model.activation_dropout,
    )


FAMILIES: dict[str, Callable[[ConfigDict, int, int], Translator]] = {
    "recurrent": _recurrent,
    "transformer": _transformer,
}

"""The arithmetic that a target token asks for, counted by hand: padding, softmax and elementwise work are left out."""

from ml_collections import ConfigDict


def training_flops_per_token(model: ConfigDict, vocabulary: int, source: float, target: float) -> float:
    """Multiplications and additions a target token, forward and backward: 6 for each weight it meets.

    model: a `config.model`; vocabulary: target pieces; source, target: mean tokens of a sentence. The encoder's work is
    spread over the target's tokens. Reading a memory of S tokens costs 2·S·width multiply-adds (scores, context).
    """
    count = {"transformer": _transformer, "recurrent": _recurrent}[model.family]
    return 6.0 * (count(model, source, target) + vocabulary * _output_width(model))


def _output_width(model: ConfigDict) -> int:
    return model.width if model.family == "transformer" else model.embedding


def _transformer(model: ConfigDict, source: float, target: float) -> float:
    width, ffn = model.width, model.ffn
    encoder_layer = 4 * width**2 + 2 * width * ffn + 2 * source * width
    # Half of a causal map is masked, but both sides compute it, so the whole of it counts.
    decoder_own = 6 * width**2 + 2 * width * ffn + 2 * (source + target) * width
    cross_keys = 2 * width**2  # keys and values: once a source token
    encoder = model.encoder_layers * encoder_layer + model.decoder_layers * cross_keys
    return encoder * source / target + model.decoder_layers * decoder_own


def _recurrent(model: ConfigDict, source: float, target: float) -> float:
    gates = {"lstm": 4, "gru": 3, "tanh": 1}[model.cell]
    width, directions = model.width, 2 if model.encoder == "bi" else 1
    hidden = width // directions
    encoder, entering = 0.0, model.embedding
    for _ in range(model.encoder_layers):
        encoder += directions * gates * hidden * (entering + hidden)
        entering = width
    fed = {"none": 0, "luong": width if model.input_feeding else 0, "bahdanau": width}[model.reader]
    decoder = gates * width * (model.embedding + fed + width) + (model.decoder_layers - 1) * gates * width * 2 * width
    if model.reader != "none":
        encoder += width * width  # keys
        decoder += 2 * source * width + 2 * width * model.embedding  # scores, context, attentional state
    if model.reader == "bahdanau" or model.score == "concat":
        decoder += width * width  # the query's projection
    return encoder * source / target + decoder

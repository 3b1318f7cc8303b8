"""The arithmetic that a target token asks for, counted by hand: padding, softmax and elementwise work are left out.

XLA's own count takes the body of a scan once, whatever its length, so it can't be used for recurrent models.
"""

from research.attention.scores import SCORES
from research.models.cells import CELLS
from research.models.recurrent import Recurrent
from research.models.recurrent_layers import DIRECTIONS
from research.models.transformer import Transformer
from research.models.translator import Translator


def training_flops_per_token(translator: Translator, source: float, target: float) -> float:
    """Multiplications and additions a target token, forward and backward: 6 for each weight it meets.

    source, target: mean tokens of a sentence, end mark included. The encoder's work is spread over the target's tokens.
    Reading a memory of S tokens costs 2·S·width multiply-adds (scores, context).
    """
    if isinstance(translator, Transformer):
        weights = _transformer(translator, source, target)
    elif isinstance(translator, Recurrent):
        weights = _recurrent(translator, source, target)
    else:
        raise TypeError(f"no count for {type(translator).__name__}; add one to {__name__}")
    return 6.0 * (weights + translator.embeddings.target_vocabulary * translator.embeddings.output_width)


def _transformer(model: Transformer, source: float, target: float) -> float:
    width, ffn = model.width, model.ffn
    encoder_layer = 4 * width**2 + 2 * width * ffn + 2 * source * width
    # Half of a causal map is masked, but all of it is computed, so all of it counts.
    decoder_own = 6 * width**2 + 2 * width * ffn + 2 * (source + target) * width
    cross_keys = 2 * width**2  # keys and values: once a source token
    encoder = model.encoder_layers * encoder_layer + model.decoder_layers * cross_keys
    return encoder * source / target + model.decoder_layers * decoder_own


def _recurrent(model: Recurrent, source: float, target: float) -> float:
    gates, width = CELLS[model.cell].gates, model.width
    directions = len(DIRECTIONS[model.direction])
    hidden = width // directions
    encoder, entering = 0.0, model.embeddings.width
    for _ in range(model.encoder_layers):
        encoder += directions * gates * hidden * (entering + hidden)
        entering = width
    fed = width if model.input_feeding or model.reader == "bahdanau" else 0
    above = (model.decoder_layers - 1) * gates * width * 2 * width
    decoder: float = gates * width * (model.embeddings.width + fed + width) + above
    if model.reader != "none":
        decoder += 2 * source * width + 2 * width * width  # scores and context, attentional state
        a_query, a_key = SCORES[model.score].projections(width, width, width)
        decoder, encoder = decoder + a_query, encoder + a_key
    return encoder * source / target + decoder

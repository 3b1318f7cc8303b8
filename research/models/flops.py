"""The arithmetic that a target token asks for, counted by hand: padding, softmax and elementwise work are left out.

XLA's own count takes the body of a scan once, whatever its length, so it can't be used for recurrent models.
"""

from collections.abc import Callable
from typing import Any

from research.attention.positions import RELATIONS, Relative
from research.attention.scores import SCORES
from research.models.cells import CELLS
from research.models.recurrent_decoder import RecurrentDecoder
from research.models.recurrent_layers import DIRECTIONS, RecurrentEncoder
from research.models.transformer import TransformerDecoder, TransformerEncoder
from research.models.translator import Translator

Work = tuple[float, float]
"""Multiply-adds of a target token and of a source token."""


def training_flops_per_token(translator: Translator, source: float, target: float) -> float:
    """Multiplications and additions a target token, forward and backward: 6 for each weight it meets.

    source, target: mean tokens of a sentence, end mark included. The encoder's work is spread over the target's tokens.
    Reading a memory of S tokens costs 2·S·width multiply-adds (scores, context).
    """
    encoding = _count(translator.source_side, source, target)
    decoding = _count(translator.target_side, source, target)
    of_target, of_source = (sum(side) for side in zip(encoding, decoding, strict=True))
    output = translator.embeddings.target_vocabulary * translator.embeddings.output_width
    return 6.0 * (of_target + output + of_source * source / target)


def _count(side: Any, source: float, target: float) -> Work:
    if type(side) not in COUNTS:
        raise TypeError(f"no count for {type(side).__name__}; add one to {__name__}")
    return COUNTS[type(side)](side, source, target)


def _transformer_encoder(encoder: TransformerEncoder, source: float, target: float) -> Work:
    own = _own(encoder.attention, source) + 2 * encoder.attention.width * encoder.feed_forward.ffn
    return 0.0, encoder.layers * own


def _transformer_decoder(decoder: TransformerDecoder, source: float, target: float) -> Work:
    cross = decoder.cross_attention
    asked, compared = _scoring(cross, source)
    query = 2 * cross.width * _inner(cross) + asked  # query and output
    query += cross.width**2 if cross.window == "local_p" else 0
    # Half of a causal map is masked, but all of it is computed, so all of it counts.
    own = _own(decoder.attention, target) + 2 * cross.width * decoder.feed_forward.ffn
    return decoder.layers * (own + query), decoder.layers * (_keys_values(cross) + compared)


def _own(attention: Any, length: float) -> float:
    """Self-attention over so many tokens, for one of them."""
    asked, compared = _scoring(attention, length)
    projected = 2 * attention.width * _inner(attention) + _keys_values(attention) + asked + compared
    if RELATIONS.get(attention.positions) is Relative:
        edges = 2 * attention.reach + 1
        projected += 2 * _inner(attention) * edges + attention.heads * length * edges
    return projected


def _scoring(attention: Any, length: float) -> Work:
    """Scores and contexts of a query over so many keys, and what the score does to a key before."""
    size, score = _inner(attention) // attention.heads, SCORES[attention.score]
    of_query, of_key = score.projections(size, size, size, attention.places)
    reading = (1 + score.reads_keys) * length * _inner(attention)
    return reading + attention.heads * of_query, attention.heads * of_key


def _inner(attention: Any) -> int:
    """H K."""
    return attention.heads * attention.head_width or attention.width


def _keys_values(attention: Any) -> float:
    """Once a token that is read."""
    projections = 1 + SCORES[attention.score].reads_keys
    return projections * attention.width * _inner(attention) * attention.kv_heads / attention.heads


def _recurrent_encoder(encoder: RecurrentEncoder, source: float, target: float) -> Work:
    gates, directions = CELLS[encoder.cell].gates, len(DIRECTIONS[encoder.direction])
    hidden, entering, work = encoder.width // directions, encoder.input_width, 0.0
    for _ in range(encoder.layers):
        work += directions * gates * hidden * (entering + hidden)
        entering = encoder.width
    return 0.0, work


def _recurrent_decoder(decoder: RecurrentDecoder, source: float, target: float) -> Work:
    gates, width = CELLS[decoder.cell].gates, decoder.width
    fed = width * decoder.input_feeding + decoder.memory_width * (decoder.timing == "bahdanau")
    above = (decoder.layers - 1) * gates * width * 2 * width
    of_target, of_source = float(gates * width * (decoder.input_width + fed + width) + above), 0.0
    if decoder.direction == "bi":
        of_target += gates * width * (decoder.input_width + width) + 2 * width * width
    if decoder.timing != "none":
        reader, score = decoder.reader, SCORES[decoder.reader.score]
        asked, of_source = score.projections(width, decoder.memory_width, width, reader.places)
        of_target += asked + (1 + score.reads_keys) * source * width + (decoder.memory_width + width) * width
        of_target += width**2 if reader.window == "local_p" else 0
        if reader.coverage != "none":
            channels = reader.channels
            of_target += source * channels * width
            if reader.coverage == "neural":
                of_target += 3 * channels * (source * (channels + 1) + width)
                of_source += 3 * channels * decoder.memory_width
    return of_target, of_source


COUNTS: dict[type, Callable[[Any, float, float], Work]] = {
    TransformerEncoder: _transformer_encoder,
    TransformerDecoder: _transformer_decoder,
    RecurrentEncoder: _recurrent_encoder,
    RecurrentDecoder: _recurrent_decoder,
}

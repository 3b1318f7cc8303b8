"""The FLOPs that are read off the traced program, against counts by hand and, for short programs, against XLA's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import base
from research import models
from research.attention.positions import RELATIONS, Relative
from research.attention.scores import SCORES
from research.models.cells import CELLS
from research.models.flops import matmul_flops, training_flops_per_token
from research.models.recurrent_decoder import RecurrentDecoder
from research.models.recurrent_layers import DIRECTIONS, RecurrentEncoder
from research.models.transformer import TransformerDecoder, TransformerEncoder
from tests.models.variants import VARIANTS, build, config, shapes

SOURCE, TARGET = 11.3, 13.7  # means, so they need not be whole


@pytest.mark.parametrize("name", VARIANTS)
def test_the_program_has_the_flops_that_are_counted_by_hand(name):
    translator = build(config(name))
    assert training_flops_per_token(translator, SOURCE, TARGET) == pytest.approx(by_hand(translator, SOURCE, TARGET))


def by_hand(translator, source, target):
    """Return 6 FLOPs for each weight that a token meets, and for each product of scores and contexts."""
    encoding, decoding = (
        COUNTS[type(side)](side, source, target) for side in (translator.source_side, translator.target_side)
    )
    of_target, of_source = (sum(side) for side in zip(encoding, decoding, strict=True))
    output = translator.embeddings.target_vocabulary * translator.embeddings.output_width
    return 6.0 * (of_target + output + of_source * source / target)


def _projections(score, query_width, memory_width, width, learned_positions):
    """Return the multiply-adds of a score's matrices for a query, and for a position of the memory."""
    return {
        "general": (0, memory_width * query_width),
        "learned_scale_general": (0, memory_width * query_width),
        "concat": (query_width * width, memory_width * width),
        "location": (query_width * learned_positions, 0),
    }.get(score, (0, 0))


def _transformer_encoder(encoder, source, target):
    own = _own(encoder.attention, source) + 2 * encoder.attention.width * encoder.feed_forward.ffn
    return 0.0, encoder.layers * own


def _transformer_decoder(decoder, source, target):
    cross = decoder.cross_attention
    of_query, of_key = _scoring(cross, source)
    query = 2 * cross.width * _inner(cross) + of_query  # query and output
    query += cross.width**2 + cross.width if cross.window == "local_p" else 0
    # Half of a causal map is masked, but all of it is computed, so all of it counts.
    own = _own(decoder.attention, target) + 2 * cross.width * decoder.feed_forward.ffn
    return decoder.layers * (own + query), decoder.layers * (_keys_values(cross) + of_key)


def _own(attention, length):
    """Return the work of self-attention over `length` tokens, for one of them."""
    of_query, of_key = _scoring(attention, length)
    projected = 2 * attention.width * _inner(attention) + _keys_values(attention) + of_query + of_key
    if RELATIONS.get(attention.positions) is Relative:
        edges = 2 * attention.reach + 1
        projected += 2 * _inner(attention) * edges + attention.heads * length * edges
    return projected


def _scoring(attention, length):
    """Return the work on a query, which reads `length` keys, and on a key."""
    size = _inner(attention) // attention.heads
    of_query, of_key = _projections(attention.score, size, size, size, attention.learned_positions)
    reading = (1 + SCORES[attention.score].reads_keys) * length * _inner(attention)
    return reading + attention.heads * of_query, attention.heads * of_key


def _inner(attention):
    """Return H K."""
    return attention.heads * attention.head_width or attention.width


def _keys_values(attention):
    """Return the work of keys and values, for a token that is read."""
    projections = 1 + SCORES[attention.score].reads_keys
    return projections * attention.width * _inner(attention) * attention.kv_heads / attention.heads


def _recurrent_encoder(encoder, source, target):
    gates, directions = CELLS[encoder.cell].gates, len(DIRECTIONS[encoder.direction])
    hidden, entering, work = encoder.width // directions, encoder.input_width, 0.0
    for _ in range(encoder.layers):
        work += directions * gates * hidden * (entering + hidden)
        entering = encoder.width
    return 0.0, work


def _recurrent_decoder(decoder, source, target):
    gates, width = CELLS[decoder.cell].gates, decoder.width
    fed = width * decoder.input_feeding + decoder.memory_width * (decoder.timing == "bahdanau")
    above = (decoder.layers - 1) * gates * width * 2 * width
    of_target, of_source = float(gates * width * (decoder.input_width + fed + width) + above), 0.0
    if decoder.direction == "bi":
        of_target += gates * width * (decoder.input_width + width) + 2 * width * width
    if decoder.timing != "none":
        reader, score = decoder.reader, SCORES[decoder.reader.score]
        of_query, of_source = _projections(reader.score, width, decoder.memory_width, width, reader.learned_positions)
        of_target += of_query + (1 + score.reads_keys) * source * width + (decoder.memory_width + width) * width
        of_target += width**2 + width if reader.window == "local_p" else 0
        if reader.coverage != "none":
            channels = reader.channels
            of_target += source * channels * width
            if reader.coverage == "linguistic":
                of_source += decoder.memory_width
            if reader.coverage == "neural":
                of_target += 3 * channels * (source * (channels + 1) + width)
                of_source += 3 * channels * decoder.memory_width
    return of_target, of_source


COUNTS = {
    TransformerEncoder: _transformer_encoder,
    TransformerDecoder: _transformer_decoder,
    RecurrentEncoder: _recurrent_encoder,
    RecurrentDecoder: _recurrent_decoder,
}
"""(side, source, target) -> multiply-adds of a target token and of a source token."""


def flops(function, *arguments):
    return sum(matmul_flops(jax.make_jaxpr(function)(*arguments).jaxpr))


def test_loops_and_branches():
    """A scan counts its body once an iteration, a conditional its costliest branch."""
    square, x = jnp.ones((5, 5)), jnp.ones((2, 5))
    assert flops(lambda x: x @ square, x) == 2 * 2 * 5 * 5
    assert flops(lambda x: jax.lax.scan(lambda x, _: (x @ square, None), x, None, length=7)[0], x) == 7 * 100
    branches = [lambda x: x, lambda x: x @ square @ square, lambda x: x @ square]
    assert flops(lambda n, x: jax.lax.switch(n, branches, x), 0, x) == 200
    assert flops(lambda x: jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: 2 * x, x), x) == 0
    assert flops(lambda x, y: jnp.einsum("ab,ab->ab", x, y), x, x) == 0
    with pytest.raises(ValueError, match="in a loop of unknown length has no count: use a scan"):
        flops(lambda x: jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: x @ square, x), x)


def flops_by_xla(translator, length):
    """Return the multiplications and additions of a forward pass over one sentence, as XLA counts them."""
    ids = np.ones((1, length), np.int32)
    lowered = jax.jit(translator.apply).lower({"params": shapes(translator)}, ids, ids)
    return lowered.compile().cost_analysis()["flops"]


@pytest.mark.parametrize(
    "name", ["transformer", "none", "luong", "bahdanau", "luong-feeding", "none-future", "transformer-future"]
)
def test_the_flops_of_one_token_are_what_xla_counts(name):
    """XLA counts the body of a scan once, so its count is right for sentences of one token."""
    architecture, _, more = name.partition("-")
    model = base.named(base.MODELS, architecture)
    for field, value in {
        "width": 96,
        "layers": 1 if more == "feeding" else 2,
        "ffn": 384,
        "input_feeding": more == "feeding",
        "decoder_direction": "bi" if more == "future" else "uni",
    }.items():
        if field in model:
            model[field] = value
    translator = models.build(model, source_vocabulary=503, target_vocabulary=503)
    # Backward costs twice what forward does. XLA counts elementwise work, too: a few per cent at this width.
    ours = training_flops_per_token(translator, 1.0, 1.0) / 3
    assert ours == pytest.approx(flops_by_xla(translator, 1), rel=0.08)


def test_attention_is_quadratic_and_the_encoder_is_spread_over_the_target():
    translator = build(config("transformer-pre-all", layers=2))
    width = config("transformer-pre-all").width
    one, longer = (training_flops_per_token(translator, n, n) for n in (10.0, 20.0))
    assert longer - one == pytest.approx(6 * 10 * width * (2 * 2 + 2 * 4))  # two layers: a map here, two there
    halved = training_flops_per_token(build(config("none-lstm-bi")), 10.0, 20.0)
    encoder = 2 * 4 * 3 * (6 + 3)
    assert training_flops_per_token(build(config("none-lstm-bi")), 10.0, 10.0) - halved == pytest.approx(
        6 * encoder / 2
    )

"""The contract of every translator: the same tests over models that together have every part."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attention.coverage import COVERAGES
from research.attention.kernels import KERNELS
from research.attention.local import WINDOWS
from research.attention.normalisers import NORMALISERS
from research.attention.positions import POSITIONS
from research.attention.scores import SCORES
from research.models import DECODERS, ENCODERS
from research.models.cells import CELLS
from research.models.embeddings import TIES
from research.models.recurrent_decoder import READERS
from research.models.recurrent_layers import DIRECTIONS
from research.models.transformer_layers import NORMS
from research.models.translator import DECODER_DIRECTIONS, cross_attention
from tests.models.variants import VARIANTS, config, covering, translator_and_params

LENGTHS = (7, 3)  # of the two sources
SOURCE_BS = np.array([[4, 9, 5, 16, 3, 8, 2], [11, 6, 2, 0, 0, 0, 0]], np.int32)
TARGET_BT = np.array([[1, 7, 18, 4, 9], [1, 12, 5, 3, 13]], np.int32)  # no padding: `step` knows none
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}  # float32, sums in another order

COVERING = covering()


def variants(names):
    """Return a decorator over these variants. Those that no value of a field needs are for `make test-all`."""
    kept = [name if name in COVERING else pytest.param(name, marks=pytest.mark.slow) for name in names]
    return pytest.mark.parametrize("name", kept)


every_variant = variants(VARIANTS)
# The exception: teacher-forced, these read the very words that they are to predict, and in `step` there are none to
# read. So a position does see the next, and `step` repeated is not `decode`; what they promise instead is in
# `test_a_decoder_that_sees_the_future`.
SEE_THE_FUTURE = [name for name in VARIANTS if config(name).decoder_direction == "bi"]
causal = variants([name for name in VARIANTS if name not in SEE_THE_FUTURE])


def reads(name):
    model = config(name)
    return model.decoder == "transformer" or model.reader != "none"


attentive = variants([name for name in VARIANTS if reads(name)])


@cache
def compiled(name):
    """Return a function (source_BS, target_in_BT) -> logits_BTV and the sown weights."""
    translator, params = translator_and_params(name)
    return partial(jax.jit(partial(translator.apply, mutable=["attention"])), {"params": params})


@cache
def teacher_forced(name):
    logits_BTV, sown = compiled(name)(SOURCE_BS, TARGET_BT)
    return np.asarray(logits_BTV), jax.tree.map(np.asarray, cross_attention(sown))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("encoder", ENCODERS), ("decoder", DECODERS), ("cell", CELLS), ("direction", DIRECTIONS), ("reader", READERS),
        ("decoder_direction", DECODER_DIRECTIONS),
        ("score", SCORES), ("normaliser", NORMALISERS), ("window", WINDOWS), ("coverage", COVERAGES),
        ("kernel", KERNELS),
        ("encoder_positions", POSITIONS), ("decoder_positions", POSITIONS), ("norm", NORMS), ("tie", TIES),
    ],
)  # fmt: skip
def test_the_variants_have_every_name(field, values):
    assert {model[field] for model in map(config, VARIANTS) if field in model} >= set(values)


OTHER_BT = np.array([[1, 3, 3, 17, 6], [1, 18, 4, 4, 2]], np.int32)
HYPOTHESES_BNT = np.stack([TARGET_BT, OTHER_BT, TARGET_BT], axis=1)


@cache
def compiled_steps(name):
    """(tokens_TX, parents_TX) -> logits_TXV of one position at a time, and what was read. Rows X are hypotheses,
    sentence-major; before step t the cache is reordered by parents_X of t."""
    translator, params = translator_and_params(name)
    batch, hypotheses, length = HYPOTHESES_BNT.shape

    @jax.jit
    def run(params, tokens_TX, parents_TX):
        apply = partial(translator.apply, {"params": params})
        memory = apply(SOURCE_BS, method="encode")
        cache = apply(memory, hypotheses, length + 2, method="start")
        assert {leaf.shape[0] for leaf in jax.tree.leaves(memory)} == {batch}

        def one(cache, now):
            token_X, parents_X = now
            cache = apply(cache, parents_X, method="reorder")
            (logits_XV, cache), sown = apply(memory, token_X, cache, method="step", mutable=["attention"])
            return cache, (logits_XV, cross_attention(sown))

        return jax.lax.scan(one, cache, (tokens_TX, parents_TX))[1]

    return partial(run, params)


def step_by_step(name, parents_TBN=None):
    """Return logits_BNTV of HYPOTHESES_BNT and the weights; parents_TBN None: each hypothesis continues itself."""
    batch, hypotheses, length = HYPOTHESES_BNT.shape
    if parents_TBN is None:
        parents_TBN = np.broadcast_to(np.arange(hypotheses), (length, batch, hypotheses))
    rows_TBN = parents_TBN + hypotheses * np.arange(batch)[:, None]
    tokens_TX = HYPOTHESES_BNT.reshape(-1, length).T
    logits_TXV, weights = compiled_steps(name)(tokens_TX, rows_TBN.reshape(length, -1))
    return np.asarray(logits_TXV).swapaxes(0, 1).reshape(*HYPOTHESES_BNT.shape, -1), weights


@cache
def stepped(name):
    return step_by_step(name)


@causal
def test_step_repeated_is_decode(name):
    logits_BNTV, weights = stepped(name)
    expected_BTV, expected = teacher_forced(name)
    assert logits_BNTV.dtype == expected_BTV.dtype == np.float32
    np.testing.assert_allclose(logits_BNTV[:, 0], expected_BTV, **TOLERANCE)
    if (
        config(name).decoder == "transformer"
    ):  # which is asked for the weights of a step, too: hypotheses are queries of one sentence
        for layer, weights_TBHNS in weights.items():
            np.testing.assert_allclose(weights_TBHNS[:, :, :, 0].transpose(1, 2, 0, 3), expected[layer], **TOLERANCE)


@pytest.mark.parametrize("name", ["transformer-fused-rotary", "transformer-blockwise-alibi"])
def test_a_kernel_without_weights_has_the_result_of_the_reference(name):
    """The weights are not asked for, so the kernel itself runs: in all three attentions and in the gradient."""
    translator, params = translator_and_params(name)
    assert config(name).kernel != "reference"

    @partial(jax.jit, static_argnames="mutable")
    def run(params, mutable):
        def loss(params):
            logits_BTV = translator.apply({"params": params}, SOURCE_BS, TARGET_BT, mutable=mutable)
            logits_BTV = logits_BTV[0] if mutable else logits_BTV
            return (logits_BTV**2).sum(), logits_BTV

        return jax.value_and_grad(loss, has_aux=True)(params)

    (_, logits_BTV), gradient = run(params, False)
    (_, expected_BTV), expected = run(params, ("attention",))
    np.testing.assert_allclose(logits_BTV, expected_BTV, **TOLERANCE)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-3), gradient, expected)


@causal
def test_hypotheses_share_a_memory_and_nothing_else(name):
    """Each hypothesis has the logits that it has alone, whatever the others are."""
    logits_BNTV, _ = stepped(name)
    other_BTV = np.asarray(compiled(name)(SOURCE_BS, OTHER_BT)[0])
    np.testing.assert_allclose(logits_BNTV[:, 1], other_BTV, **TOLERANCE)
    np.testing.assert_allclose(logits_BNTV[:, 2], logits_BNTV[:, 0], **TOLERANCE)
    assert np.abs(logits_BNTV[:, 0] - other_BTV)[:, 1:].max() > 1e-2


@every_variant
def test_a_reordered_cache_continues_other_hypotheses(name):
    """After two positions each hypothesis continues another one, as in a beam, and after the third again."""
    batch, hypotheses, length = HYPOTHESES_BNT.shape
    parents_BN = {2: np.array([[1, 1, 0], [2, 0, 1]]), 3: np.array([[2, 0, 1], [0, 0, 2]])}
    alone_BN = np.tile(np.arange(hypotheses), (batch, 1))
    logits_BNTV, _ = step_by_step(name, np.stack([parents_BN.get(time, alone_BN) for time in range(length)]))

    said_BNT = HYPOTHESES_BNT.copy()
    for time, parents in parents_BN.items():
        said_BNT[:, :, :time] = np.take_along_axis(said_BNT[:, :, :time], parents[:, :, None], axis=1)
    for hypothesis in range(hypotheses):
        expected_BTV = np.asarray(compiled(name)(SOURCE_BS, said_BNT[:, hypothesis])[0])
        np.testing.assert_allclose(logits_BNTV[:, hypothesis, -1], expected_BTV[:, -1], **TOLERANCE)


@every_variant
def test_padding_and_other_sentences_change_nothing(name):
    """A short sentence with padding, among others, against itself alone; its target is cut too."""
    logits_BTV, weights = teacher_forced(name)
    kept = 5 if name in SEE_THE_FUTURE else 3
    alone_BTV, sown = compiled(name)(SOURCE_BS[1:, : LENGTHS[1]], TARGET_BT[1:, :kept])
    np.testing.assert_allclose(logits_BTV[1:, :kept], alone_BTV, **TOLERANCE)
    for layer, weights_BHTS in cross_attention(sown).items():
        np.testing.assert_allclose(weights[layer][1:, :, :kept, : LENGTHS[1]], weights_BHTS, **TOLERANCE)
    other = SOURCE_BS.copy()
    other[0] = 17 - other[0]  # other words: some models know no order
    changed_BTV = np.asarray(compiled(name)(other, TARGET_BT)[0])
    np.testing.assert_allclose(changed_BTV[1], logits_BTV[1], **TOLERANCE)
    assert np.abs(changed_BTV[0] - logits_BTV[0]).max() > 1e-3  # the source does matter


@causal
def test_a_position_does_not_see_the_next(name):
    changed_BT = TARGET_BT.copy()
    changed_BT[:, 3:] = 0  # padding is no exception
    logits_BTV = np.asarray(compiled(name)(SOURCE_BS, changed_BT)[0])
    np.testing.assert_allclose(logits_BTV[:, :3], teacher_forced(name)[0][:, :3], **TOLERANCE)
    assert np.isfinite(logits_BTV).all()


@variants(SEE_THE_FUTURE)
def test_a_decoder_that_sees_the_future(name):
    """Teacher-forced it reads the word to predict, and no padding; steps agree with that only at the end."""
    forced_BTV, _ = teacher_forced(name)
    other_BT = TARGET_BT.copy()
    other_BT[:, 3] = 6  # what position 2 is to predict
    seen_BT = np.abs(np.asarray(compiled(name)(SOURCE_BS, other_BT)[0]) - forced_BTV).max(axis=-1)
    assert seen_BT[:, :4].min() > 1e-3
    padded_BTV = compiled(name)(SOURCE_BS, np.pad(TARGET_BT, ((0, 0), (0, 2))))[0]
    np.testing.assert_allclose(padded_BTV[:, :5], forced_BTV, **TOLERANCE)
    stepped_BTV = stepped(name)[0][:, 0]
    np.testing.assert_allclose(stepped_BTV[:, -1], forced_BTV[:, -1], **TOLERANCE)  # where there is no future
    assert np.abs(stepped_BTV - forced_BTV).max(axis=-1)[:, :-1].min() > 1e-3


@attentive
def test_weights_sum_to_one_and_are_zero_on_padding(name):
    _, weights = teacher_forced(name)
    model = config(name)
    layers, heads = (model.decoder_layers, model.heads) if model.decoder == "transformer" else (1, 1)
    assert list(weights) == [f"layer_{index}" for index in range(layers)]
    for weights_BHTS in weights.values():
        assert weights_BHTS.shape == (2, heads, TARGET_BT.shape[1], SOURCE_BS.shape[1])
        assert (weights_BHTS >= 0).all()
        assert not weights_BHTS[1, ..., LENGTHS[1] :].any()
        if model.normaliser in ("softmax_over_queries", "softmax_over_queries_scaled"):
            assert weights_BHTS.cumsum(axis=2).max() > 1.5  # a key's share of all queries so far is 1, not a query's
        elif model.window == "local_p":
            assert weights_BHTS.sum(-1).max() < 1 + 1e-5  # less the further the words are from where it looks
        elif model.window == "global":  # else it may read nothing, past the end
            np.testing.assert_allclose(weights_BHTS.sum(-1), 1.0, atol=1e-5)
            dense = model.normaliser in ("softmax", "uniform", "permuted") and model.score != "location"
            assert weights_BHTS[1, ..., : LENGTHS[1]].min() > 0 or not dense


@variants([name for name in VARIANTS if not reads(name)])
def test_a_model_without_attention_reads_nothing(name):
    assert teacher_forced(name)[1] == {}


def learns_nothing(name, where):
    """A bias of all keys adds the same to every score of a query, and a softmax over keys does not see it; nor does one
    over queries a bias of all queries. Through interventions weights do not depend on scores, or not smoothly.
    """
    normaliser, asking = config(name).normaliser, ("scorer", "['cross']['query']", "['cross']['key']", "cross_sublayer")
    return (
        where.endswith("['key']['bias']")
        or (normaliser.startswith("softmax_over_queries") and "cross" in where and where.endswith("['bias']"))
        or (normaliser in ("uniform", "hard", "last") and any(part in where for part in asking))
    )


@every_variant
def test_evaluation_is_deterministic_and_training_is_a_function_of_its_key(name):
    """Every parameter gets a gradient, with dropout on and with padding."""
    translator, params = translator_and_params(name)
    training = translator.clone(deterministic=False)

    @jax.jit
    def gradient(params, key):
        def loss(params):
            states_BTD, table_VD = training.apply(
                {"params": params}, SOURCE_BS, TARGET_BT, rngs={"dropout": key}, method="outputs"
            )
            log_p_BTV = jax.nn.log_softmax(jnp.einsum("btd,vd->btv", states_BTD, table_VD))
            return -(log_p_BTV * jax.nn.one_hot(np.roll(TARGET_BT, -1, 1), log_p_BTV.shape[-1])).sum()

        return jax.value_and_grad(loss)(params)

    (one, reached), (same, _), (other, _) = (gradient(params, jax.random.key(seed)) for seed in (0, 0, 1))
    assert one == same != other
    for path, leaf in jax.tree_util.tree_flatten_with_path(reached)[0]:
        where = jax.tree_util.keystr(path)
        assert np.isfinite(leaf).all(), where
        if not learns_nothing(name, where):
            assert np.abs(leaf).max() > 1e-5, f"no gradient at {where}"

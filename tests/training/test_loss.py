"""The chunked loss against logits held all at once: NumPy in double precision, and optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.training import loss
from research.training.loss import cross_entropy

PAD, V, D = 0, 13, 5


def example(batch, time, seed=0):
    random = np.random.default_rng(seed)
    states = 2 * random.normal(size=(batch, time, D))
    table = random.normal(size=(V, D))
    targets = random.integers(1, V, (batch, time))
    targets[random.random((batch, time)) < 0.3] = PAD
    targets[0, 0] = 3
    return states.astype(np.float32), table.astype(np.float32), targets.astype(np.int32)


def expected(states, table, targets, smoothing):
    """(loss, nll, tokens, ∂loss/∂states, ∂loss/∂table), float64, from the definition: q against softmax."""
    states, table = states.astype(np.float64), table.astype(np.float64)
    counted = (targets != PAD)[..., None]
    logits = states @ table.T
    logits -= logits.max(-1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    onehot = np.eye(V)[targets]
    q = (1 - smoothing) * onehot + smoothing / V
    logits_bar = (np.exp(log_p) - q) * counted
    table_bar = np.einsum("btv,btd->vd", logits_bar, states)
    sums = [-(weights * log_p * counted).sum() for weights in (q, onehot)]
    return *sums, counted.sum(), logits_bar @ table, table_bar


def compute(states, table, targets, smoothing):
    def scalar(states, table):
        sums = cross_entropy(states, table, targets, smoothing=smoothing, pad=PAD)
        return sums.loss, sums

    (_, sums), gradients = jax.jit(jax.value_and_grad(scalar, argnums=(0, 1), has_aux=True))(states, table)
    return sums.loss, sums.nll, sums.tokens, *gradients


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("batch", "time", "chunk"), [(3, 7, 512), (3, 7, 5), (5, 4, 5), (1, 1, 512)])
def test_loss_and_gradient_are_the_definition(batch, time, chunk, smoothing, monkeypatch):
    """With fewer positions than a chunk, with a multiple of the chunk, and with a number that is none."""
    monkeypatch.setattr(loss, "CPU_CHUNK", chunk)
    inputs = example(batch, time)
    for ours, theirs in zip(compute(*inputs, smoothing), expected(*inputs, smoothing), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_the_chunk_as_it_is():
    """More positions than one chunk of the real size, and not a multiple of it."""
    inputs = example(7, 89)
    assert inputs[2].size % loss.CPU_CHUNK
    for ours, theirs in zip(compute(*inputs, 0.1), expected(*inputs, 0.1), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("words", [0, 1, 3, 4, 10, 21])
def test_padding_is_not_computed(words, monkeypatch):
    """As many chunks as hold words, wherever these are."""
    monkeypatch.setattr(loss, "CPU_CHUNK", 3)
    states, table, targets = example(3, 7)
    targets = np.random.default_rng(1).permutation(np.where(np.arange(21) < words, 5, PAD)).reshape(3, 7)
    seen, powers = [], loss._powers

    def counted(*arguments):
        jax.debug.callback(lambda: seen.append(1))
        return powers(*arguments)

    monkeypatch.setattr(loss, "_powers", counted)
    jax.block_until_ready(compute(states, table, targets, 0.1))
    jax.effects_barrier()
    assert len(seen) == -(-words // 3)


def test_an_accelerator_computes_all_chunks_to_the_same_numbers(monkeypatch):
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *inputs, cpu, default: default(*inputs))
    monkeypatch.setattr(loss, "CHUNK", 5)
    inputs = example(3, 7)
    for ours, theirs in zip(compute(*inputs, 0.1), expected(*inputs, 0.1), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("platform", "positions"), [("cpu", loss.CPU_CHUNK), ("cuda", loss.CHUNK), ("tpu", loss.CHUNK)]
)
def test_chunks_suit_the_platform_that_a_program_is_for_whatever_machine_compiles_it(platform, positions):
    states, table, targets = example(7, 503)

    def gradient(states, table):
        return jax.grad(lambda states: cross_entropy(states, table, targets, smoothing=0.1, pad=PAD).loss)(states)

    text = jax.jit(gradient).trace(states, table).lower(lowering_platforms=(platform,)).as_text()
    held = {n for n in (loss.CPU_CHUNK, loss.CHUNK) if f"tensor<{n}x{len(table)}xf32>" in text}
    assert held == {positions}


def test_loss_of_batches_side_by_side(monkeypatch):
    """Under vmap, with more padding in one than in the other."""
    monkeypatch.setattr(loss, "CPU_CHUNK", 3)
    runs = [example(3, 7, seed) for seed in (0, 1)]
    runs[1][2][1:] = PAD
    together = jax.vmap(lambda *inputs: compute(*inputs, 0.1))(
        *(np.stack(arrays) for arrays in zip(*runs, strict=True))
    )
    for run, inputs in enumerate(runs):
        for ours, theirs in zip(together, expected(*inputs, 0.1), strict=True):
            np.testing.assert_allclose(ours[run], theirs, rtol=1e-5, atol=1e-5)


def test_loss_equals_that_of_optax():
    states, table, targets = example(3, 7)
    logits = jnp.asarray(states @ table.T)
    labels = optax.smooth_labels(jax.nn.one_hot(targets, V), 0.1)
    ours = cross_entropy(states, table, targets, smoothing=0.1, pad=PAD)
    mask = targets != PAD
    np.testing.assert_allclose(ours.loss, (optax.softmax_cross_entropy(logits, labels) * mask).sum(), rtol=1e-5)
    plain = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(targets))
    np.testing.assert_allclose(ours.nll, (plain * mask).sum(), rtol=1e-5)
    without = cross_entropy(states, table, targets, smoothing=0.0, pad=PAD)
    np.testing.assert_allclose(without.loss, without.nll, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_padding_counts_nothing(smoothing):
    """Its states do not matter, and the loss of a batch of padding alone is zero, not NaN."""
    states, table, targets = example(3, 7)
    changed = states.copy()
    changed[targets == PAD] = 1e2
    for ours, theirs in zip(
        compute(changed, table, targets, smoothing), compute(states, table, targets, smoothing), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    for value in compute(states, table, np.zeros_like(targets), smoothing):
        assert not np.asarray(value).any()


def test_large_logits_do_not_overflow():
    states, table, targets = example(3, 7)
    for ours, theirs in zip(
        compute(100 * states, table, targets, 0.1), expected(100 * states, table, targets, 0.1), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_the_loss_of_a_batch_is_the_sum_over_its_rows():
    """Nothing is divided, so the sums of two halves add up."""
    states, table, targets = example(4, 7)
    whole = compute(states, table, targets, 0.1)
    halves = [compute(states[rows], table, targets[rows], 0.1) for rows in (slice(0, 2), slice(2, 4))]
    for index in (0, 1, 2, 4):
        np.testing.assert_allclose(whole[index], halves[0][index] + halves[1][index], rtol=1e-5, atol=1e-5)


def test_bfloat16_keeps_float32_sums(monkeypatch):
    monkeypatch.setattr(loss, "CPU_CHUNK", 5)
    states, table, targets = example(3, 7)
    loss_sum, nll, _, states_bar, table_bar = compute(states.astype(jnp.bfloat16), table, targets, 0.1)
    assert loss_sum.dtype == nll.dtype == jnp.float32
    assert states_bar.dtype == jnp.bfloat16
    assert table_bar.dtype == jnp.float32
    assert (table_bar != table_bar.astype(jnp.bfloat16)).mean() > 0.5  # it has more digits than bfloat16 holds
    reference = expected(states, table, targets, 0.1)
    np.testing.assert_allclose(loss_sum, reference[0], rtol=2e-2)  # bfloat16 has 8 bits
    np.testing.assert_allclose(table_bar.astype(np.float32), reference[4], atol=0.1)

"""A small model with attention learns to reverse a sequence."""

import jax
import numpy as np
import pytest

from configs.embedded import get_config
from research.parallel.devices import Devices
from research.training.translator_training import make_training

SYMBOLS, FIRST, LONGEST, ROWS = 11, 4, 6, 64  # 11^6 sequences: none is learnt by heart


def reversal(random):
    """Return a batch of sequences of 1 to 6 symbols and of their reversals."""
    batch = {name: np.zeros((ROWS, LONGEST + 1), np.int32) for name in ("source_BS", "target_in_BT", "target_out_BT")}
    for row, length in enumerate(random.integers(1, LONGEST + 1, ROWS)):
        symbols = random.integers(FIRST, FIRST + SYMBOLS, length)
        batch["source_BS"][row, : length + 1] = [*symbols, 2]
        batch["target_in_BT"][row, : length + 1] = [1, *symbols[::-1]]
        batch["target_out_BT"][row, : length + 1] = [*symbols[::-1], 2]
    return batch


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["luong", "transformer"])
def test_an_attentive_model_learns_to_reverse(architecture):
    config = get_config(architecture)
    fields = {"model.width": 32, "model.dropout": 0.0, "model.layers": 1, "training.learning_rate": 1e-2}
    fields |= {"training.warmup_steps": 30, "training.label_smoothing": 0.0}
    if architecture == "transformer":
        fields |= {"model.ffn": 64, "model.heads": 2, "model.layers": 2, "training.learning_rate": 5e-3}
    config.update_from_flattened_dict(fields)
    vocabulary = FIRST + SYMBOLS
    training = make_training(config.lock(), source_vocabulary=vocabulary, target_vocabulary=vocabulary)
    devices = Devices("pmap", jax.devices()[:1])
    state, spread = devices.place(training.initial(config.seed)), devices.spread(training.step)
    random = np.random.default_rng(0)
    for _ in range(400):
        state, _ = spread(state, reversal(random), config.seed)
    unseen = reversal(np.random.default_rng(1))
    logits_BTV = jax.jit(training.translator.apply)(
        {"params": devices.unreplicate(state).params}, unseen["source_BS"], unseen["target_in_BT"]
    )
    counted = unseen["target_out_BT"] != 0
    accuracy = (np.asarray(logits_BTV).argmax(-1) == unseen["target_out_BT"])[counted].mean()
    assert accuracy > 0.97  # chance is 0.09

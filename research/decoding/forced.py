"""Forced decoding: log p of a given translation under a model, token by token."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.data.evaluation_batches import evaluation_batches
from research.data.examples import Examples
from research.decoding.search import Runner
from research.decoding.top_k import argmax
from research.decoding.translate import Progress
from research.models.translator import Translator


class Forced(NamedTuple):
    """Log p of each token of a target, `eos` included, given the source and the tokens before it."""

    sentence: int
    log_p_T: np.ndarray
    """Natural logarithms."""
    likeliest_T: np.ndarray
    """True where no other token was likelier."""

    @property
    def log_p(self) -> float:
        """Log p of the whole translation: its score in `beam_search` before any penalty."""
        return float(self.log_p_T.sum(dtype=np.float64))

    @property
    def mean(self) -> float:
        """Mean log p of a token: minus the logarithm of the perplexity."""
        return self.log_p / len(self.log_p_T)


def force(
    translator: Translator,
    params: Any,
    examples: Examples,
    *,
    devices: Runner,
    batch_sentences: int,
    progress: Progress | None = None,
) -> Iterator[Forced]:
    """Yield the result of every example once, longest first. Works on any translator, ensembles too.

    Raises:
        ValueError: for examples without targets.
    """
    if examples.targets is None:
        raise ValueError("to score a translation there must be one: these examples have no targets")
    program, seen = _program(translator, devices), 0
    for indices, batch in evaluation_batches(examples, batch_sentences):
        log_p_BT, likeliest_BT = program(params, batch)
        for row, index in enumerate(indices):
            tokens = examples.targets.lengths[index] + 1
            # Copies: a view would keep the whole batch.
            yield Forced(int(index), log_p_BT[row, :tokens].copy(), likeliest_BT[row, :tokens].copy())
        seen += len(indices)
        if progress:
            progress(len(indices))
    assert seen == examples.count, "not every sentence counted once"


@lru_cache(maxsize=4)  # so that each validation finds the program compiled
def _program(translator: Translator, devices: Runner) -> Callable[[Any, dict[str, np.ndarray]], Any]:
    def measure(params: Any, batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        def apply(*inputs: Any, method: str) -> Any:
            return translator.apply({"params": params}, *inputs, method=method)

        def position(inputs: tuple[Any, jax.Array]) -> tuple[jax.Array, jax.Array]:
            states, target_B = inputs
            logits_BV = apply(states, method="logits")
            said_B = jnp.take_along_axis(logits_BV, target_B[:, None], axis=1)[:, 0]
            return said_B - jax.nn.logsumexp(logits_BV, axis=1), argmax(logits_BV) == target_B

        states = apply(apply(batch["source_BS"], method="encode"), batch["target_in_BT"], method="states")
        # One position at a time: the logits of all would be gigabytes where the vocabulary is large.
        states_first = jax.tree.map(lambda states_BTD: states_BTD.swapaxes(0, 1), states)
        log_p_TB, likeliest_TB = jax.lax.map(position, (states_first, batch["target_out_BT"].T))
        return log_p_TB.T, likeliest_TB.T

    return devices.run(measure)

"""The training of a translator as functions: its initial state from a seed, and the step, both made from a config."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from research import models
from research.data.vocabulary import PAD
from research.models.translator import Translator
from research.parallel.devices import StepFunction
from research.parallel.mesh import summed_over_rows
from research.training.loss import Sums, cross_entropy
from research.training.optimiser import make_optimiser, make_schedule
from research.training.step import Objective, TrainState, initial_state, make_step

PRECISIONS = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


@dataclass(frozen=True)
class TranslatorTraining:
    """A translator and the functions that train it.

    Args:
        translator: the model.
        initial: seed -> the state before the first step.
        step: the pure training step.
        objective: the summed loss that the step takes the gradient of.
        rate: updates done -> the learning rate of the next one.
    """

    translator: Translator
    initial: Callable[[int], TrainState]
    step: StepFunction
    objective: Objective
    rate: optax.Schedule

    @property
    def parameters(self) -> int:
        """The number of trained parameters; nothing is allocated."""
        params = jax.eval_shape(lambda: self.initial(0)).params
        return sum(math.prod(x.shape) for x in jax.tree.leaves(params))


def make_training(config: ConfigDict, *, source_vocabulary: int, target_vocabulary: int) -> TranslatorTraining:
    """Build what `config.model` and `config.training` describe.

    Args:
        config: the config of a run.
        source_vocabulary: subwords of the source language.
        target_vocabulary: subwords of the target language.
    """
    settings = config.training
    translator = models.build(config.model, source_vocabulary=source_vocabulary, target_vocabulary=target_vocabulary)
    schedule = make_schedule(
        settings.schedule,
        peak=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        steps=settings.steps,
        decay_share=settings.decay_share,
    )
    optimiser = make_optimiser(
        settings.optimizer,
        schedule,
        beta1=settings.beta1,
        beta2=settings.beta2,
        epsilon=settings.epsilon,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
    )
    objective = make_objective(translator, smoothing=settings.label_smoothing, precision=settings.precision)
    step = make_step(objective, optimiser, parts=settings.accumulation, ema_decay=settings.ema_decay)
    ids_BT = np.full((1, 2), PAD + 1, np.int32)
    init = jax.jit(translator.init)

    def initial(seed: int) -> TrainState:
        params = init(jax.random.key(seed), ids_BT, ids_BT)["params"]
        return initial_state(params, optimiser, averaging=settings.ema_decay > 0)

    return TranslatorTraining(translator, initial, step, objective, schedule)


def make_objective(translator: Translator, *, smoothing: float, precision: str) -> Objective:
    """Return the summed label-smoothed loss of a translator with dropout, computed in `precision`."""
    if precision not in PRECISIONS:
        raise ValueError(f"training.precision={precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")
    training = translator.clone(deterministic=False, dtype=PRECISIONS[precision])

    def objective(params: Any, batch: dict[str, jax.Array], key: jax.Array) -> Sums:
        states_BTD, table_VD = training.apply(
            {"params": params},
            batch["source_BS"],
            batch["target_in_BT"],
            rngs={"dropout": key},
            method="outputs",
        )

        def of_rows(rows: tuple[jax.Array, jax.Array], table_VD: jax.Array) -> Sums:
            return cross_entropy(rows[0], table_VD, rows[1], smoothing=smoothing, pad=PAD)

        return summed_over_rows(of_rows, (states_BTD, batch["target_out_BT"]), table_VD)

    return objective

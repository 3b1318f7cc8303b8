"""Small models with random weights."""

import jax
import jax.numpy as jnp
import numpy as np

from configs.base import MODELS
from research.models import build


def small_config(name):
    """Return a small config of an architecture."""
    config = MODELS[name]()
    config.width, config.layers = 16, 1
    if config.decoder == "transformer":
        config.heads, config.ffn, config.layers = 2, 24, 2
    return config


def random_model(name, vocabulary, seed=4, spread=3.0, **fields):
    """Return a translator and random weights, scaled by `spread` so that its translations differ.

    fields: of the config.
    """
    config = small_config(name)
    config.update(fields)
    translator = build(config, source_vocabulary=vocabulary, target_vocabulary=vocabulary)
    some_ids = jnp.ones((1, 2), int)
    params = jax.jit(translator.init)(jax.random.key(seed), some_ids, some_ids)["params"]
    return translator, jax.tree.map(lambda leaf: np.array(leaf) * (spread if leaf.ndim > 1 else 1.0), params)

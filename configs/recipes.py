"""How to train on a corpus of n pairs: subwords, width, dropout, rate and steps that go together.

    config = base(luong())
    follow(config, "10k")

With little text, most subwords of a large vocabulary are too rare to be learnt, and a model needs much dropout
(Sennrich and Zhang 2019; Araabi and Monz 2020). docs/recipes.md says which size suits which corpus, how the recipes
were found, and what they are worth. That of 1M pairs is for accelerators: it is after Vaswani et al. 2017 and Britz et
al. 2017, and was not tried.
"""

from typing import NamedTuple

from ml_collections import ConfigDict


class Batches(NamedTuple):
    """Subwords and batches of a size, the same for all models."""

    subwords: int  # of both languages together
    positions: int  # a step


class Recipe(NamedTuple):
    """Model and training of a family at a size."""

    layers: int
    width: int
    heads: int  # of a Transformer, whose feed-forward layers are four times as wide
    dropout: float
    steps: int
    learning_rate: float
    warmup_steps: int


SIZES = {
    "1k": Batches(2_000, 2_048),
    "10k": Batches(4_000, 2_048),
    "30k": Batches(8_000, 2_048),
    "1M": Batches(32_000, 32_768),
}

RECURRENT = {
    "1k": Recipe(1, 256, 0, 0.6, 600, 1.6e-2, 200),
    "10k": Recipe(1, 256, 0, 0.4, 1_500, 8e-3, 200),
    "30k": Recipe(1, 256, 0, 0.3, 3_000, 8e-3, 200),
    "1M": Recipe(2, 512, 0, 0.2, 50_000, 2e-3, 2_000),
}

TRANSFORMER = {
    "1k": Recipe(3, 128, 4, 0.3, 1_000, 5e-3, 200),
    "10k": Recipe(3, 128, 4, 0.3, 2_000, 5e-3, 200),
    "30k": Recipe(3, 256, 8, 0.2, 4_000, 3e-3, 400),
    "1M": Recipe(6, 512, 8, 0.1, 100_000, 7e-4, 4_000),
}


def sized(name: str) -> tuple[str, str]:
    """Return the size and the architecture of "10k:luong"; of "luong" alone, the size is 30k.

    Raises:
        ValueError: there is no such size.
    """
    size, colon, architecture = name.rpartition(":")
    if colon and size not in SIZES:
        raise ValueError(f"no recipe for a corpus of {size!r}; choose one of {', '.join(SIZES)} pairs")
    return size or "30k", architecture


def follow(config: ConfigDict, size: str) -> None:
    """Set what depends on the size of the corpus, for the family of config.model.

    Args:
        config: a whole config, changed in place.
        size: a name of SIZES.
    """
    data, model, training = config.data, config.model, config.training
    data.vocabulary.size, data.batch_tokens = SIZES[size]
    data.buckets = 6
    recurrent = model.encoder == model.decoder == "recurrent"
    recipe = (RECURRENT if recurrent else TRANSFORMER)[size]
    model.layers, model.width, model.dropout = recipe.layers, recipe.width, recipe.dropout
    if not recurrent:
        model.heads, model.ffn = recipe.heads, 4 * recipe.width
    training.steps = recipe.steps
    training.learning_rate = recipe.learning_rate
    training.warmup_steps = recipe.warmup_steps
    training.schedule = "wsd"
    training.decay_share = 0.3
    training.validate_every_steps = training.save_every_steps = min(recipe.steps // 10, 1_000)

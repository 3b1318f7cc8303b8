"""Recipes by the size of the corpus: what the names mean, and that the documents print today's numbers."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from configs.base import MODELS
from configs.command_line import ConfigError, load
from configs.recipes import RECURRENT, SIZES, TRANSFORMER

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"


@pytest.mark.parametrize("file", ["text", "tfds"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("architecture", MODELS)
def test_a_size_before_the_architecture_chooses_the_recipe(file, size, architecture):
    config = load(f"configs/{file}.py:{size}:{architecture}")
    recurrent = architecture in ("none", "luong", "bahdanau")
    recipe = (RECURRENT if recurrent else TRANSFORMER)[size]
    assert (config.model.encoder, config.model.decoder) == (
        MODELS[architecture]().encoder,
        MODELS[architecture]().decoder,
    )
    assert (config.model.encoder_layers, config.model.decoder_layers) == (recipe.layers, recipe.layers)
    assert (config.model.width, config.model.embedding) == (recipe.width, recipe.width)
    assert config.model.dropout == recipe.dropout
    assert (config.data.vocabulary.size, config.data.batch_tokens) == SIZES[size]
    assert (config.training.steps, config.training.learning_rate) == (recipe.steps, recipe.learning_rate)
    assert config.training.warmup_steps == recipe.warmup_steps
    assert recurrent or (config.model.heads, config.model.ffn) == (recipe.heads, 4 * recipe.width)


def test_without_a_size_it_is_that_of_multi30k():
    text, sized = load("configs/text.py:luong"), load("configs/text.py:30k:luong")
    assert text == sized == load("configs/text.py")
    multi30k = load("configs/multi30k.py:luong")
    assert text.training == multi30k.training
    assert text.model == multi30k.model
    assert text.data.vocabulary == multi30k.data.vocabulary


@pytest.mark.parametrize("name", ["2k:luong", "luong:10k", ":luong"])
def test_another_size_is_refused(name):
    with pytest.raises(ConfigError, match=r"choose one of 1k, 10k, 30k, 1M"):
        load(f"configs/text.py:{name}")


def test_a_size_alone_is_no_architecture():
    with pytest.raises(ConfigError, match=r"no architecture '10k'; choose one of none, luong"):
        load("configs/text.py:10k")


@pytest.mark.parametrize("recipes", [RECURRENT, TRANSFORMER])
def test_more_text_has_wider_models_less_dropout_and_more_steps(recipes):
    assert list(recipes) == list(SIZES)
    for small, large in pairwise(recipes.values()):
        assert small.width <= large.width
        assert small.dropout >= large.dropout
        assert small.steps < large.steps
    for few, many in pairwise(SIZES.values()):
        assert few.subwords < many.subwords


@pytest.mark.parametrize(("family", "recipes"), [("recurrent", RECURRENT), ("Transformer", TRANSFORMER)])
def test_the_document_prints_the_recipes(family, recipes):
    """A row is: family, size, subwords, positions a step, layers × width, heads, dropout, steps, rate, warm-up."""
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in DOCUMENT.read_text("utf-8").splitlines()
        if re.match(rf"\| {family} \|", line)
    ]
    assert rows == [
        (
            family,
            size,
            *(f"{number:,}" for number in SIZES[size]),
            f"{recipe.layers} × {recipe.width}",
            str(recipe.heads or "–"),
            str(recipe.dropout),
            f"{recipe.steps:,}",
            f"{recipe.learning_rate:g}",
            f"{recipe.warmup_steps:,}",
        )
        for size, recipe in recipes.items()
    ]

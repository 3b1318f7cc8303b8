"""The files of experiments/: each is a question of the lecture, and its arms differ where they say and nowhere else."""

from pathlib import Path

import jax
import numpy as np
import pytest

import experiments
from configs.command_line import load
from research import data, models
from research.ablation.arms import ARCHITECTURE, BUDGET
from research.ablation.experiment import architecture_of
from research.data.vocabulary import PAD
from research.parallel.devices import Devices
from research.report.language import translator
from research.report.words import COST_COLUMNS
from research.results.identity import config_as_json, flat
from research.results.measures import COSTS as MEASURED_COSTS
from research.training.translator_training import make_training

VOCABULARY = 13
FOLLOWS = {  # fields that take another's value until they have one of their own
    "model.layers": {"model.encoder_layers", "model.decoder_layers"},
    "model.width": {"model.embedding"},
    "model.heads": {"model.kv_heads"},
    "model.positions": {"model.encoder_positions", "model.decoder_positions"},
    BUDGET: {"training.steps"},
}


def configs(name):
    return experiments.load(name).configs(
        lambda architecture: load(f"configs/embedded_tiny.py:{architecture}"), corpus="embedded_tiny"
    )


def test_every_file_is_a_question_and_every_question_a_file():
    files = {file.stem for file in Path(experiments.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(experiments.QUESTIONS)
    assert len(experiments.QUESTIONS) == 18


def test_a_mistyped_question_is_answered():
    with pytest.raises(ValueError, match="no question 'head'; did you mean heads"):
        experiments.load("head")


@pytest.mark.parametrize("name", experiments.QUESTIONS)
def test_arms_differ_only_where_they_say(name):
    """In pairs: whatever differs between two arms is named by one of them, or follows what is."""
    experiment = experiments.load(name)
    flattened = {arm: flat(config_as_json(config)) for arm, config in configs(name).items()}
    for one, ours in flattened.items():
        for other, theirs in flattened.items():
            said = set(experiment.arms[one]) | set(experiment.arms[other])
            said |= {follower for field in said for follower in FOLLOWS.get(field, ())}
            differ = {field for field in ours | theirs if ours.get(field, ...) != theirs.get(field, ...)}
            if ARCHITECTURE in said and architecture_of(experiment, one) != architecture_of(experiment, other):
                # and the learning rate that its config chose for it
                differ = {field for field in differ - {"training.learning_rate"} if not field.startswith("model.")}
            assert differ <= said, (one, other)
    assert len({str(each) for each in flattened.values()}) == len(flattened), "two arms are one"


@pytest.mark.parametrize(
    ("name", "arm", "place"),
    [
        ("recurrent_depth", "layers=2", (2.0, "")),
        ("recurrent_depth", "layers=2, residual", (2.0, "residual")),
        ("bottleneck", "luong, width=32", (32.0, "luong")),
        ("data_size", "large transformer, subset=1000", (1_000.0, "large transformer")),
        ("heads", "heads=2, head_width=8", (2.0, "head_width=8")),
    ],
)
def test_an_arm_stands_on_the_line_that_its_name_says(name, arm, place):
    assert experiments.load(name).place(arm) == place


def test_costs_that_scores_are_drawn_over_are_recorded_ones():
    costs = {experiments.load(name).cost for name in experiments.QUESTIONS} - {None}
    assert costs <= MEASURED_COSTS.keys()
    assert COST_COLUMNS.keys() == MEASURED_COSTS.keys()  # and the report can write each


@pytest.mark.parametrize("name", experiments.QUESTIONS)
def test_every_arm_can_be_built(name):
    for config in configs(name).values():
        models.build(config.model, source_vocabulary=VOCABULARY, target_vocabulary=VOCABULARY)


@pytest.mark.parametrize("name", experiments.QUESTIONS)
def test_a_corpus_that_a_question_names_is_a_config_file(name):
    for corpus in experiments.load(name).per_corpus:
        load(f"configs/{corpus}.py")


@pytest.mark.slow
@pytest.mark.parametrize("name", experiments.QUESTIONS)
def test_every_arm_takes_a_step(name):
    """With the vocabularies of its own corpus, as `run.py train` would."""
    built = {}
    for config in configs(name).values():
        key = str(config.data)
        if key not in built:
            corpus = data.build(config.data)
            built[key] = data.build_vocabularies(config.data, corpus.splits["train"])
        vocabularies = built[key]
        jax.clear_caches()  # the programs of all arms together take more mappings than Linux gives a process
        sizes = {"source_vocabulary": len(vocabularies.source), "target_vocabulary": len(vocabularies.target)}
        training = make_training(config, **sizes)
        program = Devices("pmap", jax.local_devices()[:1]).program(training.step, 1)
        ids_BT = np.random.default_rng(0).integers(PAD + 1, sizes["target_vocabulary"], (3, 5), dtype=np.int32)
        batch = dict.fromkeys(("source_BS", "target_in_BT", "target_out_BT"), ids_BT)
        _, metrics = program.step(program.place([training.initial(0)]), [batch], [0])
        assert np.isfinite(program.metrics(metrics)[0]["loss"])


def test_a_knob_of_the_embedded_corpus_is_not_turned_on_another():
    with pytest.raises(ValueError, match=r"arms differ in data\.embedded\.reordering, a knob of the embedded corpus"):
        experiments.load("word_order").configs(lambda name: load(f"configs/multi30k_small.py:{name}"))


@pytest.mark.parametrize("name", experiments.QUESTIONS)
def test_words_are_in_both_languages(name):
    experiment = experiments.load(name)
    for message in (experiment.question, experiment.claim):
        assert str(message).isascii()
        assert any("가" <= letter <= "힣" for letter in translator("ko")(message))

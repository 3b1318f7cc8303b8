"""Arms that spend alike."""

import jax
import numpy as np
import pytest

from configs.command_line import load
from research.ablation import matching
from research.ablation.matching import flops_per_token, match, parameters
from research.ablation.stopwatch import seconds_per_step_apart, time_steps
from research.parallel import host
from research.results.run_folder import RunFolder
from research.training.translator_training import make_training


def arm(architecture, **fields):
    config = load(f"configs/embedded_tiny.py:{architecture}")
    config.data.embedded.update({"train_pairs": 300, "validation_pairs": 10, "test_pairs": 10, "words": 0.1})
    config.data.vocabulary.size = 300
    config.model.update(fields)
    return config


def arms():
    return {"luong": arm("luong"), "deep": arm("luong", layers=3), "transformer": arm("transformer")}


def test_by_flops_all_do_the_same_arithmetic():
    made = match("flops", arms(), {})
    spent = {name: config.training.steps * flops_per_token(config) for name, config in made.items()}
    assert made["luong"].training.steps == arms()["luong"].training.steps
    assert made["deep"].training.steps < made["luong"].training.steps
    assert np.allclose(list(spent.values()), spent["luong"], rtol=1e-2)  # whole steps


def test_by_parameters_the_width_makes_up_for_the_rest():
    made = match("parameters", arms(), {})
    sizes = {name: parameters(config) for name, config in made.items()}
    assert np.allclose(list(sizes.values()), sizes["luong"], rtol=0.05)
    assert made["deep"].model.width < made["luong"].model.width
    assert made["transformer"].model.ffn == 2 * made["transformer"].model.width
    assert made["transformer"].model.width % made["transformer"].model.heads == 0


def test_by_seconds_a_slower_step_gets_fewer(monkeypatch):
    monkeypatch.setattr(matching, "seconds_per_step_apart", lambda config, length: [0.01 * config.model.layers])
    asked, timed = {"luong": arm("luong"), "deep": arm("luong", layers=4)}, {}
    made = match("seconds", asked, timed)
    assert made["deep"].training.steps == made["luong"].training.steps / 4
    monkeypatch.setattr(matching, "seconds_per_step_apart", lambda config, length: [1.0])  # a busy day
    assert match("seconds", asked, timed)["deep"].training.steps == made["deep"].training.steps


def test_steps_are_timed_in_another_process(monkeypatch):
    """On an accelerator this one would keep the memory that the jobs need."""
    monkeypatch.setattr(host, "prepare", lambda: pytest.fail("computed here"))
    seconds = seconds_per_step_apart(arm("luong"), length=5)
    assert len(seconds) >= 5
    assert min(seconds) > 0


def test_by_steps_nothing_changes():
    assert {name: config.to_dict() for name, config in match("steps", arms(), {}).items()} == {
        name: config.to_dict() for name, config in arms().items()
    }


def test_parameters_are_those_that_training_has():
    config = arm("luong")
    training = make_training(config, source_vocabulary=300, target_vocabulary=300)
    assert parameters(config) == sum(x.size for x in jax.tree.leaves(training.initial(0).params))


def test_a_budget_is_of_what_arms_are_matched_by():
    """The first arm's is a quarter, which its steps hold: of the others each spends its share of the whole."""
    whole = match("flops", arms(), {})
    made = arms()
    first, second, *others = made
    made[first].training.steps //= 4
    parts = match("flops", made, {}, {first: 0.25, second: 4.0})
    times = {first: 0.25, second: 4.0} | dict.fromkeys(others, 1)
    for name, config in parts.items():
        assert config.training.steps == pytest.approx(times[name] * whole[name].training.steps, rel=0.01, abs=1)


@pytest.mark.slow
def test_what_cannot_be_matched_is_said():
    with pytest.raises(ValueError, match=r"^large has no width whose size is within 5% of the first arm's"):
        match("parameters", {"small": arm("luong", width=2), "large": arm("transformer", layers=8, heads=32)}, {})


def test_a_timed_run_is_a_folder_with_seconds_alone(tmp_path):
    config = arm("luong")
    config.data.update({"max_tokens": 5, "batch_tokens": 35})
    time_steps(config, tmp_path / "run", seed=3, command="python run.py train")
    run = RunFolder(tmp_path / "run")
    timing = run.result()["timing"]
    assert timing["length"] == 5
    assert timing["tokens_per_second"] == pytest.approx(35 / timing["seconds_per_step"])
    assert run.config().seed == 3
    assert run.provenance()["tokens"] == 35 * run.provenance()["steps"]

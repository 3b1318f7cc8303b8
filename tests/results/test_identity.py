"""Identity: what names a run, and what may change in the code without changing that name."""

import pytest

from configs.base import MODELS
from configs.command_line import load
from configs.embedded import get_config
from research.results import identity as module
from research.results.identity import (
    Field,
    config_as_json,
    config_digest,
    config_from_json,
    differing_fields,
    identity,
)
from research.results.run_folder import RunFolder
from research.training.folder_setup import refuse_another_config

DIGESTS = {
    "none": "a633cb27e1db751c",
    "luong": "79606af95a9e70d8",
    "bahdanau": "6ca14dfafda84188",
    "transformer": "09a3ae0e5f61d73c",
    "transformer_recurrent": "e118426060554c4a",
    "recurrent_transformer": "7036734a8dfd849f",
}
"""Digests of configs/embedded.py, as runs were named at the end of November 2026."""
RECIPE = {
    "data.batch_tokens": 1_024,
    "data.buckets": 2,
    "training.learning_rate": 3e-3,
    "training.schedule": "cosine",
    "training.steps": 1_200,
    "training.validate_every_steps": 400,
    "training.save_every_steps": 400,
}
"""The recipe that configs/embedded.py had then."""


@pytest.mark.parametrize("architecture", MODELS)
def test_no_run_is_orphaned(architecture):
    """Red after a field was added, removed or renamed: say so in ADDED, REMOVED or RENAMED of identity.py."""
    config = load(f"configs/embedded.py:{architecture}")
    config.update_from_flattened_dict(RECIPE)
    assert config_digest(config, without=["seed"])[:16] == DIGESTS[architecture]


@pytest.fixture
def grown(monkeypatch):
    """A config of today, and the same after a field was added with a neutral default."""
    monkeypatch.setitem(module.ADDED, "model.highway", Field(False, beside="model.cell"))

    def with_field(value):
        config = get_config("luong")
        with config.unlocked():
            config.model.highway = value
        return config

    return with_field


def test_a_neutral_field_changes_no_identity(grown):
    before = config_digest(get_config("luong"), without=())
    assert config_digest(grown(False), without=()) == before
    assert config_digest(grown(True), without=()) != before


def test_an_old_run_folder_goes_on_after_a_field_was_added(grown, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_json("config.json", config_as_json(get_config("luong")))
    assert folder.config().model.highway is False
    refuse_another_config(folder, grown(False))
    with pytest.raises(ValueError, match=r"a run with model\.highway=None, not True: choose another --workdir"):
        refuse_another_config(folder, grown(True))


def test_a_field_is_added_only_where_it_belongs(grown):
    assert "highway" not in config_from_json(config_as_json(get_config("transformer"))).model


def test_a_removed_field_stays_in_the_identity(monkeypatch, tmp_path):
    old = get_config("luong")
    values = config_as_json(old)
    with old.unlocked():
        del old.model.cell
    assert identity(config_as_json(old)) != identity(values)
    monkeypatch.setitem(module.REMOVED, "model.cell", Field("lstm", beside="model.reader"))
    assert identity(config_as_json(old)) == identity(values)
    assert config_digest(old, without=()) == config_digest(get_config("luong"), without=())
    assert "cell" not in config_from_json(values).model
    values["model"]["cell"] = "gru"
    with pytest.raises(ValueError, match=r"model\.cell='gru' was removed from Lookback, which computes only 'lstm'"):
        config_from_json(values)


def test_a_renamed_field_keeps_its_old_name_in_the_identity(monkeypatch):
    values = config_as_json(get_config("luong"))
    monkeypatch.setitem(module.RENAMED, "model.unit", "model.cell")
    today = config_from_json(values)
    assert today.model.unit == "lstm"
    assert "cell" not in today.model
    assert identity(config_as_json(today)) == identity(values)


def test_two_configs_differ_where_their_numbers_do():
    one, other = (config_as_json(get_config("luong")) for _ in range(2))
    other["seed"], other["training"]["strategy"], other["model"]["width"] = 7, "shard_map", 11
    assert differing_fields(one, other) == {"model.width": (one["model"]["width"], 11), "seed": (0, 7)}
    assert list(differing_fields(one, other, besides=["seed"])) == ["model.width"]

"""The audit of devices: what agrees, what does not, and what a process sees."""

import json

import pytest

from research.training import audit_devices as audits
from tests.training.test_trainer import tiny


@pytest.fixture
def losses(monkeypatch):
    """Replace the processes: each layout logs losses that the test gives, and trains on the devices that it should."""
    given, seen = {}, []

    def go_on(self, moment, *, must_end):
        seen.append((self.config, self.environment))
        strategy, count, *mesh = self.folder.path.name.split(".")
        self.folder.write_json("provenance.json", {"devices": f"{count} × cpu"})
        lines = [
            {"step": step, "train/nll": loss}
            for step, loss in enumerate(given.get((strategy, count, *mesh), [2.0, 1.0]))
        ]
        self.folder.write_text("metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    monkeypatch.setattr(audits.Trained, "go_on", go_on)
    return given, seen


def test_each_layout_is_compared_with_pmap_on_one_device(losses, tmp_path):
    given, seen = losses
    given["shard_map", "3"] = [2.0 + 9e-6, 1.0]
    given["pmap", "3"] = [2.0, 1.0 - 2e-5]
    given["mesh", "3", "3x1"] = [2.0, 1.0 + 3e-5]
    found = audits.audit_devices(tiny(), tmp_path, devices=3, command="again")
    assert [(each.strategy, each.devices, each.fsdp, each.tensor, each.agrees) for each in found] == [
        ("shard_map", 1, 1, 1, True),
        ("mesh", 1, 1, 1, True),
        ("pmap", 3, 1, 1, False),
        ("shard_map", 3, 1, 1, True),
        ("mesh", 3, 1, 1, True),
        ("mesh", 3, 3, 1, False),
        ("mesh", 3, 1, 3, True),
    ]
    assert [each.difference for each in found] == pytest.approx([0, 0, 2e-5, 9e-6, 0, 3e-5, 0])
    assert json.loads((tmp_path / "audit.json").read_text())["passed"] is False
    assert [(config.training.fsdp, config.training.tensor) for config, _ in seen[-3:]] == [(1, 1), (3, 1), (1, 3)]
    for config, _ in seen:
        assert (config.model.dropout, config.training.log_every_steps, config.training.steps) == (0, 1, 8)
    with pytest.raises(ValueError, match="is not empty: choose another --out"):
        audits.audit_devices(tiny(), tmp_path, devices=3, command="again")


def test_a_machine_with_fewer_devices_is_told(losses, tmp_path, monkeypatch):
    monkeypatch.setattr(audits, "environment", lambda count: {})
    found = {"devices": "1 × NVIDIA H200"}
    monkeypatch.setattr("research.results.run_folder.RunFolder.provenance", lambda self: found)
    with pytest.raises(ValueError, match="--devices=4: this machine trains on 1 × NVIDIA H200"):
        audits.audit_devices(tiny(), tmp_path, devices=4, command="again")


def test_a_process_sees_the_first_devices(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"--xla_a=1 {audits.COUNT_OF_CPUS}=8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7,6")
    monkeypatch.delenv("ROCR_VISIBLE_DEVICES", raising=False)
    assert audits.environment(2) == {
        "XLA_FLAGS": f"--xla_a=1 {audits.COUNT_OF_CPUS}=2",
        "CUDA_VISIBLE_DEVICES": "5,7",
        "ROCR_VISIBLE_DEVICES": "0,1",
    }


def test_with_devices_that_four_divides_one_mesh_has_every_axis():
    found = [each for each in audits.layouts(8) if each.strategy == "mesh" and each.devices == 8]
    meshes = [(each.fsdp, each.tensor) for each in found if each.processes == 1]
    assert meshes == [(1, 1), (8, 1), (2, 2)]


def test_cpus_are_shared_by_two_and_four_processes_where_they_can_be(monkeypatch):
    several = [(each.strategy, each.fsdp, each.processes) for each in audits.layouts(4) if each.processes > 1]
    assert several == [
        ("pmap", 1, 2), ("shard_map", 1, 2), ("mesh", 4, 2), ("pmap", 1, 4), ("shard_map", 1, 4), ("mesh", 4, 4),
    ]  # fmt: skip
    monkeypatch.setattr("research.parallel.host.computes_on_cpu", lambda: False)
    assert all(each.processes == 1 for each in audits.layouts(4))


@pytest.mark.slow
def test_a_real_training_agrees(tmp_path):
    config = tiny(**{"training.steps": 3, "training.validate_every_steps": 3})
    found = audits.audit_devices(config, tmp_path / "out", devices=2, command="again")
    layouts = [(each.strategy, each.devices, each.fsdp, each.tensor) for each in found]
    assert layouts[:4] == [("shard_map", 1, 1, 1), ("mesh", 1, 1, 1), ("pmap", 2, 1, 1), ("shard_map", 2, 1, 1)]
    assert layouts[4:7] == [("mesh", 2, 1, 1), ("mesh", 2, 2, 1), ("mesh", 2, 1, 2)]
    assert [(each.strategy, each.processes) for each in found[7:]] == [("pmap", 2), ("shard_map", 2), ("mesh", 2)]
    assert all(each.agrees for each in found)
    assert max(each.difference for each in found) > 0

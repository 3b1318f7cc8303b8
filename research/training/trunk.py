"""Begin a run with the trunk of a shorter one: what a run has trained until its rate falls serves longer runs too."""

import shutil
from pathlib import Path

from ml_collections import ConfigDict

from research.results.checkpoints import copy_whole
from research.results.identity import config_as_json, differing_fields
from research.results.run_folder import RunFolder
from research.training.folder_setup import may_end_elsewhere
from research.training.optimiser import decay_steps


def trunk_step(training: ConfigDict) -> int:
    """Return the last step before the rate falls; ValueError for a schedule whose every rate depends on its end."""
    step = int(training.steps) - decay_steps(training.steps, training.decay_share)
    if training.schedule != "wsd" or step < 1:
        raise ValueError(
            "training.keep_trunk keeps what comes before the rate falls, and only training.schedule='wsd' with a "
            f"decay_share below 1 has such a part, not {training.schedule!r} with {training.decay_share}"
        )
    return step


def begin_with_trunk(folder: RunFolder, config: ConfigDict, shorter: Path | str, *, command: str) -> None:
    """Copy the trunk of a shorter run into a folder that has no checkpoint yet; training then goes on from there.

    Args:
        folder: of the run that begins.
        config: of that run: that of the shorter run but for training.steps, and model.scan_layers if need be.
        shorter: the folder of a run that was trained with training.keep_trunk.
        command: how the run that begins is made again, for provenance.json.

    Raises:
        FileNotFoundError: there is no such run.
        ValueError: it kept no trunk, is not the beginning of this run, or is not shorter.
    """
    if any(folder.checkpoints.glob("[0-9]*")):
        return
    run = RunFolder.existing(shorter)
    kept = run.trunk_checkpoints()
    if not kept:
        raise ValueError(
            f"{shorter} has kept no trunk: train it with --config.training.keep_trunk=True, as far as its rate falls"
        )
    held, asked = run.read_json("config.json"), config_as_json(config)
    for name, (its, ours) in differing_fields(held, asked, besides=("training.steps", "model.scan_layers")).items():
        raise ValueError(
            f"{shorter} is a run with {name}={its!r}, not {ours!r}: runs that share a trunk differ in training.steps "
            "alone"
        )
    if not may_end_elsewhere(config.training, held["training"]["steps"], int(kept[-1].name)):
        raise ValueError(
            f"the trunk of {shorter} has {kept[-1].name} steps, and the rate of a run of {config.training.steps} falls "
            "before: give more training.steps, or leave out --trunk"
        )
    run.refuse_changed_files()
    for name in ("vocabulary", "splits", "tensorboard"):
        if (run.path / name).is_dir():
            shutil.copytree(run.path / name, folder.path / name, dirs_exist_ok=True)
    facts = {name: fact for name, fact in run.provenance().items() if name not in ("went_on", "trunk_seconds")}
    trunk = {"name": run.path.name, "step": int(kept[-1].name), "seconds": run.provenance().get("trunk_seconds", 0.0)}
    folder.write_json("provenance.json", {**facts, "name": folder.path.name, "command": command, "trunk": trunk})
    folder.write_bytes("metrics.jsonl", run.metrics_file.read_bytes())
    folder.write_json("config.json", asked)
    for checkpoint in kept:  # the trunk's end last: without it, training begins before it
        copy_whole(checkpoint, folder.checkpoints / checkpoint.name)

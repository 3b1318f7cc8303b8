"""Run folders loaded for use: the model, its weights and its vocabularies; several models make an ensemble."""

from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict
from rich.console import Console

from research.data.pairs import Split
from research.data.splits import read_split
from research.data.vocabulary import Vocabularies
from research.models import build
from research.models.ensemble import ensemble
from research.models.translator import Translator
from research.parallel import host, processes
from research.parallel.devices import Devices
from research.results.checkpoints import Checkpoints
from research.results.config_schema import OF_EVERY_MODEL, Data, Evaluation, Training
from research.results.evaluation_weights import evaluated_weights, evaluation_params
from research.results.run_folder import RunFolder

PENALTIES = ("length_penalty", "length_normalisation", "coverage_penalty")
"""Fields of config.evaluation and of `Beam`."""


class LoadedRun(NamedTuple):
    """A trained model with everything that evaluation and translation need."""

    folder: RunFolder
    config: ConfigDict
    translator: Translator
    params: Any
    vocabularies: Vocabularies
    devices: Devices
    step: int
    """The training step of the weights; of an ensemble, that of its last member."""

    def split(self, name: str) -> Split:
        """Read a split of the run folder.

        Raises:
            ValueError: there is no such split; the message lists those there are.
        """
        if not self.folder.split_file(name).is_file():
            held = ", ".join(self.folder.splits()) or "none"
            raise ValueError(f"{self.folder.path} has no split {name!r}; it has: {held}")
        return read_split(self.folder.split_file(name))

    @property
    def search_options(self) -> dict[str, Any]:
        """Arguments of `translate_n_best` besides the beam."""
        return {**self.penalties, **self.batching}

    @property
    def penalties(self) -> dict[str, Any]:
        """Arguments of `Beam` that rank hypotheses."""
        return {name: self.config.evaluation[name] for name in PENALTIES}

    @property
    def batching(self) -> dict[str, Any]:
        """Arguments of `translate_by` besides the search."""
        fields = {"extra_tokens": self.config.evaluation.extra_tokens, "max_tokens": self.config.data.max_tokens}
        return {**self.batches, **fields}

    @property
    def batches(self) -> dict[str, Any]:
        """Arguments of `force` and `attention_weights` that set devices and batch size."""
        return {"devices": self.devices, "batch_sentences": self.config.evaluation.batch_sentences}


def load(*workdirs: Path | str, last: int = 0) -> LoadedRun:
    """Load a run from its folder alone. Several runs make an `Ensemble`, with the config of the first one.

    Args:
        workdirs: run folders.
        last: load this many last checkpoints of each folder, each as a member of the ensemble; 0 loads the weights that
            its evaluation.checkpoint names.

    Raises:
        FileNotFoundError: a folder is not a run folder, or its run has no checkpoint yet.
        ValueError: the runs do not share a vocabulary, or one was made by another version of Lookback.
    """
    host.prepare()
    host.cores_as_devices()
    processes.meet()
    members = [member for workdir in workdirs for member in _members(RunFolder.existing(workdir), last)]
    first = members[0]
    for other in members:
        _refuse_other_vocabulary(first, other)
    translator, params = ensemble([(member.translator, member.params) for member in members])
    return first._replace(translator=translator, params=params, step=members[-1].step)


def _members(folder: RunFolder, last: int) -> list[LoadedRun]:
    config = folder.config()
    _refuse_other_version(folder, config)
    folder.refuse_changed_files()
    vocabularies = Vocabularies.load(folder.vocabulary)
    sizes = {"source_vocabulary": len(vocabularies.source), "target_vocabulary": len(vocabularies.target)}
    model = config.model.copy_and_resolve_references()
    if "scan_layers" in model:
        model.scan_layers = False  # checkpoints hold each layer by itself
    translator, devices = build(model, **sizes), Devices(config.training.strategy)
    weights = _last_weights(folder, last) if last else [_evaluated_weights(folder, config)]
    return [LoadedRun(folder, config, translator, params, vocabularies, devices, step) for params, step in weights]


def _refuse_other_version(folder: RunFolder, config: ConfigDict) -> None:
    """Raise a ValueError for a run whose config lacks a field that all of today's configs have."""
    needed = {"model": OF_EVERY_MODEL} | {
        name: tuple(fields.__annotations__)
        for name, fields in {"data": Data, "training": Training, "evaluation": Evaluation}.items()
    }
    missing = [
        f"{section}.{name}" for section, names in needed.items() for name in names if name not in config[section]
    ]
    if missing:
        raise ValueError(f"{folder.path} was made by another version of Lookback, without {missing[0]}: train it again")


def _evaluated_weights(folder: RunFolder, config: ConfigDict) -> tuple[Any, int]:
    wanted = config.training.average_last
    params, steps = evaluation_params(folder.checkpoints, which=config.evaluation.checkpoint, average_last=wanted)
    if len(steps) < wanted:
        Console(stderr=True).print(
            f"note: training.average_last={wanted}, but {folder.path} has checkpoints of steps "
            f"{', '.join(map(str, steps))} only: their mean is used",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )
    return params, steps[-1]


def _last_weights(folder: RunFolder, last: int) -> list[tuple[Any, int]]:
    if not folder.checkpoints.is_dir():
        raise FileNotFoundError(f"no checkpoints at {folder.checkpoints}; train the run with `python run.py train`")
    checkpoints = Checkpoints(folder.checkpoints, keep_last=last)
    try:
        steps = checkpoints.steps()[-last:]
        if len(steps) < last:
            raise ValueError(
                f"{folder.path} keeps {len(steps)} checkpoints ({', '.join(map(str, steps))}), not {last}: ask for "
                f"fewer, or train it with --config.training.keep_last={last}"
            )
        return [(evaluated_weights(checkpoints.restore(step)[0]), step) for step in steps]
    finally:
        checkpoints.close()


def _refuse_other_vocabulary(first: LoadedRun, other: LoadedRun) -> None:
    for side, ours, theirs in zip(("source", "target"), first.vocabularies, other.vocabularies, strict=True):
        if ours.model != theirs.model:
            raise ValueError(
                f"{first.folder.path} and {other.folder.path} do not share their {side} vocabulary, so they cannot be "
                "an ensemble: train both from the same data and data.vocabulary"
            )
    if first.config.data.lowercase != other.config.data.lowercase:
        raise ValueError(
            f"{first.folder.path} and {other.folder.path} cannot be an ensemble: data.lowercase is true for only one "
            "of them"
        )

"""A run folder opened for use: its model, its weights, its vocabularies."""

from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from research.data.pairs import Split
from research.data.splits import read_split
from research.data.vocabulary import Vocabularies
from research.models import build
from research.models.translator import Translator
from research.run_folder import RunFolder
from research.training import host
from research.training.checkpoint import evaluation_params
from research.training.devices import Devices


class Trained(NamedTuple):
    """What evaluating and translating start from; `step` is the one that the weights are of."""

    folder: RunFolder
    config: ConfigDict
    translator: Translator
    params: Any
    vocabularies: Vocabularies
    devices: Devices
    step: int

    def split(self, name: str) -> Split:
        """The pairs of a split that the folder holds, or a ValueError that lists what there is."""
        if not self.folder.split_file(name).is_file():
            held = ", ".join(self.folder.splits()) or "none"
            raise ValueError(f"{self.folder.path} has no split {name!r}; it has: {held}")
        return read_split(self.folder.split_file(name))

    @property
    def search_options(self) -> dict[str, Any]:
        """What `translate_n_best` is given besides the beam."""
        fields = self.config.evaluation
        options = {name: fields[name] for name in ("length_penalty", "extra_tokens", "batch_sentences")}
        return {**options, "max_tokens": self.config.data.max_tokens, "devices": self.devices}


def load(workdir: Path | str) -> Trained:
    """The run at `workdir`, from that folder alone; FileNotFoundError when it is none or was not trained yet."""
    host.prepare()
    host.cores_as_devices()
    folder = RunFolder.existing(workdir)
    config = folder.config()
    vocabularies = Vocabularies.load(folder.vocabulary)
    sizes = {"source_vocabulary": len(vocabularies.source), "target_vocabulary": len(vocabularies.target)}
    params, step = evaluation_params(
        folder.checkpoints, which=config.evaluation.checkpoint, average_last=config.training.average_last
    )
    devices = Devices(config.training.strategy)
    return Trained(folder, config, build(config.model, **sizes), params, vocabularies, devices, step)

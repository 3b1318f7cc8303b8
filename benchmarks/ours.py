"""Our side: the compiled step that `run.py train` runs, and the search that `run.py translate` runs."""

from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from benchmarks.workload import Workload
from research.data.vocabulary import EOS
from research.decoding.search import Beam, Greedy, program
from research.parallel import host
from research.parallel.devices import Devices
from research.training.translator_training import make_training


class Ours:
    """Our translator of `config`, with the passes over a workload that are timed."""

    def __init__(self, config: ConfigDict, workload: Workload):
        host.keep_freed_memory()  # as `train` does
        host.cores_as_devices()  # as `translate` does
        size = workload.vocabulary
        self.config, self.workload = config, workload
        self.training = make_training(config, source_vocabulary=size, target_vocabulary=size)
        self.devices = Devices(config.training.strategy)
        self.training_devices = Devices(config.training.strategy, host.training_devices())
        state = self.training.initial(config.seed)
        self.params = endless(state.params)
        self.state = self.training_devices.place(state)
        self.step = self.training_devices.spread(self.training.step)

    @property
    def parameters(self) -> int:
        return sum(array.size for array in jax.tree.leaves(self.params))

    def warm_up_training(self) -> None:
        """Compile every shape, and run each once more."""
        for batch in first_of_each_shape(self.workload.training, "source_BS", "target_in_BT"):
            for _ in range(2):
                self.state, metrics = self.step(self.state, batch, self.config.seed)
            float(metrics["loss"])

    def train(self) -> float:
        """Run one pass and return the last loss, which exists once all steps are done."""
        for batch in self.workload.training:
            self.state, metrics = self.step(self.state, batch, self.config.seed)
        return float(metrics["loss"])

    def warm_up_decoding(self, beam: int) -> None:
        """Compile every shape."""
        for batch in first_of_each_shape(self.workload.decoding, "source_BS"):
            self._search(beam)(self.params, _searched(batch))

    def decode(self, beam: int) -> int:
        """Run one pass and return how many tokens came out, `eos` included."""
        search = self._search(beam)
        found = [search(self.params, _searched(batch)) for batch in self.workload.decoding]
        return sum(int((translations.tokens_BNT[:, 0] != 0).sum()) for translations in found)

    def notes(self) -> dict[str, Any]:
        return {"devices": self.training_devices.count, "decoding_devices": self.devices.count}

    def _search(self, beam: int) -> Any:
        settings = self.config.evaluation
        penalties = (settings.length_penalty, settings.length_normalisation, settings.coverage_penalty)
        search = Beam(beam, 1, *penalties) if beam > 1 else Greedy()
        return program(self.training.translator, self.devices, search, settings.extra_tokens)


def endless(params: Any) -> Any:
    """Return the initial weights, with the logit of `eos` at 0 so that no sentence ends before its limit."""
    table_VD = params["embeddings"]["target"]
    return params | {"embeddings": params["embeddings"] | {"target": table_VD.at[EOS].set(0.0)}}


def _searched(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"source_BS": batch["source_BS"], "limits_B": batch["length_B"]}


def first_of_each_shape(batches: list[dict[str, np.ndarray]], *names: str) -> list[dict[str, np.ndarray]]:
    """Return one batch of every shape."""
    found = {tuple(batch[name].shape for name in names): batch for batch in reversed(batches)}
    return list(found.values())

"""The peer's side: plain PyTorch on the same batches."""

import time
from typing import Any

import torch
from ml_collections import ConfigDict
from torch import nn

from benchmarks import peers
from benchmarks.peers.decoding import EOS, beam_search, greedy
from benchmarks.peers.recurrent import ENCODERS
from benchmarks.peers.training import Batch, make_step, trimmed
from benchmarks.workload import Workload


class Theirs:
    """A translator of `config` in PyTorch, with the passes over a workload that are timed."""

    def __init__(self, config: ConfigDict, workload: Workload):
        self.config, self.workload = config, workload
        self.training = [trimmed(_tensors(batch)) for batch in workload.training]
        self.encoder_runs = "packed"
        self._use(self.encoder_runs)

    @property
    def parameters(self) -> int:
        return sum(weight.numel() for weight in self.model.parameters())

    def warm_up_training(self) -> None:
        """Run two batches, the longest among them, and keep the faster way to run a recurrent encoder."""
        batches = [self.training[0], max(self.training, key=lambda batch: batch["source_BS"].shape[1])]
        runs = list(ENCODERS) if self.config.model.decoder == "recurrent" else [self.encoder_runs]
        seconds = {}
        for encoder_runs in runs:
            self._use(encoder_runs)
            for _ in range(2):  # the first time allocates
                begin = time.perf_counter()
                for batch in batches:
                    float(self.step(batch))
                seconds[encoder_runs] = time.perf_counter() - begin
        self.encoder_runs = min(seconds, key=lambda name: seconds[name])
        self._use(self.encoder_runs)
        float(self.step(batches[0]))

    def train(self) -> float:
        """Run one pass and return the last loss."""
        self.model.train()
        for batch in self.training:
            loss = self.step(batch)
        return float(loss)

    def warm_up_decoding(self, beam: int) -> None:
        """Go back to the initial weights, with the logit of `eos` at 0 as on our side; translate the longest batch."""
        self._use(self.encoder_runs)
        with torch.no_grad():
            self.model.output.weight[EOS] = 0.0
        self._decode(self.workload.decoding[:1], beam)

    def decode(self, beam: int) -> int:
        """Run one pass and return how many tokens came out."""
        return self._decode(self.workload.decoding, beam)

    def notes(self) -> dict[str, Any]:
        return {"encoder": self.encoder_runs} if self.config.model.decoder == "recurrent" else {}

    def _use(self, encoder_runs: str) -> None:
        self.model: nn.Module = peers.build(self.config.model, self.workload.vocabulary, encoder_runs)
        fields = ("learning_rate", "beta1", "beta2", "epsilon", "label_smoothing", "clip_norm")
        self.step = make_step(self.model, **{field: self.config.training[field] for field in fields})

    def _decode(self, batches: list[Batch], beam: int) -> int:
        self.model.eval()
        tokens = 0
        for batch in map(_tensors, batches):
            limits = batch.pop("length_B")
            rows = (batch["source_BS"] != 0).any(1)
            source, limits = trimmed(batch)["source_BS"], limits[rows]
            if beam == 1:
                found = greedy(self.model, source, limits)
            else:
                found = beam_search(self.model, source, limits, beam, self.config.evaluation.length_penalty)
            tokens += int((found != 0).sum())
        return tokens


def _tensors(batch: dict[str, Any]) -> Batch:
    return {name: torch.from_numpy(ids).long() for name, ids in batch.items()}

"""The batches that both sides are measured on: one file, written once and read by every process."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Workload:
    """Batches to train on, and sentences to translate with the lengths at which their translations end."""

    vocabulary: int
    training: list[dict[str, np.ndarray]]
    decoding: list[dict[str, np.ndarray]]  # source_BS, and length_B: at which translations end
    origin: str

    @property
    def target_tokens(self) -> int:
        """Target tokens of one pass over the training batches, `eos` included, without padding."""
        return sum(int((batch["target_out_BT"] != 0).sum()) for batch in self.training)

    @property
    def source_tokens(self) -> int:
        return sum(int((batch["source_BS"] != 0).sum()) for batch in self.training)

    @property
    def training_pairs(self) -> int:
        return sum(int((batch["source_BS"] != 0).any(1).sum()) for batch in self.training)

    @property
    def sentences(self) -> int:
        return sum(int((batch["source_BS"] != 0).any(1).sum()) for batch in self.decoding)

    @property
    def translated_tokens(self) -> int:
        """Tokens of one pass over the sentences to translate, each as long as it may be."""
        return sum(int(batch["length_B"].sum()) for batch in self.decoding)

    @property
    def fill(self) -> float:
        """The share of target positions that hold a token."""
        return self.target_tokens / sum(batch["target_out_BT"].size for batch in self.training)

    def save(self, path: Path) -> None:
        arrays = {"vocabulary": np.array(self.vocabulary), "origin": np.array(self.origin)}
        for kind, batches in (("training", self.training), ("decoding", self.decoding)):
            arrays |= {f"{kind}/{i}/{name}": a for i, batch in enumerate(batches) for name, a in batch.items()}
        np.savez(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> "Workload":
        kinds: dict[str, dict[int, dict[str, np.ndarray]]] = {"training": {}, "decoding": {}}
        with np.load(path) as arrays:
            for key in arrays.files:
                if "/" in key:
                    kind, i, name = key.split("/")
                    kinds[kind].setdefault(int(i), {})[name] = arrays[key]
            vocabulary, origin = int(arrays["vocabulary"]), str(arrays["origin"])
        training, decoding = ([batches[i] for i in sorted(batches)] for batches in kinds.values())
        return cls(vocabulary, training, decoding, origin)

"""The run folder: everything that evaluation, translation, comparison and reports read of a run.

config.json  provenance.json  vocabulary/  splits/  checkpoints/  trunk/  metrics.jsonl  tensorboard/  result.json
translations/  counts/
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from research.files import append, are_written_here, json_bytes, json_line, locked, write_whole
from research.results.identity import config_from_json
from research.results.schemas import (
    AGAIN,
    SCHEMAS,
    Costs,
    WholeConfig,
    checked_record,
    refuse_another_shape,
    with_declared_numbers,
)


class RunFolder:
    """The files of one run. Each is written whole or not at all."""

    def __init__(self, path: Path | str):
        self.path = Path(path).absolute()

    @classmethod
    def existing(cls, path: Path | str) -> "RunFolder":
        """Return the run at `path`; FileNotFoundError if there is none."""
        folder = cls(path)
        if not folder.config_file.is_file():
            raise FileNotFoundError(
                f"{path} is not a run folder: it has no config.json; make one with `python run.py train`"
            )
        return folder

    @property
    def config_file(self) -> Path:
        return self.path / "config.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def trunk(self) -> Path:
        """The folder of the checkpoint at which the rate began to fall, if the run has kept it."""
        return self.path / "trunk"

    def trunk_checkpoints(self) -> list[Path]:
        """Return the checkpoints that a longer run begins with, the end of the trunk last; none where it kept none."""
        return sorted(
            (checkpoint for checkpoint in self.trunk.glob("[0-9]*") if checkpoint.name.isdecimal()),
            key=lambda checkpoint: int(checkpoint.name),
        )

    @property
    def vocabulary(self) -> Path:
        return self.path / "vocabulary"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    def split_file(self, name: str) -> Path:
        """Return the file of a validation or test split, copied here so that evaluation needs nothing else."""
        return self.path / "splits" / f"{name}.jsonl.gz"

    def counts_file(self, split: str) -> Path:
        """The counts of each sentence of a split; `research.results.counts` reads and writes them."""
        return self.path / "counts" / f"{split}.npz"

    def splits(self) -> list[str]:
        """Return the names of the splits that can be evaluated: tests, those that were added, and validation."""
        return self._in_order(file.name.removesuffix(".jsonl.gz") for file in (self.path / "splits").glob("*.jsonl.gz"))

    def added(self) -> dict[str, dict[str, str]]:
        """Return the test sets that were given after training: by name, the facts of `AddedSplit`."""
        return self.provenance().get("added", {})

    def _in_order(self, splits: Iterable[str]) -> list[str]:
        added = self.added()
        return sorted(splits, key=lambda name: (name == "validation", name in added, name))

    def config(self) -> ConfigDict:
        """Return the locked config of the run, with tuples for lists."""
        values = self.read_json("config.json")
        refuse_another_shape(values, WholeConfig, str(self.config_file))
        return config_from_json(values)

    def read_json(self, name: str) -> Any:
        """Return the content of a JSON file; ValueError with its name and the field if it is damaged."""
        file = self.path / name
        try:
            value = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            raise FileNotFoundError(f"{file} is missing; is {self.path} a finished run folder?") from None
        except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or brackets in brackets
            raise ValueError(f"{file} is damaged ({error}); {AGAIN}") from None
        if name in SCHEMAS:
            value = with_declared_numbers(value, SCHEMAS[name])
            refuse_another_shape(value, SCHEMAS[name], str(file))
        return value

    def write_json(self, name: str, value: Any) -> None:
        """Replace a JSON file of the folder, whole or not at all."""
        self.write_bytes(name, json_bytes(value))

    def write_text(self, name: str, text: str) -> None:
        """Replace a text file of the folder, whole or not at all."""
        self.write_bytes(name, text.encode("utf-8"))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Replace a file of the folder, whole or not at all."""
        write_whole(self.path / name, content)

    def result(self) -> dict[str, Any]:
        """Return result.json, or {} before the first evaluation."""
        return self.read_json("result.json") if (self.path / "result.json").exists() else {}

    def is_evaluated(self, split: str, search: str, gold: str | None = None) -> bool:
        """Return whether an ablation has nothing left to do here: the run was evaluated on the split, or timed.

        Args:
            split, search: what is judged.
            gold: the SHA-256 of the file that its attention has to be compared with; "": the corpus's own alignments,
                if it has any; None: whatever it was.
        """
        result = self.result()
        measured = result.get("splits", {}).get(split, {})
        aligned = measured.get("alignment")
        as_asked = gold is None or not aligned or aligned.get("gold_sha256", aligned.get("gold", "")) == gold
        return "timing" in result or (search in measured.get("searches", {}) and as_asked)

    @contextmanager
    def alone(self, *, wait: bool = False) -> Iterator[None]:
        """Lock the folder, so that no other process trains into it. A folder that is still empty at the end is deleted.

        Args:
            wait: wait for a process that does; else it is an OSError.
        """
        if not are_written_here():
            yield
            return
        while True:
            self.path.mkdir(parents=True, exist_ok=True)
            before = self.path.stat()
            with locked(self.path, f"another process is training into {self.path}", wait=wait):
                if not (self.path.exists() and os.path.samestat(before, self.path.stat())):
                    continue  # the process that was waited for has deleted it
                try:
                    yield
                    return
                finally:
                    with suppress(OSError):  # it is not empty
                        self.path.rmdir()

    def provenance(self) -> dict[str, Any]:
        """Return provenance.json, or {} before training has begun."""
        return self.read_json("provenance.json") if (self.path / "provenance.json").exists() else {}

    def update_provenance(self, facts: dict[str, Any]) -> None:
        """Add `facts` to provenance.json, which starts with 0 steps and 0 seconds."""
        self.write_json("provenance.json", {"steps": 0, "seconds": 0.0, **self.provenance(), **facts})

    def write_result(self, split: str, measured: dict[str, Any]) -> None:
        """Add the measurements of a split to result.json, beside those of other splits and the cost of the run.

        Earlier searches and interventions of this split stay if they used the same checkpoint. Samples and attention
        maps are those of the search with the widest beam.

        Args:
            split: the name of the split.
            measured: its measurements, with "searches", and with "step" for the checkpoint that was used.
        """
        provenance = self.read_json("provenance.json")
        refuse_another_shape(provenance, Costs, str(self.path / "provenance.json"))
        splits = self.result().get("splits", {})
        before = splits.get(split, {})
        kept = before["searches"] if before and before.get("step") == measured.get("step") else {}
        if max(beams(kept), default=0) > max(beams(measured["searches"])):
            measured = {**measured, "samples": before["samples"], "attention": before["attention"]}
        if before.get("step") == measured.get("step") and "interventions" in before:
            measured = {"interventions": before["interventions"], **measured}
        searches = {**kept, **measured["searches"]}
        costs = {name: provenance[name] for name in Costs.__annotations__}
        splits = {**splits, split: {**measured, "searches": searches}}
        ordered = {name: splits[name] for name in self._in_order(splits)}  # not in the order of measuring
        self.write_json("result.json", {**costs, "config": self.read_json("config.json"), "splits": ordered})

    def record_files(self) -> None:
        """Write the SHA-256 of what a run's numbers depend on into provenance.json: of its vocabularies and splits."""
        self.update_provenance({"files": self._file_digests()})

    def refuse_changed_files(self) -> None:
        """Raise ValueError when a vocabulary or a split is not what the training wrote."""
        found = self._file_digests()
        for name, digest in self.provenance().get("files", {}).items():
            if found.get(name) != digest:
                what = "is not what was written" if name in found else "is missing"
                raise ValueError(f"{self.path / name} {what}; {AGAIN}")

    def _file_digests(self) -> dict[str, str]:
        folders = (self.vocabulary, self.path / "splits")
        found = sorted(file for folder in folders if folder.is_dir() for file in folder.iterdir())
        files = [file for file in found if file.is_file() and not file.name.startswith(".")]  # a kill may leave others
        return {str(file.relative_to(self.path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    def own_seconds(self) -> float:
        """Return the seconds of its training without those of a trunk, which the run that it is from has as well."""
        facts = self.provenance()
        return float(facts.get("seconds", 0.0) - facts.get("trunk", {}).get("seconds", 0.0))

    def metrics(self) -> list[dict[str, float]]:
        """Return the records of metrics.jsonl, without a last line that a crash cut short."""
        if not self.metrics_file.exists():
            return []
        records = []
        for number, line in enumerate(self.metrics_file.read_bytes().split(b"\n")[:-1], start=1):
            try:
                record = json.loads(line)
            except ValueError as error:  # not JSON, or not UTF-8
                raise ValueError(
                    f"{self.metrics_file}, line {number}, is damaged ({error}); remove that line"
                ) from None
            records.append(checked_record(record, self.metrics_file, number))
        return records

    def validations(self, measure: str) -> dict[int, float]:
        """Return a measure at each validation that has it, by the step."""
        name = f"validation/{measure}"
        return {int(record["step"]): record[name] for record in self.metrics() if record.get(name) is not None}

    def append_metrics(self, record: dict[str, float]) -> None:
        """Add a line to metrics.jsonl."""
        append(self.metrics_file, json_line(record))

    def forget_metrics_after(self, step: int) -> None:
        """Delete the lines of later steps, which a resumed run writes again."""
        kept = [record for record in self.metrics() if record["step"] <= step]
        self.write_bytes("metrics.jsonl", b"".join(map(json_line, kept)))


def beams(searches: Mapping[str, Any]) -> list[int]:
    """Return the beam widths of searches named "beam1", "beam5" and so on, narrowest first; 1 is greedy."""
    return sorted(int(name.removeprefix("beam")) for name in searches)


def search_words(search: str) -> str:
    """Return the words for a search: "greedy" for "beam1", "beam 5" for "beam5"."""
    return "greedy" if search == "beam1" else search.replace("beam", "beam ")

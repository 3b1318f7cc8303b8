"""Run folders as the report reads them: plain values out of JSON, and groups of runs that may be compared."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from research.results.run_folder import RunFolder, beams

ARCHITECTURES = ("none", "luong", "bahdanau", "transformer")  # the order in which the story is told
TITLES = {"none": "No attention", "luong": "Luong", "bahdanau": "Bahdanau", "transformer": "Transformer"}
LANGUAGES = {"en": "English", "ko": "Korean", "de": "German", "fr": "French", "vi": "Vietnamese", "cs": "Czech"}
LANGUAGES |= {"es": "Spanish", "pt": "Portuguese", "ja": "Japanese", "zh": "Chinese", "ru": "Russian", "ro": "Romanian"}


@dataclass(frozen=True)
class Run:
    """One run folder. `result` is {} when it has not been evaluated; `name` is unique in a report."""

    path: Path
    name: str
    config: dict[str, Any]
    result: dict[str, Any]
    provenance: dict[str, Any]
    metrics: tuple[dict[str, Any], ...]

    @property
    def title(self) -> str:
        """The name for people; `none` alone would read like an answer."""
        name, *where = self.name.split(" (", 1)
        return " (".join([TITLES.get(name, name), *where])

    def cost(self, name: str) -> Any:
        """`steps`, `seconds`, `parameters` or `flops_per_token`; None when training has not finished."""
        return self.result.get(name, self.provenance.get(name))

    @property
    def splits(self) -> dict[str, dict[str, Any]]:
        """The measurements, by split."""
        return self.result.get("splits") or {}

    @cached_property
    def architecture(self) -> str:
        """`none`, `luong`, `bahdanau`, `transformer`; if encoder and decoder differ, such as `transformer + luong`."""
        encoder, decoder = self._field("model.encoder"), self._field("model.decoder")
        name = self._field("model.reader") if decoder == "recurrent" else decoder
        return name if encoder == decoder else f"{encoder} + {name}"

    @cached_property
    def languages(self) -> tuple[str, str]:
        """(source, target) codes."""
        source, target = self._field("data.languages")
        return source, target

    @cached_property
    def lowercase(self) -> bool:
        """True if text was lower-cased; scores of such runs compare with each other only."""
        return bool(self._field("data.lowercase"))

    @cached_property
    def shape(self) -> str:
        """The model in a few words, such as `bi LSTM, 1 + 1 layers of 256, general score`."""
        sides = self._field("model.encoder"), self._field("model.decoder")
        layers = f"{self._field('model.encoder_layers')} + {self._field('model.decoder_layers')} layers"
        words = [f"{layers} of {self._field('model.width')}"]
        if "recurrent" in sides:
            cell = self._field("model.cell").upper()
            words.insert(0, f"{self._field('model.direction')} {cell}" if sides[0] == "recurrent" else cell)
        if "transformer" in sides:
            words.append(f"{self._field('model.heads')} heads")
        if sides[1] == "recurrent":
            reads = self._field("model.reader") != "none"
            words += [f"{self._field('model.score')} score"] if reads else []
            words += ["input feeding"] if self._field("model.input_feeding") else []
            words += [] if self._field("model.coverage") == "none" else [f"{self._field('model.coverage')} coverage"]
        for field, usual in (("window", "global"), ("normaliser", "softmax")):
            name = self._field(f"model.{field}")
            words += [] if name == usual else [name.replace("_", "-" if field == "window" else " ")]
        return ", ".join(words)

    @property
    def commands(self) -> list[str]:
        """The commands that trained and evaluated it."""
        searches = [search for split in self.splits.values() for search in (split.get("searches") or {}).values()]
        said = [self.provenance.get("command"), *(search.get("command") for search in searches)]
        return list(dict.fromkeys(command for command in said if command))

    @property
    def evaluate_command(self) -> str:
        """The command to type when there is no result yet."""
        split = next(iter(RunFolder(self.path).splits()), "test")
        return f"python run.py evaluate --workdir={self.path} --split={split}"

    def curve(self, measure: str, over: str) -> list[tuple[float, float]]:
        """Return (steps or seconds, value) of a validation measure. A step logged again after a resume counts once."""
        points: dict[int, tuple[float, float]] = {}
        seconds = 0.0
        for row in self.metrics:
            seconds = row.get("seconds", seconds)
            value = row.get(f"validation/{measure}")
            if value is not None and math.isfinite(value):
                points[row["step"]] = (row["step"] if over == "steps" else seconds, value)
        return [points[step] for step in sorted(points)]

    def _field(self, name: str) -> Any:
        value: Any = self.config
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                raise ValueError(f"{self.path / 'config.json'} has no field {name}; was it written by run.py train?")
            value = value[part]
        return value


@dataclass(frozen=True)
class RunGroup:
    """A group of runs that were measured on the same sentences, and the widest search that all of them have."""

    split: str
    languages: tuple[str, str]
    lowercase: bool
    title: str
    runs: tuple[Run, ...]
    search: str

    def measured(self, run: Run) -> dict[str, Any]:
        """Return the measurements of `run` on this split."""
        return run.splits[self.split]

    def bins(self, run: Run) -> list[dict[str, Any]]:
        """Return BLEU by source length, each bin with its `words`, `sentences` and `bleu`."""
        return self.measured(run).get("searches", {}).get(self.search, {}).get("bleu_by_length") or []

    def bleu(self, run: Run) -> float | None:
        """Return corpus BLEU; None if it was not measured."""
        search = (self.measured(run).get("searches") or {}).get(self.search) or {}
        return (search.get("bleu") or {}).get("score")


def read_runs(paths: Iterable[Path | str]) -> tuple[list[Run], list[Path]]:
    """Return runs in the order of the story, and the folders and files that are not run folders.

    Raises FileNotFoundError for a path that is not there, ValueError for broken JSON or when no run is left.
    """
    runs, others = [], []
    for path in dict.fromkeys(map(Path, paths)):
        if not path.exists():
            raise FileNotFoundError(f"there is no run folder {path}; `python run.py train --workdir={path}` makes one")
        if (path / "config.json").is_file():
            runs.append(_read(path))
        else:
            others.append(path)
    if not runs:
        raise ValueError(f"no run folder to report: give folders that have a config.json{_below(others)}")
    runs.sort(key=lambda run: (*ARCHITECTURES, run.architecture).index(run.architecture))
    return _with_unique_names(runs), others


def _below(others: Sequence[Path]) -> str:
    """Return a hint if run folders are one level below those that were given."""
    found = [folder for folder in others if folder.is_dir() and any(folder.glob("*/config.json"))]
    return f", such as {found[0]}/*" if found else ""


def widths(split: dict[str, Any]) -> list[int]:
    """Return the beams that a split was searched with, narrowest first; 1 is greedy."""
    return beams(split.get("searches") or {})


def bleu_signature(split: dict[str, Any]) -> str:
    """Return sacreBLEU's signature of a split's scores; "" if it was not searched. Only equal signatures compare."""
    for search in (split.get("searches") or {}).values():
        return (search.get("bleu") or {}).get("signature") or ""
    return ""


def run_groups(runs: Sequence[Run]) -> list[RunGroup]:
    """Group runs with the same split, languages, case, sentences, length bins and BLEU; the largest group first."""
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        for split, measured in run.splits.items():
            search = f"beam{max(widths(measured), default=1)}"
            bins = measured.get("searches", {}).get(search, {}).get("bleu_by_length") or []
            lengths = tuple((each["words"], each["sentences"]) for each in bins)
            sources = tuple(sample["source"] for sample in measured.get("samples") or [])
            sentences = measured.get("digest") or (measured.get("sentences"), sources)  # of an older version: no digest
            key = (split, run.languages, run.lowercase, sentences, lengths, bleu_signature(measured))
            groups.setdefault(key, []).append(run)
    found: list[RunGroup] = []
    for (split, languages, lowercase, *_), members in groups.items():
        searched = [set(widths(run.splits[split])) for run in members]
        # Runs without a common search are not compared: a greedy score beside a beam's would mislead.
        common = max(set.intersection(*searched), default=0)
        title = f"{split}, {' → '.join(LANGUAGES.get(code, code) for code in languages)}"
        title += ", lower-cased" if lowercase else ""
        again = sum(each.title.split(" · ")[0] == title for each in found)
        title += f" · {again + 1}" if again else ""
        found.append(RunGroup(split, languages, lowercase, title, tuple(members), f"beam{common}"))
    return sorted(found, key=lambda each: -len(each.runs))


def _read(path: Path) -> Run:
    folder = RunFolder(path)
    config, result, provenance = folder.read_json("config.json"), folder.result(), folder.provenance()
    return Run(path, folder.path.name, config, result, provenance, tuple(folder.metrics()))


def _with_unique_names(runs: list[Run]) -> list[Run]:
    """Return runs with names that differ: alone, or with the folder above theirs, or the whole path beside."""
    folders = [run.path.absolute() for run in runs]
    additions = [
        [run.name for run in runs],
        [f"{run.name} ({folder.parent.name})" for run, folder in zip(runs, folders, strict=True)],
        [f"{run.name} ({run.path})" for run in runs],
    ]
    unique = []
    for index, run in enumerate(runs):
        names = (names[index] for names in additions if names.count(names[index]) == 1)
        unique.append(replace(run, name=next(names)))
    return unique

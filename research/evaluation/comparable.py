"""Read run folders that may be compared: translations of the same sentences by the same search. Refuse all others."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from research.data.splits import read_split
from research.evaluation.quality import tokenizer
from research.evaluation.translations import read_translations, searches
from research.results.identity import config_as_json, differing_fields
from research.results.run_folder import RunFolder, beams


class EvaluatedRun(NamedTuple):
    """A run as it was evaluated.

    Attributes:
        name: its path as given.
        seed: the seed that it was trained with.
        translations: a sentence each.
        recorded: the part of result.json about the search.
    """

    name: str
    seed: int
    translations: list[str]
    recorded: dict[str, Any]


class Comparable(NamedTuple):
    """Two systems that may be compared.

    Attributes:
        split, search: what was translated, and how.
        references: the target sentences of the split.
        tokenize: sacreBLEU's tokeniser of their BLEU.
        a, b: the runs of each system: one config under different seeds.
    """

    split: str
    search: str
    references: list[str]
    tokenize: str
    a: list[EvaluatedRun]
    b: list[EvaluatedRun]


class _Opened(NamedTuple):
    name: str
    folder: RunFolder
    config: ConfigDict


def read(
    a: Sequence[Path | str],
    b: Sequence[Path | str],
    *,
    split: str | None,
    search: str | None,
    tokenize: str | None = None,
) -> Comparable:
    """Read the runs of system A and of system B.

    Args:
        a, b: the run folders of each system.
        split: the split that was translated; None if there is only one test split.
        search: "beam1" is greedy; None for the widest that all were evaluated with.
        tokenize: sacreBLEU's tokeniser; None for that of the runs.

    Raises:
        ValueError, OSError: the runs do not compare, or are not run folders.
    """
    sides = [[_open(path) for path in paths] for paths in (a, b)]
    for side in sides:
        _refuse_mixture(side)
    runs = [run for side in sides for run in side]
    split = split or _only_test_split(runs[0])
    references = _shared_references(runs, split)
    search = _shared_search(runs, split, search)
    own = [tokenizer(run.config.evaluation.tokenize, run.config.data.languages[1]) for run in runs]
    tokenizers = {tokenize or each: run.name for each, run in zip(own, runs, strict=True)}
    if len(tokenizers) > 1:
        (one, first), (other, second) = list(tokenizers.items())[:2]
        raise ValueError(f"{first} is scored with tok:{one} and {second} with tok:{other}: their BLEU does not compare")
    read_a, read_b = ([_read(run, split, search, len(references)) for run in side] for side in sides)
    return Comparable(split, search, references, next(iter(tokenizers)), read_a, read_b)


def _open(path: Path | str) -> _Opened:
    folder = RunFolder.existing(path)
    if not folder.splits():
        raise ValueError(f"{path} holds no sentences, as evidence does not: to compare takes the run folder itself")
    return _Opened(str(path), folder, folder.config())


def _refuse_mixture(side: Sequence[_Opened]) -> None:
    """Refuse runs that differ in more than their seed: what varies within a system must be chance."""
    for one, other in combinations(side, 2):
        fields = differing_fields(config_as_json(one.config), config_as_json(other.config), besides=["seed"])
        if fields:
            raise ValueError(
                f"{one.name} and {other.name} are not seeds of the same system: their configs differ in "
                f"{', '.join(fields)}"
            )
        if one.config.seed == other.config.seed:
            raise ValueError(
                f"{one.name} and {other.name} both have seed {one.config.seed}: give each seed once, or the "
                f"comparison cannot tell how much seeds vary"
            )


def _only_test_split(run: _Opened) -> str:
    added = run.folder.added()
    tests = [name for name in run.folder.splits() if name not in added and name != "validation"]
    if len(tests) != 1:
        raise ValueError(f"{run.name} holds {len(tests)} test splits ({', '.join(tests)}); name one with --split")
    return tests[0]


def _shared_references(runs: Sequence[_Opened], split: str) -> list[str]:
    """Return the target sentences; refuse runs whose split differs in any pair."""
    first: list[tuple[str, str]] = []
    for run in runs:
        file = run.folder.split_file(split)
        if not file.is_file():
            held = ", ".join(run.folder.splits()) or "none"
            raise ValueError(f"{run.name} has no split {split!r}; it has: {held}")
        run.folder.refuse_changed_files()
        pairs = [(pair.source, pair.target) for pair in read_split(file)]
        first = first or pairs
        if len(pairs) != len(first):
            raise ValueError(
                f"{split} has {len(first):,} sentences in {runs[0].name} and {len(pairs):,} in {run.name}: only "
                f"scores of the same sentences compare"
            )
        other = next((n for n, (one, two) in enumerate(zip(first, pairs, strict=True), 1) if one != two), None)
        if other:
            raise ValueError(
                f"{split} is not the same in {runs[0].name} and {run.name}: they differ from sentence {other:,} on, "
                f"and only scores of the same sentences compare"
            )
    return [target for _, target in first]


def _shared_search(runs: Sequence[_Opened], split: str, wanted: str | None) -> str:
    measured = {run.name: searches(run.folder, split) for run in runs}
    for name, done in measured.items():
        command = f"python run.py evaluate --workdir={name} --split={split}"
        if not done:
            raise ValueError(f"{name} was not evaluated on {split}; do it with `{command}`")
        if wanted and wanted not in done:
            command += f" --beam={wanted.removeprefix('beam')}"
            raise ValueError(f"{name} has no {wanted} of {split}, only {', '.join(done)}; make it with `{command}`")
    if wanted:
        return wanted
    common = beams(dict.fromkeys(set.intersection(*map(set, measured.values()))))
    if not common:
        each = "; ".join(f"{name}: {', '.join(done)}" for name, done in measured.items())
        raise ValueError(f"no search was run by all on {split} ({each}); evaluate them with the same --beam")
    return f"beam{common[-1]}"


def _read(run: _Opened, split: str, search: str, sentences: int) -> EvaluatedRun:
    translations = read_translations(run.folder, split, search, sentences=sentences)
    return EvaluatedRun(run.name, run.config.seed, translations, searches(run.folder, split)[search])

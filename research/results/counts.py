"""Counts of each sentence of a split, in a run folder: every measure is a function of their sums.

So runs are compared over seeds and sentences (`statistics.contrasts.Scores`) from run folders alone:

    runs_RNX = np.stack([read(folder, "test").of("bleu", "beam5") for folder in folders])
    Scores.of_sentences({"a": runs_RNX, "b": others_RNX}, MEASURES["bleu"].of_sums, seed=0).contrast({"a": 1, "b": -1})

`counts/<split>.npz` has these arrays, with a row for each sentence:

nll, correct, tokens, words: nats, tokens that were thought likeliest, tokens, and words with an end-of-sentence token,
    all of the reference, teacher-forced;
shuffled: nats of the reference where the tokens of the source are shuffled;
alignment: the fields of `sums.Alignment`, of the layer that result.json reports; only of a model with attention;
diagonal, ibm_model1: the fields of `sums.LINKS` of alignments without attention; only of a model with attention;
heads: sums of `evaluation.head_distance`, of all layers; only of a model with attention;
beam5.bleu, beam5.chrf, beam5.ter: what sacreBLEU counts of the translation, of each search;

and `step`, the step of the weights. A pair longer than data.max_tokens is a row of zeros but for the searches.
source_words, the words of each source sentence, is read from the split itself. Evidence of a verdict has blocks of
sentences for its rows, and maybe beam5.length_slope beside them: what that measure lays out of each sentence.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from research.results.measures import MEASURES
from research.results.run_folder import RunFolder

SOURCE_WORDS = "source_words"
BLOCKS = 100
"""The most rows that a verdict is resampled from: of the standard error over sentences, they err by 1 / √200 = 7 %."""


class Counts(NamedTuple):
    """The counts of a run on a split, by the names that the module's docstring has."""

    folder: RunFolder
    split: str
    step: int
    arrays: dict[str, np.ndarray]

    @property
    def sentences(self) -> int:
        """The rows of its arrays."""
        return len(next(iter(self.arrays.values())))

    def in_blocks(self, names: Iterable[str]) -> "Counts":
        """Return some of the arrays, their sentences summed in blocks."""
        named = {name: self.arrays[name] for name in names if name in self.arrays}
        return self._replace(arrays={name: in_blocks(each.reshape(len(each), -1)) for name, each in named.items()})

    def of(self, measure: str, search: str | None = None) -> np.ndarray:
        """Return the counts that a measure is a function of.

        Args:
            measure: a name of `MEASURES`.
            search: such as "beam1", which is greedy; needed where translations are measured.

        Returns:
            counts_NX, a row a sentence, whose sums the measure's `of_sums` takes.

        Raises:
            ValueError: nothing was counted for it.
        """
        counted = [name for name, each in MEASURES.items() if each.counts]
        if measure not in counted:
            raise ValueError(f"nothing is counted for {measure!r}; choose one of {', '.join(counted)}")
        if (laid_out := f"{search}.{measure}") in self.arrays and MEASURES[measure].laid_out:
            return self.arrays[laid_out]
        names = MEASURES[measure].counted(search)
        arrays = self.arrays
        if SOURCE_WORDS in names:
            arrays = {**arrays, SOURCE_WORDS: _source_words(self.folder, self.split)}
        if missing := [name for name in names if name not in arrays]:
            raise ValueError(
                f"{self.folder.path} holds no counts {missing[0]!r} of {self.split}, only {', '.join(self.arrays)}: "
                "evaluate it so that they are made, or measure something else"
            )
        counts_NX = np.concatenate([arrays[name].reshape(len(arrays[name]), -1) for name in names], axis=1)
        lay_out = MEASURES[measure].laid_out
        return counts_NX if lay_out is None else lay_out(counts_NX)


def read(folder: RunFolder, split: str) -> Counts:
    """Read the counts that evaluations left.

    Raises:
        FileNotFoundError: there are none.
        ValueError: the file is damaged, or of other weights than result.json.
    """
    if not folder.counts_file(split).is_file():
        raise FileNotFoundError(f"{folder.counts_file(split)} is missing: {_again(folder, split)}")
    counts = _load(folder, split)
    if folder.result().get("splits", {}).get(split, {}).get("step") != counts.step:
        raise ValueError(f"{folder.counts_file(split)} is of other weights than result.json: {_again(folder, split)}")
    return counts


def in_blocks(counts_NX: np.ndarray) -> np.ndarray:
    """Return the sums of `BLOCKS` blocks of neighbouring sentences, rounded to float32; fewer sentences are not summed.

    Whatever is a function of sums can be resampled from blocks: sentences are in no order, or those of a text that
    stand together are alike, and then blocks are the better sample. Evidence keeps these, and gives the same numbers.
    """
    counts_NX = counts_NX.astype(np.float64)
    if len(counts_NX) > BLOCKS:
        counts_NX = np.add.reduceat(counts_NX, np.arange(BLOCKS) * len(counts_NX) // BLOCKS, axis=0)
    return counts_NX.astype(np.float32).astype(np.float64)


def write(folder: RunFolder, split: str, step: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Put the counts of an evaluation beside those of earlier searches, unless these were of other weights.

    Args:
        folder: the run.
        split: such as "test".
        step: the step of the weights.
        arrays: by the names that the module's docstring has, a row a sentence.
    """
    held: Mapping[str, np.ndarray] = arrays
    if folder.counts_file(split).is_file() and (before := _load(folder, split)).step == step:
        held = {**before.arrays, **arrays}
    whole = io.BytesIO()
    np.savez_compressed(whole, allow_pickle=False, step=np.array(step), **held)
    folder.write_bytes(f"counts/{split}.npz", whole.getvalue())


def _load(folder: RunFolder, split: str) -> Counts:
    file = folder.counts_file(split)
    try:
        arrays = dict(np.load(io.BytesIO(file.read_bytes())))
        return Counts(folder, split, int(arrays.pop("step")), arrays)
    except (ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(f"{file} is damaged ({error}): remove it, and {_again(folder, split)}") from None


def _again(folder: RunFolder, split: str) -> str:
    return f"evaluate again with `python run.py evaluate --workdir={folder.path} --split={split}`"


def _source_words(folder: RunFolder, split: str) -> np.ndarray:
    with gzip.open(folder.split_file(split), "rt", encoding="utf-8") as lines:
        return np.array([len(json.loads(line)["source"].split()) for line in lines], np.float64)

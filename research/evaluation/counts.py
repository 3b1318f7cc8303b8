"""What was counted in each sentence of a split, in a run folder: every measure is a function of its sums.

So runs are compared over seeds and sentences (`contrasts.Scores`) from run folders alone:

    runs_RNX = np.stack([read(folder, "test").of("bleu", "beam5") for folder in folders])
    Scores.of_sentences({"a": runs_RNX, "b": others_RNX}, MEASURES["bleu"].score, seed=0).contrast({"a": 1, "b": -1})

`counts/<split>.npz` has, with a row for each sentence,

nll, correct, tokens, words: nats, tokens that were thought likeliest, tokens, and words with an end mark, all of the
    reference, teacher-forced;
shuffled: nats of the reference where the tokens of the source are shuffled;
alignment: the fields of `Alignment`, of the layer that result.json reports; not of a model without attention;
heads: sums of `head_distance`, of all layers; not without attention;
beam5.bleu, beam5.chrf, beam5.ter: what sacreBLEU counts of the translation, of each search;

and `step`, the one that the weights are of. A pair longer than data.max_tokens is a row of zeros but for the searches.
"""

import io
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from sacrebleu.metrics import BLEU, CHRF, TER

from research.evaluation.alignment import Alignment
from research.evaluation.head_distance import mean_distance
from research.evaluation.perplexity import CrossEntropy, order_sensitivity
from research.evaluation.quality import Score
from research.results.run_folder import RunFolder
from research.statistics.resampling import ScoreOfSums

SEARCHED = ("bleu", "chrf", "ter")


class Kind(NamedTuple):
    """A measure. arrays: what it is counted by, put side by side; of a search where the name is in `SEARCHED`."""

    arrays: tuple[str, ...]
    score: ScoreOfSums


class Counts(NamedTuple):
    """Those of a run on a split, by the names that the module's docstring has."""

    folder: RunFolder
    split: str
    step: int
    arrays: dict[str, np.ndarray]

    def of(self, measure: str, search: str | None = None) -> np.ndarray:
        """counts_NX by which a name of `MEASURES` is measured, and whose sums its score takes.

        search: "beam1" is greedy; asked for where translations are measured. ValueError for what was not counted.
        """
        if measure not in MEASURES:
            raise ValueError(f"nothing is counted for {measure!r}; choose one of {', '.join(MEASURES)}")
        names = [f"{search}.{name}" if name in SEARCHED else name for name in MEASURES[measure].arrays]
        if missing := [name for name in names if name not in self.arrays]:
            raise ValueError(
                f"{self.folder.path} holds no counts {missing[0]!r} of {self.split}, only {', '.join(self.arrays)}: "
                "evaluate it so that they are made, or measure something else"
            )
        return np.concatenate([self.arrays[name].reshape(len(self.arrays[name]), -1) for name in names], axis=1)


def read(folder: RunFolder, split: str) -> Counts:
    """What evaluations left. FileNotFoundError without any, ValueError where result.json is of other weights."""
    if not folder.counts_file(split).is_file():
        raise FileNotFoundError(f"{folder.counts_file(split)} is missing: {_again(folder, split)}")
    counts = _load(folder, split)
    if folder.result().get("splits", {}).get(split, {}).get("step") != counts.step:
        raise ValueError(f"{folder.counts_file(split)} is of other weights than result.json: {_again(folder, split)}")
    return counts


def write(folder: RunFolder, split: str, step: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Put the counts of an evaluation beside those of searches before it, unless these were of other weights."""
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


def _forced(score: Callable[[CrossEntropy], float]) -> Kind:
    return Kind(("nll", "correct", "tokens"), _of_each(lambda *sums: score(CrossEntropy(*sums))))


def _aligned(name: str) -> Kind:
    return Kind(("alignment",), _of_each(lambda *sums: Alignment(*sums).measures()[name]))


def _of_each(score: Callable[..., float | None]) -> ScoreOfSums:
    """None, where nothing was counted that the score is of, becomes NaN."""
    return lambda sums_MX: np.array([score(*sums_X) for sums_X in sums_MX.tolist()], np.float64)


MEASURES: dict[str, Kind] = {
    "bleu": Kind(("bleu",), Score(BLEU(), ()).of_sums),  # how words were cut shows in the counts alone
    "chrf": Kind(("chrf",), Score(CHRF(), ()).of_sums),
    "ter": Kind(("ter",), Score(TER(), ()).of_sums),
    "perplexity": _forced(lambda sums: sums.perplexity),
    "word_perplexity": Kind(("nll", "words"), _of_each(lambda nll, n: CrossEntropy(nll, 0, 0).perplexity_per(n))),
    "token_accuracy": _forced(lambda sums: sums.token_accuracy),
    "order_sensitivity": Kind(("nll", "shuffled", "tokens"), _of_each(order_sensitivity)),
    "head_distance": Kind(("heads",), _of_each(mean_distance)),
    "aer": _aligned("error"),
    **{name: _aligned(name) for name in ("precision", "recall", "entropy", "on_words", "coverage", "monotonicity")},
}

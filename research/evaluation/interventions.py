"""Interventions on attention: change the weights or switch off a head, and measure the change in quality.

The weights that read the source become uniform, hard (all weight on the largest) or permuted, as Jain & Wallace 2019
did with classifiers; and every head is switched off in turn, as in Michel et al. 2019.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from research.decoding.forced import force
from research.decoding.translate import translate
from research.evaluation import quality
from research.evaluation.evaluation_data import EvaluationData
from research.evaluation.loaded_run import LoadedRun
from research.models.interventions import heads, reading_by, without_head
from research.statistics.contrasts import Scores
from research.statistics.resampling import ScoreOfSums

NORMALISERS = ("uniform", "hard", "permuted")
SEED, LEVEL = 0, 0.95  # of the intervals


class QualityCounts(NamedTuple):
    """Counts of each sentence, by which an intervention is judged."""

    correct_N2: np.ndarray
    """Tokens that the model thought likeliest, and all tokens; pairs that are too long are left out."""
    bleu: quality.CorpusScore

    def measures(self) -> dict[str, tuple[np.ndarray, ScoreOfSums]]:
        """Return counts_NX of each measure, and the function of their sums."""
        return {
            "token_accuracy": (self.correct_N2, lambda sums_M2: sums_M2[:, 0] / sums_M2[:, 1]),
            "bleu": (np.array(self.bleu.counts, float), self.bleu.of_sums),
        }


def intervene(
    run: LoadedRun, data: EvaluationData, track: Callable[[str, int], Callable[[int], None]]
) -> list[dict[str, Any]]:
    """Measure the model as it is ("none") and under each intervention.

    The measures are greedy BLEU, and token accuracy of the pairs that are not longer than data.max_tokens. A change is
    the score with the intervention minus the score without. Its 95 % interval is over sentences (see
    `contrasts`), so it does not say how much seeds vary.

    Args:
        run: the model.
        data: the split.
        track: see `measure_split`.

    Returns:
        A row for each intervention: scores, changes and their intervals; [] for a model without attention.
    """
    tokenize = quality.tokenizer(run.config.evaluation.tokenize, run.config.data.languages[1])
    fitting = data.examples.within(run.config.data.max_tokens)

    def quality_of(changed: LoadedRun) -> QualityCounts:
        model = changed.translator, changed.params
        forced = sorted(force(*model, fitting, **run.batches), key=lambda each: each.sentence)
        correct_N2 = np.array([(each.likeliest_T.sum(), len(each.likeliest_T)) for each in forced], float)
        texts = translate(*model, run.vocabularies, data.examples.sources, beam=1, **run.search_options)
        return QualityCounts(correct_N2, quality.bleu(texts, data.references, tokenize=tokenize, lowercase=False))

    each = list(_interventions(run))
    if not each:
        return []
    done = track("interventions", len(each) + 1)
    before = quality_of(run).measures()
    rows = [
        {"bin": "none"}
        | {name: float(score(counts_NX.sum(axis=0, keepdims=True))[0]) for name, (counts_NX, score) in before.items()}
    ]
    done(1)
    for label, changed in each:
        row: dict[str, Any] = {"bin": label}
        for name, (counts_NX, score) in quality_of(changed).measures().items():
            counts = {"with": counts_NX[None], "without": before[name][0][None]}
            scores = Scores.of_sentences(counts, score, seed=SEED)
            change = scores.contrast({"with": 1, "without": -1})
            low, high = change.interval(LEVEL)
            row |= {name: scores.runs["with"][0], f"{name}_change": change.value}
            row |= {f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
        done(1)
    return rows


def _interventions(run: LoadedRun) -> Iterator[tuple[str, LoadedRun]]:
    try:
        for normaliser in NORMALISERS:
            yield normaliser, run._replace(translator=reading_by(run.translator, normaliser))
    except ValueError:  # the model has no attention
        return
    for head in heads(run.translator):
        yield f"without {head}", run._replace(params=without_head(run.translator, run.params, head))

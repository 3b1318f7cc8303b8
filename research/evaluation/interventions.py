"""Does a model need the weights that it computes? Each is replaced in turn, and the change in quality has an interval.

Weights that read the source: uniform, hard (all for the largest) and permuted, as Jain & Wallace 2019 asked of
classifiers; and every head that there is is switched off, as in Michel et al. 2019.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from research.decoding.forced import force
from research.decoding.translate import translate
from research.evaluation import quality
from research.evaluation.measures import Material
from research.evaluation.trained import Trained
from research.models.interventions import heads, reading_by, without_head
from research.statistics.contrasts import Scores
from research.statistics.resampling import ScoreOfSums

NORMALISERS = ("uniform", "hard", "permuted")
SEED, LEVEL = 0, 0.95  # of the intervals


class Quality(NamedTuple):
    """What an intervention is judged by, sentence by sentence. correct_N2: tokens that were likeliest, and all."""

    correct_N2: np.ndarray
    bleu: quality.Score

    def measures(self) -> dict[str, tuple[np.ndarray, ScoreOfSums]]:
        """Of each measure the counts_NX, and the score of their sums."""
        return {
            "token_accuracy": (self.correct_N2, lambda sums_M2: sums_M2[:, 0] / sums_M2[:, 1]),
            "bleu": (np.array(self.bleu.counts, float), self.bleu.of_sums),
        }


def intervene(
    run: Trained, material: Material, track: Callable[[str, int], Callable[[int], None]]
) -> list[dict[str, Any]]:
    """A row for the model as it is ("none"), and one for each intervention: scores, changes, and their intervals.

    Greedy BLEU, and token accuracy of the pairs that are not over data.max_tokens. A change is the score with the
    intervention less the one without; its 95 % interval is over sentences (see `contrasts`), and seeds are not in it.
    [] for a model without attention.
    """
    tokenize = quality.tokenizer(run.config.evaluation.tokenize, run.config.data.languages[1])
    references = [pair.target for pair in material.split]
    fitting = material.examples.within(run.config.data.max_tokens)

    def quality_of(changed: Trained) -> Quality:
        forced = force(changed.translator, changed.params, fitting, **run.batches)
        correct = {each.sentence: (each.likeliest_T.sum(), len(each.likeliest_T)) for each in forced}
        texts = translate(
            changed.translator,
            changed.params,
            run.vocabularies,
            material.examples.sources,
            beam=1,
            **run.search_options,
        )
        bleu = quality.bleu(texts, references, tokenize=tokenize, lowercase=False)
        return Quality(np.array([correct[index] for index in sorted(correct)], float), bleu)

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


def _interventions(run: Trained) -> Iterator[tuple[str, Trained]]:
    try:
        for normaliser in NORMALISERS:
            yield normaliser, run._replace(translator=reading_by(run.translator, normaliser))
    except ValueError:  # it does not attend
        return
    for head in heads(run.translator):
        yield f"without {head}", run._replace(params=without_head(run.translator, run.params, head))

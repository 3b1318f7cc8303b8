"""Does a model need the weights that it computes? Each is replaced in turn, and the change in quality has an interval.

Weights that read the source: uniform, hard (all for the largest) and permuted, as Jain & Wallace 2019 asked of
classifiers; and every head that there is is switched off, as in Michel et al. 2019.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from research.data.examples import encode
from research.data.pairs import Split
from research.decoding.forced import force
from research.decoding.translate import translate
from research.evaluation import quality
from research.evaluation.significance import bootstrap
from research.evaluation.trained import Trained
from research.models.interventions import heads, reading_by, without_head

NORMALISERS = ("uniform", "hard", "permuted")
RESAMPLES, SEED, LEVEL = 1_000, 0, 0.95  # of the intervals


class Quality(NamedTuple):
    """What an intervention is judged by: counts_NX of each measure, sentence by sentence."""

    token_accuracy: np.ndarray
    bleu: np.ndarray


def intervene(run: Trained, split: Split, track: Callable[[str, int], Callable[[int], None]]) -> list[dict[str, Any]]:
    """A row for the model as it is ("none"), and one for each intervention: scores, changes, and their intervals.

    Greedy BLEU, and token accuracy of the pairs that are not over data.max_tokens. A change is the score with the
    intervention less the one without, and its interval a paired bootstrap's over sentences at 95 %; seeds are not in
    it. [] for a model without attention.
    """
    tokenize = quality.tokenizer(run.config.evaluation.tokenize, run.config.data.languages[1])
    references = [pair.target for pair in split]
    metric = quality.bleu(references, references, tokenize=tokenize, lowercase=False).metric
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "token_accuracy": lambda sums_MX: sums_MX[:, 0] / sums_MX[:, 1],
        "bleu": lambda sums_MX: np.array([metric._compute_score_from_stats(sums).score for sums in sums_MX.tolist()]),
    }

    def quality_of(changed: Trained) -> Quality:
        fitting = encode(split, run.vocabularies).within(run.config.data.max_tokens)
        forced = force(changed.translator, changed.params, fitting, **_batches(run))
        correct = {each.sentence: (each.likeliest_T.sum(), len(each.likeliest_T)) for each in forced}
        texts = translate(
            changed.translator,
            changed.params,
            run.vocabularies,
            [pair.source for pair in split],
            beam=1,
            **run.search_options,
        )
        counts = quality.bleu(texts, references, tokenize=tokenize, lowercase=False).counts
        return Quality(np.array([correct[index] for index in sorted(correct)], float), np.array(counts, float))

    each = list(_interventions(run))
    if not each:
        return []
    done = track("interventions", len(each) + 1)
    before = quality_of(run)
    rows = [{"bin": "none", **{name: _score(getattr(before, name), measures[name]) for name in measures}}]
    done(1)
    for label, changed in each:
        after, row = quality_of(changed), dict[str, Any](bin=label)
        for name, measure in measures.items():
            pair = getattr(after, name)[None], getattr(before, name)[None]
            found = bootstrap(*pair, measure, resamples=RESAMPLES, seed=SEED)
            low, high = found.interval(LEVEL)
            row |= {name: found.a, f"{name}_change": found.difference, f"{name}_low": low, f"{name}_high": high}
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


def _score(counts_NX: np.ndarray, measure: Callable[[np.ndarray], np.ndarray]) -> float:
    return float(measure(counts_NX.sum(axis=0, keepdims=True))[0])


def _batches(run: Trained) -> dict[str, Any]:
    return {"devices": run.devices, "batch_sentences": run.config.evaluation.batch_sentences}

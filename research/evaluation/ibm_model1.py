"""Word alignment by IBM model 1, which knows words and no order: what counting finds, without a neural network.

t(f|e) is the chance that source word e is written as target word f. EM begins with all alike and repeats

    t(f|e) ∝ Σ over all f and e of one pair: t(f|e) / Σ_e' t(f|e'),   e' the source words of that pair

(Brown et al. 1993, equations 5.7 and 5.8). Each target word is linked to argmax_e t(f|e); a tie goes to the first.
There is no empty word, as attention has none.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from research.data.pairs import Pair

ITERATIONS = 5


def align(pairs: Sequence[Pair], iterations: int = ITERATIONS) -> list[np.ndarray]:
    """Return the source word of each target word, for each pair; without a word on one side that is no word.

    Args:
        pairs: sentences whose words are separated by spaces. The model learns from them and from nothing else.
        iterations: repetitions of EM.
    """
    sources_P, targets_P = _numbered(pair.source for pair in pairs), _numbered(pair.target for pair in pairs)
    targets_P = [target if len(source) else target[:0] for source, target in zip(sources_P, targets_P, strict=True)]
    if not any(map(len, targets_P)):
        return targets_P
    # X: each target word of each pair, beside each source word of the pair. K: the different ones among these.
    words = 1 + max(target.max(initial=0) for target in targets_P)
    key_X = np.concatenate(
        [np.add.outer(target, source * words).ravel() for source, target in zip(sources_P, targets_P, strict=True)]
    )
    keys_K, key_X = np.unique(key_X, return_inverse=True)
    read_K = keys_K // words
    width_T = np.repeat([len(source) for source in sources_P], [len(target) for target in targets_P])
    first_T = np.cumsum(width_T) - width_T
    chance_K = np.ones(len(keys_K))
    for _ in range(iterations):
        chance_X = chance_K[key_X]
        counts_K = np.bincount(key_X, chance_X / np.add.reduceat(chance_X, first_T).repeat(width_T))
        chance_K = counts_K / np.bincount(read_K, counts_K)[read_K]
    ends_P = np.cumsum([len(source) * len(target) for source, target in zip(sources_P, targets_P, strict=True)])
    return [
        chance_X.reshape(len(target), -1).argmax(axis=1) if len(target) else target
        for chance_X, target in zip(np.split(chance_K[key_X], ends_P[:-1]), targets_P, strict=True)
    ]


def _numbered(sentences: Iterable[str]) -> list[np.ndarray]:
    """Return the words of each sentence as numbers, equal words the same."""
    numbers: dict[str, int] = {}
    return [np.array([numbers.setdefault(word, len(numbers)) for word in text.split()], int) for text in sentences]

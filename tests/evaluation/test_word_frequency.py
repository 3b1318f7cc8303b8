"""Words in bins by their training count, against word by word counts in plain Python."""

from bisect import bisect_left
from collections import Counter

import numpy as np
import pytest

from research.data.pairs import Pair
from research.data.vocabulary import Vocabularies
from research.data.word_counts import count_words
from research.decoding.forced import Forced
from research.evaluation.perplexity import total
from research.evaluation.word_frequency import FrequencyBins, cross_entropy_by_frequency, word_scores_by_frequency

TRAINING = ["the cat", "the dog", "the the bird", "a dog"]  # the 4, dog 2, others 1
BINS = FrequencyBins(count_words(TRAINING), (0, 1, 3))
REFERENCES = ["the fish sees the cat", "", "a dog", "fish fish"]
HYPOTHESES = ["the the the cat", "bird", "dog a", "fish cow"]


def test_precision_and_recall_by_hand():
    """Unseen: fish and sees, cow. Once: cat, a, bird. Up to 3 times: dog. More: the."""
    assert word_scores_by_frequency(HYPOTHESES, REFERENCES, BINS) == [
        {"bin": "0", "words": 4, "precision": 1 / 2, "recall": 1 / 4, "f1": pytest.approx(1 / 3)},
        {"bin": "1", "words": 2, "precision": 2 / 3, "recall": 1, "f1": pytest.approx(4 / 5)},
        {"bin": "2-3", "words": 1, "precision": 1, "recall": 1, "f1": 1},
        {"bin": "4+", "words": 2, "precision": 2 / 3, "recall": 1, "f1": pytest.approx(4 / 5)},
    ]
    assert word_scores_by_frequency(["cow"], ["the"], BINS) == [
        {"bin": "0", "words": 0, "precision": 0, "recall": 0, "f1": 0},
        {"bin": "4+", "words": 1, "precision": 0, "recall": 0, "f1": 0},
    ]


def test_log_p_of_words_is_the_sum_over_their_subwords():
    pairs = [Pair(text, text) for text in [*TRAINING, *REFERENCES]]
    vocabulary = Vocabularies.train(pairs, joint=True, kind="bpe", size=27).target
    random = np.random.default_rng(0)
    forced = []
    for sentence, text in enumerate(REFERENCES):
        tokens = len(vocabulary.encode(text)) + 1
        forced.append(Forced(sentence, -random.random(tokens, np.float32), random.random(tokens) < 0.5))
    found = cross_entropy_by_frequency(forced[::-1], REFERENCES, vocabulary, BINS)

    expected = {name: [0, 0.0, 0, 0] for name in ("0", "1", "2-3", "4+", "</s>")}
    for text, each in zip(REFERENCES, forced, strict=True):
        tokens = iter(zip(each.log_p_T.tolist(), each.likeliest_T.tolist(), strict=True))
        for word in [*text.split(), "</s>"]:
            count = Counter(" ".join(TRAINING).split())[word]
            name = "</s>" if word == "</s>" else ["0", "1", "2-3", "4+"][bisect_left([0, 1, 3], count)]
            expected[name][0] += 1
            for _ in range(1 if word == "</s>" else len(vocabulary.encode(word))):
                log_p, correct = next(tokens)
                expected[name][1] -= log_p
                expected[name][2] += correct
                expected[name][3] += 1
        assert not list(tokens)
    assert max(each.tokens / words for _, words, each in found) > 1  # there are words of several subwords
    assert {name: [words, *sums] for name, words, sums in found} == {
        name: [words, pytest.approx(nats), correct, tokens] for name, (words, nats, correct, tokens) in expected.items()
    }
    whole = total(forced)
    sums = np.sum([sums for _, _, sums in found], axis=0)
    assert sums.tolist() == pytest.approx([whole.nats, whole.correct, whole.tokens])

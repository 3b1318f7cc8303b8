"""Counts of sentences in a run folder: what is kept, what is refused, and measures of any sentences by hand."""

import numpy as np
import pytest

from research.evaluation import quality
from research.results.counts import read, write
from research.results.measures import MEASURES
from research.results.run_folder import RunFolder
from research.results.sums import Alignment
from research.statistics.contrasts import Scores

HYPOTHESES = ["a dog runs in the park", "two cats sleep", "a man"]
REFERENCES = ["the dog runs in the park", "two cats sleep here", "a woman"]
FORCED = {
    "nll": np.array([3.0, 0.0, 1.5]),
    "correct": np.array([2.0, 0.0, 1.0]),
    "tokens": np.array([4.0, 0.0, 2.0]),
    "words": np.array([3.0, 0.0, 2.0]),
}


def searched(search, hypotheses=HYPOTHESES):
    scores = {
        "bleu": quality.bleu(hypotheses, REFERENCES, tokenize="char", lowercase=False),
        "chrf": quality.chrf(hypotheses, REFERENCES),
        "ter": quality.ter(hypotheses, REFERENCES),
    }
    return {f"{search}.{name}": np.array(score.counts, float) for name, score in scores.items()}, scores


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path / "run")
    made.write_json("result.json", {"splits": {"test": {"step": 7}}})
    return made


def test_a_later_search_is_put_beside_an_earlier_one_unless_weights_changed(folder):
    write(folder, "test", 7, {**FORCED, **searched("beam1")[0]})
    write(folder, "test", 7, {**FORCED, **searched("beam5", REFERENCES)[0]})
    held = read(folder, "test")
    assert MEASURES["bleu"].of_sums(held.of("bleu", "beam5").sum(0)[None]) == pytest.approx([100])
    assert MEASURES["bleu"].of_sums(held.of("bleu", "beam1").sum(0)[None]) < 90
    write(folder, "test", 8, {**FORCED, **searched("beam2")[0]})
    with pytest.raises(ValueError, match=r"is of other weights than result\.json: evaluate again with `python run\.py"):
        read(folder, "test")
    folder.write_json("result.json", {"splits": {"test": {"step": 8}}})
    assert sorted(read(folder, "test").arrays) == sorted([*FORCED, "beam2.bleu", "beam2.chrf", "beam2.ter"])


def test_any_sentences_have_a_score(folder):
    """Each resample's sums, against each metric over its sentences alone."""
    arrays, scores = searched("beam1")
    write(folder, "test", 7, {**FORCED, **arrays})
    held, drawn = read(folder, "test"), [[0, 0, 2], [1, 2, 1], [2, 0, 1]]
    for name, score in scores.items():
        sums_MX = np.stack([held.of(name, "beam1")[rows].sum(axis=0) for rows in drawn])
        np.testing.assert_allclose(MEASURES[name].of_sums(sums_MX), [score.of(rows).score for rows in drawn], rtol=1e-9)
    for name, expected in {
        "perplexity": [np.exp(7.5 / 10), np.exp(1.5 / 2), np.exp(4.5 / 6)],
        "word_perplexity": [np.exp(7.5 / 8), np.exp(1.5 / 2), np.exp(4.5 / 5)],
        "token_accuracy": [0.5, 0.5, 0.5],
    }.items():
        sums_MX = np.stack([held.of(name)[rows].sum(axis=0) for rows in drawn])
        np.testing.assert_allclose(MEASURES[name].of_sums(sums_MX), expected, rtol=1e-12)


def test_alignment_by_hand_and_without_gold(folder):
    known = Alignment(right_sure=2, right_possible=3, predicted=4, sure=3, nats=1.5, reading_words=6)
    write(folder, "test", 7, {"alignment": np.array([known, known._replace(right_sure=1), Alignment()])})
    counts_NX = read(folder, "test").of("aer")
    sums_MX = np.stack([counts_NX[:1].sum(0), counts_NX[:2].sum(0), counts_NX[2:].sum(0)])
    np.testing.assert_allclose(MEASURES["aer"].of_sums(sums_MX), [1 - 5 / 7, 1 - 9 / 14, np.nan])
    np.testing.assert_allclose(MEASURES["entropy"].of_sums(sums_MX), [0.25, 0.25, 0])


def test_runs_are_compared_from_folders_alone(folder):
    write(folder, "test", 7, {**FORCED, **searched("beam1")[0], **searched("beam5", REFERENCES)[0]})
    worse, better = (read(folder, "test").of("chrf", search)[None] for search in ("beam1", "beam5"))
    scores = Scores.of_sentences({"a": better, "b": worse}, MEASURES["chrf"].of_sums, resamples=50, seed=0)
    assert scores.runs["a"] == [pytest.approx(100)]
    assert scores.contrast({"a": 1, "b": -1}).interval(0.9)[0] > 0


def test_what_is_not_there_is_answered_with_one_sentence(folder):
    with pytest.raises(FileNotFoundError, match=r"counts/test\.npz is missing: evaluate again with `python run\.py"):
        read(folder, "test")
    write(folder, "test", 7, {**FORCED, **searched("beam1")[0]})
    held = read(folder, "test")
    with pytest.raises(ValueError, match=r"holds no counts 'beam5\.bleu' of test, only nll, correct, "):
        held.of("bleu", "beam5")
    with pytest.raises(ValueError, match=r"holds no counts 'alignment' of test"):
        held.of("aer")
    with pytest.raises(ValueError, match=r"nothing is counted for 'blue'; choose one of bleu, chrf, ter, perplexity,"):
        held.of("blue", "beam1")
    whole = folder.counts_file("test").read_bytes()
    for damage in (whole[:-30], whole.replace(whole[60:70], b"0123456789", 1), b""):
        folder.counts_file("test").write_bytes(damage)
        for use in (lambda: read(folder, "test"), lambda: write(folder, "test", 7, FORCED)):
            with pytest.raises(ValueError, match=r"counts/test\.npz is damaged \(.*\): remove it, and evaluate again"):
                use()

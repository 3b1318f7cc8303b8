"""Text in, text out: encode sentences, search in batches of few shapes over all devices, and decode in order."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.evaluation_batches import evaluation_batches
from research.data.examples import Examples, Sentences, encode_texts
from research.data.vocabulary import EOS, PAD, Vocabularies
from research.decoding.beam import Hypotheses
from research.decoding.search import Beam, Greedy, Runner, Search, most_tokens, program
from research.models.translator import Translator

Progress = Callable[[int], object]
"""Called with the number of sentences that were just finished."""


class Translation(NamedTuple):
    """One hypothesis. `ids` have no `eos`; `score` is its ranking score, log p for a sample, None if greedy."""

    text: str
    ids: tuple[int, ...]
    score: float | None
    ended: bool
    """False where it was cut off at its limit."""


class Translations(NamedTuple):
    """The translations of a list of sentences, and how long they took."""

    n_best: list[list[Translation]]
    """For every sentence, in order, at least one hypothesis: best first, samples in the order they were drawn."""
    truncated: int
    """Sentences whose source was longer than `max_tokens`, of which only the beginning was translated."""
    seconds: float
    """From text to text, compilation included."""
    sentences_per_second: float | None
    """Over batches of a shape met before in this call, so without compilation; None if there were none."""

    @property
    def texts(self) -> list[str]:
        return [hypotheses[0].text for hypotheses in self.n_best]


def translate(
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    sentences: Sequence[str] | Sentences,
    **options: Any,
) -> list[str]:
    """Return the best translation of each sentence, in order. Options: those of `translate_n_best`."""
    return translate_n_best(translator, params, vocabularies, sentences, **options).texts


def translate_n_best(
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    sentences: Sequence[str] | Sentences,
    *,
    beam: int,
    length_penalty: float,
    length_normalisation: str,
    coverage_penalty: float,
    n_best: int = 1,
    **options: Any,
) -> Translations:
    """Return the `n_best` best translations of each sentence, fewer where there are no more.

    Args:
        beam: hypotheses kept; 1 is greedy search.
        length_penalty, length_normalisation, coverage_penalty: see `Beam`.
        options: those of `translate_by`.
    """
    if not 1 <= n_best <= max(beam, 1) or beam < 1:
        raise ValueError(f"beam={beam} and n_best={n_best}: there must be at least one of each, and n_best <= beam")
    search = Beam(beam, n_best, length_penalty, length_normalisation, coverage_penalty) if beam > 1 else Greedy()
    return translate_by(search, translator, params, vocabularies, sentences, **options)


def translate_by(
    search: Search,
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    sentences: Sequence[str] | Sentences,
    *,
    devices: Runner,
    extra_tokens: int,
    batch_sentences: int,
    max_tokens: int,
    seed: int = 0,
    first: int = 0,
    progress: Progress | None = None,
) -> Translations:
    """Translate each sentence by a search. A sentence without text translates to "".

    Args:
        sentences: texts, or their ids if they are encoded already.
        extra_tokens: a translation may have 1.5 times the source's subwords, rounded down, plus these, `eos` included.
        batch_sentences: rows of a batch.
        max_tokens: most subwords of a source, `eos` included; a longer one is cut, and counted as truncated.
        seed: of samples, from 0 to 2**32 - 1.
        first: the index of the first sentence among all that are sampled by this seed.
        progress: called with the number of sentences of each finished batch.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed} must be at least 0 and less than 2**32")
    begin = time.monotonic()
    encoded = sentences if isinstance(sentences, Sentences) else encode_texts(sentences, vocabularies.source)
    truncated = int((encoded.lengths > max_tokens - 1).sum())
    occupied = np.flatnonzero(encoded.lengths)
    sources = Sentences([encoded[index] for index in occupied.tolist()]).cut_to(max_tokens - 1)
    run = program(translator, devices, search, extra_tokens)

    results: list[list[Translation]] = [[] for _ in range(len(sentences))]
    met: set[tuple[int, ...]] = set()
    timed_sentences, timed_seconds = 0, 0.0
    for indices, batch in evaluation_batches(Examples(sources), batch_sentences):
        batch_begin = time.monotonic()
        rows = len(batch["source_BS"])
        limits_B, index_B = np.zeros(rows, np.int32), np.zeros(rows, np.uint32)
        limits_B[: len(indices)] = most_tokens(sources.lengths[indices], extra_tokens)
        index_B[: len(indices)] = first + occupied[indices]  # of all: empty ones among them change no sample
        seed_B = np.full(rows, seed, np.uint32)
        found = run(params, {**batch, "limits_B": limits_B, "index_B": index_B, "seed_B": seed_B})
        for row, index in enumerate(occupied[indices]):
            results[index] = _read(found, row, vocabularies, search.scored)
        if batch["source_BS"].shape in met:
            timed_sentences += len(indices)
            timed_seconds += time.monotonic() - batch_begin
        met.add(batch["source_BS"].shape)
        if progress:
            progress(len(indices))
    if progress and len(occupied) < len(sentences):
        progress(len(sentences) - len(occupied))

    assert sum(map(bool, results)) == len(occupied), "a sentence was lost on the way"
    nothing = [Translation("", (), 0.0 if search.scored else None, True)]
    rate = timed_sentences / timed_seconds if timed_seconds else None
    return Translations([found or nothing for found in results], truncated, time.monotonic() - begin, rate)


def _read(found: Hypotheses, row: int, vocabularies: Vocabularies, scored: bool) -> list[Translation]:
    read = []
    for tokens_T, score, ended in zip(found.tokens_BNT[row], found.scores_BN[row], found.ended_BN[row], strict=True):
        if score > -np.inf:
            ids = tuple(tokens_T[(tokens_T != PAD) & (tokens_T != EOS)].tolist())
            text = vocabularies.target.decode(ids)
            read.append(Translation(text, ids, float(score) if scored else None, bool(ended)))
    return read

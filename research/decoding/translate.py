"""Text in, text out: sentences in few shapes through a search, over all devices, back in their order."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.evaluation_batches import evaluation_batches
from research.data.examples import Examples, Sentences, encode_texts
from research.data.vocabulary import EOS, PAD, Vocabularies
from research.decoding.beam import Hypotheses
from research.decoding.search import Beam, Greedy, Runner, Search, program
from research.models.translator import Translator

Progress = Callable[[int], object]
"""Called with how many more sentences are done."""


class Translation(NamedTuple):
    """One hypothesis. `ids` has no end mark; `score` is what it was ranked by, a sample's log p; None after greedy."""

    text: str
    ids: tuple[int, ...]
    score: float | None
    ended: bool
    """False: cut off at its limit."""


class Translations(NamedTuple):
    """What came of a list of sentences."""

    n_best: list[list[Translation]]
    """For every sentence, in order, its hypotheses, best first (samples as they were drawn); at least one."""
    truncated: int
    """Sentences whose source was over `max_tokens`: only its beginning was translated."""
    seconds: float
    """From text to text, compilation included."""
    sentences_per_second: float | None
    """Over the batches whose shape this call had met before, so that no compilation is in it. None: there were none."""

    @property
    def texts(self) -> list[str]:
        return [hypotheses[0].text for hypotheses in self.n_best]


def translate(
    translator: Translator, params: Any, vocabularies: Vocabularies, sentences: Sequence[str], **options: Any
) -> list[str]:
    """The best translation of each sentence, in order. Options: those of `translate_n_best`."""
    return translate_n_best(translator, params, vocabularies, sentences, **options).texts


def translate_n_best(
    translator: Translator,
    params: Any,
    vocabularies: Vocabularies,
    sentences: Sequence[str],
    *,
    beam: int,
    length_penalty: float,
    length_normalisation: str,
    coverage_penalty: float,
    n_best: int = 1,
    **options: Any,
) -> Translations:
    """The `n_best` best translations of each sentence; fewer where there are no more.

    beam: 1 is greedy. The penalties and the rest of the search: see `Beam`. Options: those of `translate_by`.
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
    sentences: Sequence[str],
    *,
    devices: Runner,
    extra_tokens: int,
    batch_sentences: int,
    max_tokens: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Translations:
    """What `search` finds for each sentence.

    extra_tokens: a translation may have 1.5 times the source's subwords, rounded down, and these, its end mark
    included. batch_sentences: rows of a batch. max_tokens: subwords of a source, end mark included; a longer one loses
    its end, and is counted. seed: of samples. A sentence without text translates to "".
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed} must be at least 0 and less than 2**32")
    begin = time.monotonic()
    encoded = encode_texts(sentences, vocabularies.source)
    truncated = int((encoded.lengths > max_tokens - 1).sum())
    occupied = np.flatnonzero(encoded.lengths)
    sources = Sentences([encoded[index] for index in occupied.tolist()]).cut_to(max_tokens - 1)
    run = program(translator, devices, search, extra_tokens)

    results: list[list[Translation]] = [[] for _ in sentences]
    met: set[tuple[int, ...]] = set()
    timed_sentences, timed_seconds = 0, 0.0
    for indices, batch in evaluation_batches(Examples(sources), batch_sentences):
        batch_begin = time.monotonic()
        rows = len(batch["source_BS"])
        limits_B, index_B = np.zeros(rows, np.int32), np.zeros(rows, np.uint32)
        limits_B[: len(indices)] = 3 * sources.lengths[indices] // 2 + extra_tokens
        index_B[: len(indices)] = occupied[indices]  # of all sentences: empty ones among them change no sample
        seed_B = np.full(rows, seed, np.uint32)
        found = run(params, {**batch, "limits_B": limits_B, "index_B": index_B, "seed_B": seed_B})
        for row, index in enumerate(index_B[: len(indices)]):
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

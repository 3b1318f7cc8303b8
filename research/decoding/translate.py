"""Text in, text out: sentences in few shapes through greedy or beam search, over all devices, back in their order."""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from research.data.evaluation_batches import evaluation_batches
from research.data.examples import Examples, Sentences, encode_texts
from research.data.vocabulary import BOS, EOS, PAD, Vocabularies
from research.decoding.beam import Hypotheses, beam_search
from research.decoding.greedy import greedy
from research.models.translator import Translator

Progress = Callable[[int], object]
"""Called with how many more sentences are done."""


class Runner(Protocol):
    """`research.training.devices.Devices`, or anything that can run a function of (params, batch) for all rows."""

    def run(self, fn: Callable[[Any, Any], Any]) -> Callable[[Any, dict[str, np.ndarray]], Any]: ...

    def __hash__(self) -> int: ...


class Translation(NamedTuple):
    """One hypothesis. `ids` has no end mark; `score` is log p / length**length_penalty, None after greedy search."""

    text: str
    ids: tuple[int, ...]
    score: float | None
    ended: bool
    """False: cut off at its limit."""


class Translations(NamedTuple):
    """What came of a list of sentences."""

    n_best: list[list[Translation]]
    """For every sentence, in order, its hypotheses, best first; at least one."""
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
    devices: Runner,
    beam: int,
    length_penalty: float,
    extra_tokens: int,
    batch_sentences: int,
    max_tokens: int,
    n_best: int = 1,
    progress: Progress | None = None,
) -> Translations:
    """The `n_best` best translations of each sentence; fewer where there are no more.

    beam: 1 is greedy. length_penalty: see `beam_search`. extra_tokens: a translation may have 1.5 times the source's
    subwords, rounded down, and these, its end mark included. batch_sentences: rows of a batch. max_tokens: subwords of
    a source, end mark included; a longer one loses its end, and is counted. A sentence without text translates to "".
    """
    if not 1 <= n_best <= max(beam, 1) or beam < 1:
        raise ValueError(f"beam={beam} and n_best={n_best}: there must be at least one of each, and n_best <= beam")
    begin = time.monotonic()
    encoded = encode_texts(sentences, vocabularies.source)
    truncated = int((encoded.lengths > max_tokens - 1).sum())
    occupied = np.flatnonzero(encoded.lengths).tolist()
    sources = Sentences([encoded[index] for index in occupied]).cut_to(max_tokens - 1)
    search = search_program(translator, devices, beam, length_penalty, extra_tokens, n_best)

    results: list[list[Translation]] = [[] for _ in sentences]
    met: set[tuple[int, ...]] = set()
    timed_sentences, timed_seconds = 0, 0.0
    for indices, batch in evaluation_batches(Examples(sources), batch_sentences):
        batch_begin = time.monotonic()
        limits_B = np.zeros(len(batch["source_BS"]), np.int32)
        limits_B[: len(indices)] = 3 * sources.lengths[indices] // 2 + extra_tokens
        found = search(params, {"source_BS": batch["source_BS"], "limits_B": limits_B})
        for row, index in enumerate(indices):
            results[occupied[index]] = _read(found, row, vocabularies, scored=beam > 1)
        if batch["source_BS"].shape in met:
            timed_sentences += len(indices)
            timed_seconds += time.monotonic() - batch_begin
        met.add(batch["source_BS"].shape)
        if progress:
            progress(len(indices))
    if progress and len(occupied) < len(sentences):
        progress(len(sentences) - len(occupied))

    assert sum(map(bool, results)) == len(occupied), "a sentence was lost on the way"
    nothing = [Translation("", (), 0.0 if beam > 1 else None, True)]
    rate = timed_sentences / timed_seconds if timed_seconds else None
    return Translations([found or nothing for found in results], truncated, time.monotonic() - begin, rate)


@lru_cache(maxsize=16)  # so that translating again, at each validation, compiles nothing again
def search_program(
    translator: Translator, devices: Runner, beam: int, length_penalty: float, extra_tokens: int, n_best: int
) -> Callable[[Any, dict[str, np.ndarray]], Hypotheses]:
    """The compiled search that `translate` runs: (params, {"source_BS", "limits_B"}) -> hypotheses."""

    def search(params: Any, batch: dict[str, jax.Array]) -> Hypotheses:
        source_BS, limits_B = batch["source_BS"], batch["limits_B"]
        longest = 3 * (source_BS.shape[1] - 1) // 2 + extra_tokens
        apply = partial(translator.apply, {"params": params})
        memory = apply(source_BS, method="encode")
        cache = apply(memory, hypotheses=beam, max_length=longest, method="start")
        step = partial(apply, memory, method="step")
        marks: dict[str, Any] = {"limits_B": limits_B, "max_tokens": longest, "pad": PAD, "bos": BOS, "eos": EOS}
        if beam > 1:
            reorder = partial(apply, method="reorder")
            return beam_search(step, reorder, cache, beam=beam, length_penalty=length_penalty, n_best=n_best, **marks)
        tokens_BNT = greedy(step, cache, **marks)[:, None]
        return Hypotheses(tokens_BNT, jax.numpy.zeros(tokens_BNT.shape[:2]), (tokens_BNT == EOS).any(axis=-1))

    return devices.run(search)


def _read(found: Hypotheses, row: int, vocabularies: Vocabularies, scored: bool) -> list[Translation]:
    read = []
    for tokens_T, score, ended in zip(found.tokens_BNT[row], found.scores_BN[row], found.ended_BN[row], strict=True):
        if score > -np.inf:
            ids = tuple(tokens_T[(tokens_T != PAD) & (tokens_T != EOS)].tolist())
            text = vocabularies.target.decode(ids)
            read.append(Translation(text, ids, float(score) if scored else None, bool(ended)))
    return read

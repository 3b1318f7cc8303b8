"""The embedded corpus: English to Korean from a small synchronous grammar, its word alignment known exactly.

`generate` is the entry of this package, and `generate_chunks` that for a training split too large to be held;
docs/corpus.md shows examples. Nothing is read from disk or the network.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from research.data.chunked_text import Chunk, ranges
from research.data.embedded.clauses import Clauses, Sentence
from research.data.embedded.words import Lexicon
from research.data.pairs import Pair

SPLITS = ("test", "validation", "train")  # drawn in this order, so that no test split depends on the training split
PATIENCE = 1_000  # repeated sentences in a row before the grammar counts as used up
CONSONANT_SOUNDS = ("uniform",)  # words that keep `a` before a written vowel
MOST_CLAUSES = 8
DRAWN_AT_ONCE = 1_000  # pairs whose alignment is held, which takes more room than their text


def generate(
    *,
    seed: int,
    train_pairs: int,
    validation_pairs: int,
    test_pairs: int,
    clauses: int,
    reordering: float,
    words: float,
    ambiguity: float,
    noise: float,
) -> dict[str, list[Pair]]:
    """Generate the splits "train", "validation" and "test"; every English sentence is in one split, once.

    The result depends on the arguments alone. For one seed, a larger training split begins with the smaller one.

    Args:
        seed: of the random draws.
        train_pairs: sentence pairs of the training split.
        validation_pairs: sentence pairs of the validation split.
        test_pairs: sentence pairs of the test split.
        clauses: the most clauses of a sentence; every number from 1 to it is equally likely.
        reordering: share of verbs whose sentences are put verb-final. The main verb decides, so the source shows it.
            All other sentences keep the English order: each Korean word stands where the last word it translates does.
        words: share of every word list that is used, the frequent words first.
        ambiguity: probability that a noun, verb or adjective is one whose translation depends on its context.
        noise: probability that a target word of the training split becomes another word of that split, unaligned.

    Returns:
        The pairs of each split, with their word alignment.

    Raises:
        ValueError: a value is out of range, or the grammar has fewer different sentences.
    """
    sizes = {"train": train_pairs, "validation": validation_pairs, "test": test_pairs}
    _check(sizes, clauses, {"reordering": reordering, "words": words, "ambiguity": ambiguity, "noise": noise})
    lexicon = Lexicon(words)
    seen: set[str] = set()
    splits = {}
    for split in SPLITS:
        grammar = Clauses(lexicon, random.Random(f"{split} {seed}"), ambiguity)  # a string: seeded by SHA-512
        splits[split] = _draw(grammar, sizes[split], clauses, reordering, seen)
    if noise:
        splits["train"] = _noisy(splits["train"], noise, random.Random(f"noise {seed}"))
    return {split: splits[split] for split in sizes}


def generate_chunks(knobs: dict[str, Any]) -> Iterator[Chunk]:
    """Yield the chunks of a training split, each of which any process can generate.

    No sentence is in a test or validation split too, or twice in a chunk; chunks may share sentences. A larger training
    split begins with the chunks of a smaller one, all but its last.

    Args:
        knobs: the arguments of `generate`. Noise takes its words from the chunk.
    """
    for number, pairs in enumerate(ranges(knobs["train_pairs"])):
        yield GeneratedChunk(tuple(sorted(knobs.items())), number, len(pairs))


@dataclass(frozen=True)
class GeneratedChunk:
    """A chunk of a training split; called with n, it generates its first n pairs."""

    knobs: tuple[tuple[str, Any], ...]
    number: int
    pairs: int

    def __call__(self, most: int) -> list[Pair]:
        """Generate the first pairs, at most `most`."""
        knobs = dict(self.knobs)
        dice = random.Random(f"train {knobs['seed']} {self.number}")
        grammar = Clauses(Lexicon(knobs["words"]), dice, knobs["ambiguity"])
        seen, size, pairs = set(_held_out(self.knobs)), min(most, self.pairs), list[Pair]()
        while len(pairs) < size:
            some = _draw(grammar, min(DRAWN_AT_ONCE, size - len(pairs)), knobs["clauses"], knobs["reordering"], seen)
            pairs += [Pair(pair.source, pair.target) for pair in some]  # training reads no alignment
        if knobs["noise"]:
            pairs = _noisy(pairs, knobs["noise"], random.Random(f"noise {knobs['seed']} {self.number}"))
        return pairs


@lru_cache(maxsize=1)
def _held_out(knobs: tuple[tuple[str, Any], ...]) -> frozenset[str]:
    """Return the English sentences of the test and validation splits."""
    splits = generate(**{**dict(knobs), "train_pairs": 1})
    return frozenset(pair.source for name in ("test", "validation") for pair in splits[name])


def _check(sizes: dict[str, int], clauses: int, shares: dict[str, float]) -> None:
    for split, size in sizes.items():
        if size < 1:
            raise ValueError(f"data.embedded.{split}_pairs={size}: a split needs at least 1 pair")
    if not 1 <= clauses <= MOST_CLAUSES:
        raise ValueError(f"data.embedded.clauses={clauses}: take a number from 1 to {MOST_CLAUSES}")
    for name, share in shares.items():
        if not 0.0 <= share <= 1.0 or (name == "words" and share == 0.0):
            least = "above 0" if name == "words" else "from 0"
            raise ValueError(f"data.embedded.{name}={share}: take a share {least} to 1")


def _draw(grammar: Clauses, size: int, clauses: int, reordering: float, seen: set[str]) -> list[Pair]:
    """Draw `size` pairs whose sources are not in `seen`, and add them to it."""
    pairs: list[Pair] = []
    misses = 0
    while len(pairs) < size:
        sentence = grammar.sentence(1 + int(grammar.dice.random() * clauses))
        pair = to_pair(sentence, verb_final=sentence.order < reordering)
        misses = misses + 1 if pair.source in seen else 0
        if misses == PATIENCE:
            raise ValueError(
                f"the embedded corpus has too few different sentences at these settings: {len(seen):,} were found; ask "
                "for fewer pairs, or raise data.embedded.words or data.embedded.clauses"
            )
        if not misses:
            seen.add(pair.source)
            pairs.append(pair)
    return pairs


def to_pair(sentence: Sentence, verb_final: bool = True) -> Pair:
    """Return the sentence as text with its links; the Korean in its own order if `verb_final`, else in the English."""
    position = {id(word): index for index, word in enumerate(sentence.english)}
    target = [(word.text, sorted(position[id(source)] for source in word.words)) for word in sentence.korean]
    if not verb_final:
        target.sort(key=lambda word: word[1][-1])  # stable
    links = sorted((source, index) for index, (_, sources) in enumerate(target) for source in set(sources))
    return Pair(_spell([word.text for word in sentence.english]), " ".join(text for text, _ in target), tuple(links))


def _spell(words: list[str]) -> str:
    """Join the words to a sentence: `an` for `a` before a vowel, and a capital at the beginning."""
    for index, following in enumerate(words[1:]):
        if words[index] == "a" and following[0] in "aeiou" and following not in CONSONANT_SOUNDS:
            words[index] = "an"
    words[0] = words[0][0].upper() + words[0][1:]
    return " ".join(words)


def _noisy(pairs: list[Pair], noise: float, dice: random.Random) -> list[Pair]:
    """Replace target words, but for the full stop, by words drawn from all target words."""
    words = [word for pair in pairs for word in pair.target.split()[:-1]]
    noisy = []
    for pair in pairs:
        target = pair.target.split()
        replaced = {index for index in range(len(target) - 1) if dice.random() < noise}
        for index in replaced:
            target[index] = words[int(dice.random() * len(words))]
        links = tuple(link for link in pair.alignment if link[1] not in replaced)
        noisy.append(Pair(pair.source, " ".join(target), links))
    return noisy

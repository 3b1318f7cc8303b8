"""The tables of the embedded corpus as entries that can be drawn: a long-tailed choice within each list.

Every list is in the order of frequency: the word of rank r is drawn in proportion to 1 / (r + `FLAT`), Zipf's law with
its top made flat. `Lexicon(share)` keeps the first part of every list.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

from research.data.embedded import lexicon, predicates
from research.data.embedded.predicates import GROUPS

Item = TypeVar("Item")
FLAT = 3.0
VALENCIES = ("transitive", "intransitive", "giving", "motion", "saying")


class Pool(Generic[Item]):
    """Items to draw from, each with its weight; Zipf's weights in the order of the items unless others are given."""

    def __init__(self, items: Sequence[Item], weights: Iterable[float] = ()):
        self.items = tuple(items)
        self._edges = list(accumulate(weights or zipf(len(self.items))))

    @classmethod
    def among(cls, items: Sequence[Item], fits: Callable[[Item], bool]) -> "Pool[Item]":
        """Return the items that fit; each keeps the weight that it has in the whole list."""
        kept = [(item, weight) for item, weight in zip(items, zipf(len(items)), strict=True) if fits(item)]
        return cls([item for item, _ in kept], [weight for _, weight in kept])

    def __len__(self) -> int:
        return len(self.items)

    def draw(self, dice: random.Random) -> Item:
        point = dice.random() * self._edges[-1]
        return self.items[min(bisect_right(self._edges, point), len(self.items) - 1)]


def zipf(count: int) -> list[float]:
    """Return the weight of each rank, from the most frequent on."""
    return [1.0 / (rank + FLAT) for rank in range(count)]


class Noun(NamedTuple):
    """A noun in one meaning."""

    kind: str  # its class: person, animal, food, ...
    singular: str
    plural: str  # "": none
    korean: str
    counter: str  # the Korean word that counts it
    before: str  # the preposition of a place
    number: str  # count | mass | plural | unique


class Sense(NamedTuple):
    """A verb in one meaning."""

    verb: tuple[str, str, str]  # base, past, -ing; _ joins words
    subjects: frozenset[str]  # classes of nouns
    objects: frozenset[str]  # empty: it takes no object
    stem: str
    particle: str  # of the object
    instrument: str  # class that `with` takes, or ""
    state: bool
    order: float  # 0 to 1; a sentence with this main verb is verb-final if it is below `reordering`


class Adjective(NamedTuple):
    """An adjective with its translation for each class of nouns."""

    english: str
    senses: dict[str, str]  # class -> stem, or the word itself after ^
    order: float


def spread(rank: int) -> float:
    """Return a number in [0, 1) for a rank; the first n ranks are spread evenly, for every n (golden ratio)."""
    return (0.5 + rank * 0.618033988749895) % 1.0


def plural(noun: str) -> str:
    """Return the plural of an English noun."""
    if noun in lexicon.PLURALS:
        return lexicon.PLURALS[noun]
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"


def pairs(table: str) -> list[tuple[str, str]]:
    """Read a table of entries: "Kim 김, Lee 이" gives [("Kim", "김"), ("Lee", "이")]."""
    split = [entry.split(maxsplit=1) for entry in table.replace("\n", " ").split(",")]
    return [(english, korean) for english, korean in split]


def lines(table: str) -> list[str]:
    """Return the lines of a table; an indented line continues the line before."""
    return table.strip().replace("\n    ", " ").splitlines()


def _noun(kind: str, english: str, korean: str, counter: str) -> Noun:
    number = {"~": "mass", "=": "plural", "!": "unique"}.get(english[0], "count")
    english = english.lstrip("~=!")
    korean, _, before = korean.partition("@")
    korean, _, own = korean.partition("/")
    before = before or ("at" if kind == "building" else "in")
    return Noun(kind, english, plural(english) if number == "count" else "", korean, own or counter, before, number)


def _read_nouns() -> tuple[dict[str, list[Noun]], dict[str, list[Noun]]]:
    plain: dict[str, list[Noun]] = {}
    counters = {}
    for line in lines(lexicon.NOUNS):
        head, _, entries = line.partition(":")
        kind, counters[kind] = head.split()
        plain[kind] = [_noun(kind, english, korean, counters[kind]) for english, korean in pairs(entries)]
    ambiguous = {}
    for line in lines(lexicon.AMBIGUOUS_NOUNS):
        english, _, senses = line.partition(":")
        ambiguous[english] = [
            _noun(kind.lstrip("~"), ("~" if kind[0] == "~" else "") + english, korean, counters[kind.lstrip("~")])
            for kind, korean in pairs(senses)
        ]
    return plain, ambiguous


def classes(words: str) -> frozenset[str]:
    """Return the classes that are named, each group replaced by its classes."""
    opened: set[str] = set()
    for word in words.split():
        opened |= classes(GROUPS[word]) if word in GROUPS else {word}
    return frozenset(opened)


def _read_verbs(table: str, first: int) -> list[list[Sense]]:
    verbs: list[list[Sense]] = []
    for rank, line in enumerate(lines(table), first):
        forms, _, senses = line.partition(": ")
        base, past, ing = forms.lstrip("!").split()
        verbs.append([])
        for sense in senses.split("; "):
            left, _, right = sense.partition(" = ")
            subjects, _, objects = left.partition(" > ")
            stem, _, instrument = right.partition(" +")
            particle = "을"
            if stem.startswith("{"):
                particle, _, stem = stem[1:].partition("}")
            verbs[-1].append(
                Sense(
                    (base, past, ing),
                    classes(subjects),
                    classes(objects),
                    stem,
                    particle,
                    instrument,
                    forms.startswith("!"),
                    spread(rank),
                )
            )
    return verbs


def _read_adjectives() -> list[Adjective]:
    adjectives = []
    for rank, line in enumerate(lines(predicates.ADJECTIVES)):
        english, _, senses = line.partition(": ")
        stems: dict[str, str] = {}
        for sense in senses.split("; "):
            kinds, _, stem = sense.partition(" = ")
            for kind in classes(kinds):
                stems.setdefault(kind, stem)
        adjectives.append(Adjective(english, stems, spread(rank)))
    return adjectives


def _read_names(kept) -> tuple[list[tuple[str, str]], list[float], list[tuple[str, str]]]:
    """Return Korean given names, their weights, and foreign names; no two are spelt alike in English."""
    first, second = kept(pairs(lexicon.GIVEN_FIRST)), kept(pairs(lexicon.GIVEN_SECOND))
    given: dict[str, tuple[str, float]] = {}
    for (latin, hangul), weight in zip(first, zipf(len(first)), strict=True):
        for (next_latin, next_hangul), next_weight in zip(second, zipf(len(second)), strict=True):
            if hangul != next_hangul:
                given.setdefault(latin + next_latin, (hangul + next_hangul, weight * next_weight))
    names = [(english, korean) for english, (korean, _) in given.items()]
    return names, [weight for _, weight in given.values()], kept(pairs(lexicon.FOREIGN_NAMES))


class Lexicon:
    """The words in use: the first `share` of every list.

    Ambiguous words, whose Korean depends on the context, have lists of their own.
    """

    def __init__(self, share: float):
        def kept(items):
            return items[: math.ceil(len(items) * share)]

        plain, ambiguous = _read_nouns()
        self.nouns = {kind: kept(entries) for kind, entries in plain.items()}
        self.ambiguous_nouns = dict(kept(list(ambiguous.items())))
        self.verbs: dict[tuple[str, bool], list[list[Sense]]] = {}
        for number, valency in enumerate(VALENCIES):  # 7 apart: the commonest verbs of two tables differ in order
            verbs = _read_verbs(getattr(predicates, valency.upper()), 7 * number)
            for unsure in (False, True):
                chosen = [verb for verb in verbs if (len({sense.stem for sense in verb}) > 1) == unsure]
                self.verbs[valency, unsure] = kept(chosen)
        adjectives = _read_adjectives()
        self.adjectives = {
            unsure: kept([word for word in adjectives if (len(set(word.senses.values())) > 1) == unsure])
            for unsure in (False, True)
        }
        given, weights, foreign = _read_names(kept)
        self.given, self.foreign = Pool(given, weights), Pool(foreign)
        self.surnames, self.titles, self.counts, self.hours, self.months, self.weekdays, self.seasons, self.manner = (
            Pool(kept(pairs(table)))
            for table in (
                lexicon.SURNAMES, lexicon.TITLES, lexicon.COUNTS, lexicon.HOURS, lexicon.MONTHS, lexicon.WEEKDAYS,
                lexicon.SEASONS, predicates.MANNER,
            )
        )  # fmt: skip
        self.times = {tense: Pool(kept(pairs(table))) for tense, table in predicates.TIMES.items()}
        self.years, self.days = Pool(kept(range(2024, 1949, -1))), Pool(kept(range(1, 29)))
        self.noun_pool = cache(self._noun_pool)
        self.unsure_noun_pool = cache(self._unsure_noun_pool)
        self.verb_pool = cache(self._verb_pool)
        self.adjective_pool = cache(self._adjective_pool)

    def _noun_pool(self, kinds: frozenset[str]) -> Pool[Noun]:
        """Return the nouns of these classes; a class weighs the square root of its size."""
        items, weights = [], []
        for kind in sorted(kinds):
            entries = self.nouns[kind]
            weight = zipf(len(entries))
            items += entries
            weights += [w / sum(weight) * math.sqrt(len(entries)) for w in weight]
        return Pool(items, weights)

    def _unsure_noun_pool(self, kinds: frozenset[str], possible: frozenset[str]) -> Pool[Noun]:
        """Return the ambiguous nouns that the context decides: one sense in `kinds`, no other in `possible`."""
        items = []
        for senses in self.ambiguous_nouns.values():
            fitting = [noun for noun in senses if noun.kind in possible]
            if len(fitting) == 1 and fitting[0].kind in kinds:
                items.append(fitting[0])
        return Pool(items)

    def _verb_pool(self, valency: str, unsure: bool, role: str, kinds: frozenset[str]) -> Pool[list[Sense]]:
        """Return the verbs that can have one of these classes as `role`: "subjects" or "objects"; no classes: all."""

        def fits(verb: list[Sense]) -> bool:
            return not kinds or any(kinds.intersection(getattr(sense, role)) for sense in verb)

        return Pool.among(self.verbs[valency, unsure], fits)

    def _adjective_pool(self, kind: str, unsure: bool, predicate: bool) -> Pool[Adjective]:
        """Return the adjectives that nouns of class `kind` can have ("": of any class).

        predicate: leave out those that can only stand before a noun.
        """

        def fits(adjective: Adjective) -> bool:
            stems = [stem for of, stem in adjective.senses.items() if kind in ("", of)]
            return bool(stems) and not (predicate and any(stem.startswith("^") for stem in stems))

        return Pool.among(self.adjectives[unsure], fits)

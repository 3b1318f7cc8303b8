"""The tables of the embedded corpus as entries that can be drawn: a long-tailed choice within each list.

Every list is in the order of frequency: the word of rank r is drawn in proportion to 1 / (r + `FLAT`), Zipf's law with
its top made flat. `Lexicon(share)` keeps the first part of every list.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

from research.data.embedded import lexicon, predicates
from research.data.embedded.predicates import GROUPS

Item = TypeVar("Item")
FLAT = 3.0
VALENCIES = ("transitive", "intransitive", "giving", "motion", "saying")


class Pool(Generic[Item]):
    """Items with weights, to draw from."""

    def __init__(self, items: Sequence[Item], weights: Iterable[float] = ()):
        self.items = tuple(items)
        self._edges = list(accumulate(weights or zipf(len(self.items))))

    def __len__(self) -> int:
        return len(self.items)

    def draw(self, dice: random.Random) -> Item:
        point = dice.random() * self._edges[-1]
        return self.items[min(bisect_right(self._edges, point), len(self.items) - 1)]


def zipf(count: int) -> list[float]:
    return [1.0 / (rank + FLAT) for rank in range(count)]


class Noun(NamedTuple):
    kind: str  # its class
    singular: str
    plural: str  # "": it has none
    korean: str
    counter: str
    before: str  # the preposition of a place
    number: str  # count | mass | plural | unique


class Sense(NamedTuple):
    """One verb in one meaning. `objects` is empty for a verb that takes none."""

    verb: tuple[str, str, str]  # base, past, -ing; _ joins words
    subjects: frozenset[str]
    objects: frozenset[str]
    stem: str
    particle: str  # of the object
    instrument: str  # class that `with` takes, or ""
    state: bool
    order: float  # 0 to 1: a sentence with this main verb is verb-final when below `reordering`


class Adjective(NamedTuple):
    english: str
    senses: dict[str, str]  # class -> stem, or the word itself after ^
    order: float


def spread(rank: int) -> float:
    """Rank -> [0, 1), evenly over any first ranks (the golden ratio's sequence)."""
    return (0.5 + rank * 0.618033988749895) % 1.0


def plural(noun: str) -> str:
    if noun in lexicon.PLURALS:
        return lexicon.PLURALS[noun]
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"


def pairs(table: str) -> list[tuple[str, str]]:
    """ "Kim 김, Lee 이" -> [("Kim", "김"), ("Lee", "이")]."""
    split = [entry.split(maxsplit=1) for entry in table.replace("\n", " ").split(",")]
    return [(english, korean) for english, korean in split]


def lines(table: str) -> list[str]:
    """The lines of a table; one that is indented goes on with the line before."""
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
    """The classes that are named, groups opened."""
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
    """Korean given names with their weights, and foreign names. No two names are written alike in English."""
    first, second = kept(pairs(lexicon.GIVEN_FIRST)), kept(pairs(lexicon.GIVEN_SECOND))
    given: dict[str, tuple[str, float]] = {}
    for (latin, hangul), weight in zip(first, zipf(len(first)), strict=True):
        for (next_latin, next_hangul), next_weight in zip(second, zipf(len(second)), strict=True):
            if hangul != next_hangul:
                given.setdefault(latin + next_latin, (hangul + next_hangul, weight * next_weight))
    names = [(english, korean) for english, (korean, _) in given.items()]
    return names, [weight for _, weight in given.values()], kept(pairs(lexicon.FOREIGN_NAMES))


class Lexicon:
    """All that can be said, with the first `share` of every list.

    `ambiguous` below tells two lists apart: the words whose Korean the context decides, and the others.
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
        listed = lexicon
        self.surnames, self.titles = Pool(kept(pairs(listed.SURNAMES))), Pool(kept(pairs(listed.TITLES)))
        self.counts, self.hours = Pool(kept(pairs(listed.COUNTS))), Pool(kept(pairs(listed.HOURS)))
        self.months, self.weekdays = Pool(kept(pairs(listed.MONTHS))), Pool(kept(pairs(listed.WEEKDAYS)))
        self.seasons, self.manner = Pool(kept(pairs(listed.SEASONS))), Pool(kept(pairs(predicates.MANNER)))
        self.times = {tense: Pool(kept(pairs(table))) for tense, table in predicates.TIMES.items()}
        self.years, self.days = Pool(kept(range(2024, 1949, -1))), Pool(kept(range(1, 29)))
        self.noun_pool = cache(self._noun_pool)
        self.unsure_noun_pool = cache(self._unsure_noun_pool)
        self.verb_pool = cache(self._verb_pool)
        self.adjective_pool = cache(self._adjective_pool)

    def _noun_pool(self, kinds: frozenset[str]) -> Pool[Noun]:
        """The nouns of these classes. A class weighs the square root of its size."""
        items, weights = [], []
        for kind in sorted(kinds):
            entries = self.nouns[kind]
            weight = zipf(len(entries))
            items += entries
            weights += [w / sum(weight) * math.sqrt(len(entries)) for w in weight]
        return Pool(items, weights)

    def _unsure_noun_pool(self, kinds: frozenset[str], possible: frozenset[str]) -> Pool[Noun]:
        """The ambiguous nouns with one sense in `kinds` and no other in `possible`: those that the context decides."""
        items = []
        for senses in self.ambiguous_nouns.values():
            fitting = [noun for noun in senses if noun.kind in possible]
            if len(fitting) == 1 and fitting[0].kind in kinds:
                items.append(fitting[0])
        return Pool(items)

    def _verb_pool(self, valency: str, unsure: bool, role: str, kinds: frozenset[str]) -> Pool[list[Sense]]:
        """The verbs that can have one of the classes as `role`, "subjects" or "objects"; only the senses that do."""
        items, weights = [], []
        verbs = self.verbs[valency, unsure]
        for verb, weight in zip(verbs, zipf(len(verbs)), strict=True):
            if not kinds or any(kinds.intersection(getattr(sense, role)) for sense in verb):
                items.append(verb)
                weights.append(weight)
        return Pool(items, weights)

    def _adjective_pool(self, kind: str, unsure: bool, predicate: bool) -> Pool[Adjective]:
        """The adjectives that `kind` can have; `kind` "": any. Predicates: without those that only precede nouns."""
        items, weights = [], []
        for adjective, weight in zip(self.adjectives[unsure], zipf(len(self.adjectives[unsure])), strict=True):
            stems = [adjective.senses[kind]] if kind in adjective.senses else []
            if not kind:
                stems = list(adjective.senses.values())
            if stems and not (predicate and any(stem.startswith("^") for stem in stems)):
                items.append(adjective)
                weights.append(weight)
        return Pool(items, weights)

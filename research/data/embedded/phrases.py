"""Noun phrases and adverbials of the embedded corpus, built in both languages at once.

A phrase holds the English words in English order and the Korean ones in Korean order; a Korean word remembers the
English words that it translates. Orders and links are so never computed after the fact.
"""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from research.data.embedded.korean import connect, with_particle
from research.data.embedded.words import Lexicon, Noun, Sense

BARE = ("sport", "chess", "study")  # never with an article
PEOPLE_AND_ANIMALS = ("person", "animal", "bird")
POSSESSIVES = {"my": "내", "his": "그의", "her": "그녀의", "our": "우리", "their": "그들의"}
PRONOUNS = {"he": "그", "she": "그녀", "they": "그들"}
BEHIND = {"behind": "뒤", "beside": "옆"}


@dataclass(eq=False, slots=True)
class Word:
    """An English word of the sentence; two words are the same only if they are one object."""

    text: str


@dataclass(eq=False, slots=True)
class Eojeol:
    """A Korean word with its particle or ending, and the English words it stands for."""

    text: str
    words: list[Word] = field(default_factory=list)


@dataclass(slots=True)
class Phrase:
    english: list[Word]
    korean: list[Eojeol]
    kind: str = ""
    plural: bool = False
    heavy: bool = False  # ends in a clause, so that nothing of the outer clause may follow

    def marked(self, particle: str, *words: Word) -> list[Eojeol]:
        """The Korean, its last word with the particle; `words` is the English of that particle."""
        *before, last = self.korean
        return [*before, Eojeol(with_particle(last.text, particle), [*words, *last.words])]


def english(text: str) -> list[Word]:
    return [Word(word) for word in text.split("_")]


def korean(text: str, words: list[Word]) -> list[Eojeol]:
    return [Eojeol(word, list(words)) for word in text.replace("_", " ").split()]


class Opening(NamedTuple):
    """A relative clause decided upon before its head: which verb, and which classes the head may then have."""

    valency: str
    gap: str  # the role of the head: subjects | objects
    verb: list[Sense]
    kinds: frozenset[str]


class NounPhrases:
    """The grammar of noun phrases and adverbials. `Clauses` adds the verbs, and with them relative clauses."""

    def __init__(self, lexicon: Lexicon, dice: random.Random, ambiguity: float):
        self.lexicon, self.dice, self.ambiguity = lexicon, dice, ambiguity

    def chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    def one_of(self, items):
        return items[int(self.dice.random() * len(items))]

    def opening(self, kinds: frozenset[str], budget: int) -> Opening | None:
        raise NotImplementedError

    def relative(self, opening: Opening, head: Noun, plural: bool, budget: int) -> Phrase:
        raise NotImplementedError

    # -- noun phrases

    def noun_phrase(
        self, kinds: frozenset[str], possible: frozenset[str], *, subject: bool = False, budget: int = 0, simple=False
    ) -> Phrase:
        """A noun phrase of one of the classes `kinds`.

        possible: the classes that the English verb would also allow; an ambiguous noun with a sense in `kinds` and
        another in `possible` would be undecided, and is not used. budget: relative clauses to spend inside.
        """
        if "person" in kinds and (len(kinds) == 1 or self.chance(0.7)):
            if not budget and self.chance(0.5):
                return self.pronoun() if subject and not simple and self.chance(0.2) else self.name()
            kinds = frozenset(["person"])
        opening = self.opening(kinds, budget) if budget else None
        if opening:
            kinds, possible = kinds & opening.kinds, possible & opening.kinds
        noun = self.noun(kinds, possible)
        if not budget and not simple and noun.number != "unique" and self.chance(0.07):
            second = self.noun(kinds, possible)
            other = self.name() if noun.kind == "person" and self.chance(0.5) else self.bare_phrase(second)
            if second.singular != noun.singular:
                return self.both(self.bare_phrase(noun), other)
        phrase = self.common_phrase(noun, simple)
        if opening:
            clause = self.relative(opening, noun, phrase.plural, budget - 1)
            phrase.english, phrase.heavy = phrase.english + clause.english, True
            phrase.korean = clause.korean + phrase.korean
        return phrase

    def noun(self, kinds: frozenset[str], possible: frozenset[str]) -> Noun:
        if self.chance(self.ambiguity):
            unsure = self.lexicon.unsure_noun_pool(kinds, possible)
            if len(unsure):
                return unsure.draw(self.dice)
        return self.lexicon.noun_pool(kinds).draw(self.dice)

    def common_phrase(self, noun: Noun, simple: bool) -> Phrase:
        """Determiner, numeral, adjectives, noun and a modifier after it. Korean: numeral and modifier come before."""
        dice, lexicon = self.dice, self.lexicon
        many, numbered = noun.number == "plural", False
        adjectives = [] if noun.number == "unique" else self.adjectives(noun.kind, 0.15 if simple else 0.45)
        counted = noun.number == "count" and noun.kind != "body"
        before: list[Word] = []
        front: list[Eojeol] = []  # what Korean puts before the adjectives
        if noun.kind in BARE or noun.kind == "city":
            adjectives = adjectives if noun.kind in BARE and self.chance(0.3) else []
        elif noun.kind == "body" or (noun.number != "unique" and self.chance(0.14)):
            if self.chance(0.3):
                owner = self.name()
                owner.english[-1].text += "'s"
                before, front = owner.english, owner.marked("의")
            else:
                word = self.one_of(tuple(POSSESSIVES))
                before = english(word)
                front = korean(POSSESSIVES[word], before)
        elif counted and not simple and self.chance(0.12):
            number, korean_number = lexicon.counts.draw(dice)
            before = english(number)
            front = [Eojeol(korean_number, before), Eojeol(noun.counter + "의", before)]
            many = numbered = True
        elif counted and not simple and self.chance(0.06):
            before = english("many")
            front, many = korean("많은", before), True
        elif noun.number != "unique" and not many and self.chance(0.06):
            before = english("this")
            front = korean("이", before)
        elif counted and self.chance(0.25):
            before = english("a")
        elif noun.number == "mass" and self.chance(0.5):
            pass
        else:
            before = english("the")
            many = many or (counted and not simple and self.chance(0.15))
        word = english(noun.plural if many and noun.number == "count" else noun.singular)
        several = many and noun.kind in PEOPLE_AND_ANIMALS and not numbered
        head = korean(noun.korean + ("들" if several else ""), word)
        after, modifier = ([], []) if simple else self.modifier(noun)
        return Phrase(
            before + [word for phrase in adjectives for word in phrase.english] + word + after,
            modifier + front + [word for phrase in adjectives for word in phrase.korean] + head,
            noun.kind,
            many,
        )

    def bare_phrase(self, noun: Noun) -> Phrase:
        bare = noun.kind in BARE or noun.kind == "city" or noun.number == "mass"
        article = [] if bare else english("the")
        word = english(noun.singular)
        return Phrase(article + word, korean(noun.korean, word), noun.kind, noun.number == "plural")

    def both(self, one: Phrase, other: Phrase) -> Phrase:
        """Two phrases with `and`, which becomes 과/와 on the first."""
        link = english("and")
        return Phrase(one.english + link + other.english, one.marked("과", *link) + other.korean, one.kind, True)

    def adjectives(self, kind: str, probability: float) -> list[Phrase]:
        phrases: list[Phrase] = []
        while len(phrases) < 2 and self.chance(probability):
            pool = self.lexicon.adjective_pool(kind, self.chance(self.ambiguity), False)
            if not len(pool):
                break
            adjective = pool.draw(self.dice)
            words, stem = english(adjective.english), adjective.senses[kind]
            text = stem[1:] if stem.startswith("^") else connect(stem, "ㄴ")
            if all(text != phrase.korean[0].text for phrase in phrases):
                phrases.append(Phrase(words, korean(text, words)))
            probability *= 0.4
        return phrases

    def modifier(self, noun: Noun) -> tuple[list[Word], list[Eojeol]]:
        """`about history`, `from Busan`, `near the lake` after it; before it 역사에 대한, 부산에서 온, 호수 근처의."""
        if noun.kind in ("book", "film", "song") and self.chance(0.25):
            topic = self.bare_phrase(self.noun_of(self.one_of(("study", "animal", "lake", "city", "event"))))
            word = english("about")
            return word + topic.english, topic.marked("에") + korean("대한", word)
        if noun.kind == "person" and self.chance(0.12):
            town = self.bare_phrase(self.noun_of("city"))
            word = english("from")
            return word + town.english, town.marked("에서") + korean("온", word)
        if noun.kind == "building" and self.chance(0.2):
            mark = self.bare_phrase(self.noun_of(self.one_of(("lake", "building"))))
            word = english("near")
            return word + mark.english, mark.korean + korean("근처의", word)
        return [], []

    def noun_of(self, kind: str) -> Noun:
        return self.lexicon.noun_pool(frozenset([kind])).draw(self.dice)

    def name(self) -> Phrase:
        """`Minji`, `Minji Kim` (김민지: one word, turned round), `Professor Kim` (김 교수) or a foreign name."""
        dice, lexicon = self.dice, self.lexicon
        turn = dice.random()
        if turn < 0.3:
            latin, hangul = lexicon.foreign.draw(dice)
            words = english(latin)
            return Phrase(words, korean(hangul, words), "person")
        if turn < 0.45:
            (title, korean_title), (surname, family) = lexicon.titles.draw(dice), lexicon.surnames.draw(dice)
            words, title_words = english(surname), english(title)
            return Phrase(title_words + words, korean(family, words) + korean(korean_title, title_words), "person")
        latin, hangul = lexicon.given.draw(dice)
        words = english(latin)
        if turn < 0.8:
            return Phrase(words, korean(hangul, words), "person")
        surname, family = lexicon.surnames.draw(dice)
        words += english(surname)
        return Phrase(words, korean(family + hangul, words), "person")

    def pronoun(self) -> Phrase:
        word = self.one_of(tuple(PRONOUNS))
        words = english(word)
        return Phrase(words, korean(PRONOUNS[word], words), "person", word == "they")

    # -- adverbials

    def place(self) -> Phrase:
        """`in the park`: 공원에서; `behind the house`: 집 뒤에서."""
        turn = self.dice.random()
        kind = frozenset(["place" if turn < 0.45 else "building" if turn < 0.8 else "city"])
        noun = self.noun(kind, kind)  # the preposition decides: at the bank, on the bank
        place = self.common_phrase(noun, simple=True)
        if noun.kind == "building" and self.chance(0.2):
            side = self.one_of(tuple(BEHIND))
            words = english(side)
            return Phrase(words + place.english, place.korean + korean(BEHIND[side] + "에서", words))
        words = english(noun.before)
        return Phrase(words + place.english, place.marked("에서", *words))

    def instrument(self, kind: str) -> Phrase:
        """`with the knife`: 칼로."""
        words, tool = english("with"), self.common_phrase(self.noun_of(kind), simple=True)
        return Phrase(words + tool.english, tool.marked("으로", *words))

    def company(self) -> Phrase:
        """`with Minji`: 민지와 함께."""
        words = english("with")
        person = self.name() if self.chance(0.5) else self.common_phrase(self.noun_of("person"), simple=True)
        return Phrase(words + person.english, person.marked("과") + korean("함께", words))

    def manner(self) -> Phrase:
        latin, hangul = self.lexicon.manner.draw(self.dice)
        words = english(latin)
        return Phrase(words, korean(hangul, words))

    def time(self, tense: str) -> Phrase:
        """A date, a day, an hour or a word such as `yesterday`, as the tense allows."""
        dice, lexicon, turn = self.dice, self.lexicon, self.dice.random()
        if turn < 0.12:
            (month, number), day = lexicon.months.draw(dice), lexicon.days.draw(dice)
            on, name, date = english("on"), english(month), english(str(day))
            return Phrase(on + name + date, korean(f"{number}월", name) + korean(f"{day}일에", on + date))
        if turn < 0.24 and tense == "past":
            year = lexicon.years.draw(dice)
            words = english(f"in_{year}")
            return Phrase(words, korean(f"{year}년에", words))
        if turn < 0.4:
            latin, hangul = lexicon.weekdays.draw(dice)
            words = english(f"on_{latin}")
            return Phrase(words, korean(f"{hangul}요일에", words))
        if turn < 0.48:
            latin, hangul = lexicon.seasons.draw(dice)
            words = english(f"in_{latin}")
            return Phrase(words, korean(f"{hangul}에", words))
        if turn < 0.6:
            latin, hangul = lexicon.hours.draw(dice)
            at, hour, clock = english("at"), english(latin), english("o'clock")
            return Phrase(at + hour + clock, korean(hangul, hour) + korean("시에", at + clock))
        latin, hangul = lexicon.times[tense if self.chance(0.75) else "any"].draw(dice)
        words = english(latin)
        return Phrase(words, korean(hangul, words))

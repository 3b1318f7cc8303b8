"""Noun phrases and adverbials of the embedded corpus, built in both languages at once.

A phrase holds its English words in English order and its Korean words in Korean order. Each Korean word keeps the
English words that it translates, so that orders and links are known from the start.
"""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from research.data.embedded.korean import connect, with_particle
from research.data.embedded.words import Lexicon, Noun, Sense

BARE = ("sport", "chess", "study")  # never with an article
PEOPLE_AND_ANIMALS = ("person", "animal", "bird")
POSSESSIVES = (("my", "내"), ("his", "그의"), ("her", "그녀의"), ("our", "우리"), ("their", "그들의"))
PRONOUNS = (("he", "그"), ("she", "그녀"), ("they", "그들"))
BEHIND = (("behind", "뒤에서"), ("beside", "옆에서"))
MODIFIERS = (  # classes of the noun, probability, preposition, classes of what it names, Korean particle, Korean word
    (("book", "film", "song"), 0.25, "about", ("study", "animal", "lake", "city", "event"), "에", "대한"),
    (("person",), 0.12, "from", ("city",), "에서", "온"),
    (("building",), 0.2, "near", ("lake", "building"), "", "근처의"),
)


@dataclass(eq=False, slots=True)
class Word:
    """An English word of the sentence; two words with the same text stay two words."""

    text: str


@dataclass(eq=False, slots=True)
class Eojeol:
    """A Korean word with its particle or ending, and the English words it stands for."""

    text: str
    words: list[Word] = field(default_factory=list)


@dataclass(slots=True)
class Phrase:
    """A phrase in both languages."""

    english: list[Word]
    korean: list[Eojeol]
    kind: str = ""
    plural: bool = False
    heavy: bool = False  # it ends in a clause, so that no word of the outer clause may follow

    def marked(self, particle: str, *words: Word) -> list[Eojeol]:
        """Return the Korean, its last word with the particle; `words` is the English of that particle."""
        *before, last = self.korean
        return [*before, Eojeol(with_particle(last.text, particle), [*words, *last.words])]


def english(text: str) -> list[Word]:
    """Split an English phrase at "_" into words."""
    return [Word(word) for word in text.split("_")]


def korean(text: str, words: list[Word]) -> list[Eojeol]:
    """Return the words of `text`, which _ or spaces separate, each linked to all of `words`."""
    return [Eojeol(word, list(words)) for word in text.replace("_", " ").split()]


def translated(source: str, target: str, kind: str = "", plural: bool = False) -> Phrase:
    """Return a phrase whose every Korean word is linked to every English word."""
    words = english(source)
    return Phrase(words, korean(target, words), kind, plural)


def joined(phrases: list[Phrase], *, backwards: bool = False) -> Phrase:
    """Return the phrases as one; `backwards`: the Korean in the reverse order."""
    turned = reversed(phrases) if backwards else phrases
    return Phrase(
        [word for phrase in phrases for word in phrase.english], [word for phrase in turned for word in phrase.korean]
    )


class Opening(NamedTuple):
    """A relative clause that is chosen before its noun: the verb, and the classes that the noun may then have."""

    valency: str
    gap: str  # the role of the noun in the clause: subjects | objects
    verb: list[Sense]
    kinds: frozenset[str]


class NounPhrases:
    """The grammar of noun phrases and adverbials; `Clauses` adds verbs and relative clauses."""

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
        """Draw a noun phrase.

        Args:
            kinds: classes that its noun may have.
            possible: classes that the English verb allows in any sense. An ambiguous noun with a sense in `kinds` and
                another in `possible` would have two translations, and is not used.
            subject: pronouns are allowed.
            budget: clauses to put inside.
            simple: no numeral, no modifier after the noun.
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
        """Draw a noun; see `noun_phrase`."""
        if self.chance(self.ambiguity):
            unsure = self.lexicon.unsure_noun_pool(kinds, possible)
            if len(unsure):
                return unsure.draw(self.dice)
        return self.lexicon.noun_pool(kinds).draw(self.dice)

    def common_phrase(self, noun: Noun, simple: bool) -> Phrase:
        """Draw determiner, adjectives and a modifier for a noun. English puts the modifier last, Korean first."""
        adjectives = [] if noun.number == "unique" else self.adjectives(noun.kind, 0.15 if simple else 0.45)
        if noun.kind == "city" or (noun.kind in BARE and not self.chance(0.3)):
            adjectives = []
        determiner, several = self.determiner(noun, simple)
        many = determiner.plural
        head = translated(
            noun.plural if many and noun.number == "count" else noun.singular,
            noun.korean + ("들" if several and noun.kind in PEOPLE_AND_ANIMALS else ""),
        )
        phrases = [determiner, joined(adjectives), head]
        modifier = Phrase([], []) if simple else self.modifier(noun)
        whole = joined(phrases)
        return Phrase(whole.english + modifier.english, modifier.korean + whole.korean, noun.kind, many)

    def determiner(self, noun: Noun, simple: bool) -> tuple[Phrase, bool]:
        """Draw `his`, `two`, `many`, `this`, `a`, `the` or nothing, and whether Korean may mark the plural by 들.

        Articles have no Korean. A numeral has two words: itself and the noun's counter, which rules 들 out.
        """
        counted = noun.number == "count" and noun.kind != "body"
        many = noun.number == "plural"
        if noun.kind in BARE or noun.kind == "city":
            return Phrase([], [], plural=many), many
        if noun.kind == "body" or (noun.number != "unique" and self.chance(0.14)):
            if self.chance(0.3):
                owner = self.name()
                owner.english[-1].text += "'s"
                return Phrase(owner.english, owner.marked("의"), plural=many), many
            possessive, hangul = self.one_of(POSSESSIVES)
            return translated(possessive, hangul, plural=many), many
        if counted and not simple and self.chance(0.12):
            number, korean_number = self.lexicon.counts.draw(self.dice)
            return translated(number, f"{korean_number} {noun.counter}의", plural=True), False
        if counted and not simple and self.chance(0.06):
            return translated("many", "많은", plural=True), True
        if noun.number != "unique" and not many and self.chance(0.06):
            return translated("this", "이"), False
        if counted and self.chance(0.25):
            return translated("a", ""), False
        if noun.number == "mass" and self.chance(0.5):
            return Phrase([], []), False
        many = many or (counted and not simple and self.chance(0.15))
        return translated("the", "", plural=many), many

    def bare_phrase(self, noun: Noun) -> Phrase:
        """Return a noun with no more than its article."""
        bare = noun.kind in BARE or noun.kind == "city" or noun.number == "mass"
        article = [] if bare else english("the")
        word = english(noun.singular)
        return Phrase(article + word, korean(noun.korean, word), noun.kind, noun.number == "plural")

    def both(self, one: Phrase, other: Phrase) -> Phrase:
        """Join two phrases by `and`, which becomes 과/와 on the first."""
        link = english("and")
        return Phrase(one.english + link + other.english, one.marked("과", *link) + other.korean, one.kind, True)

    def adjectives(self, kind: str, probability: float) -> list[Phrase]:
        """Draw up to two adjectives, the first with this probability."""
        phrases: list[Phrase] = []
        while len(phrases) < 2 and self.chance(probability):
            pool = self.lexicon.adjective_pool(kind, self.chance(self.ambiguity), False)
            if not len(pool):
                break
            adjective = pool.draw(self.dice)
            stem = adjective.senses[kind]
            text = stem[1:] if stem.startswith("^") else connect(stem, "ㄴ")
            if all(text != phrase.korean[0].text for phrase in phrases):
                phrases.append(translated(adjective.english, text))
            probability *= 0.4
        return phrases

    def modifier(self, noun: Noun) -> Phrase:
        """Draw `about history` 역사에 대한, `from Busan` 부산에서 온, `near the lake` 호수 근처의, or nothing."""
        for modified, probability, preposition, kinds, particle, said in MODIFIERS:
            if noun.kind in modified and self.chance(probability):
                kind = self.one_of(kinds) if len(kinds) > 1 else kinds[0]
                thing, word = self.bare_phrase(self.noun_of(kind)), english(preposition)
                return Phrase(word + thing.english, thing.marked(particle) + korean(said, word))
        return Phrase([], [])

    def noun_of(self, kind: str) -> Noun:
        """Draw an unambiguous noun of a class."""
        return self.lexicon.noun_pool(frozenset([kind])).draw(self.dice)

    def name(self) -> Phrase:
        """Draw `Minji`, `Minji Kim` (one word, 김민지), `Professor Kim` (김 교수) or a foreign name."""
        dice, lexicon = self.dice, self.lexicon
        turn = dice.random()
        if turn < 0.3:
            return translated(*lexicon.foreign.draw(dice), "person")
        if turn < 0.45:
            title, surname = translated(*lexicon.titles.draw(dice)), translated(*lexicon.surnames.draw(dice))
            return Phrase(title.english + surname.english, surname.korean + title.korean, "person")
        latin, hangul = lexicon.given.draw(dice)
        if turn < 0.8:
            return translated(latin, hangul, "person")
        surname_latin, surname_hangul = lexicon.surnames.draw(dice)
        return translated(f"{latin}_{surname_latin}", surname_hangul + hangul, "person")

    def pronoun(self) -> Phrase:
        """Draw `he`, `she` or `they`."""
        word, hangul = self.one_of(PRONOUNS)
        return translated(word, hangul, "person", word == "they")

    # -- adverbials

    def place(self) -> Phrase:
        """Draw a place: `in the park`, 공원에서; `behind the house`, 집 뒤에서."""
        turn = self.dice.random()
        kind = frozenset(["place" if turn < 0.45 else "building" if turn < 0.8 else "city"])
        noun = self.noun(kind, kind)  # the preposition decides: at the bank, on the bank
        place = self.common_phrase(noun, simple=True)
        if noun.kind == "building" and self.chance(0.2):
            side = translated(*self.one_of(BEHIND))
            return Phrase(side.english + place.english, place.korean + side.korean)
        words = english(noun.before)
        return Phrase(words + place.english, place.marked("에서", *words))

    def instrument(self, kind: str) -> Phrase:
        """Draw an instrument of a class: `with the knife`, 칼로."""
        words, tool = english("with"), self.common_phrase(self.noun_of(kind), simple=True)
        return Phrase(words + tool.english, tool.marked("으로", *words))

    def company(self) -> Phrase:
        """Draw company: `with Minji`, 민지와 함께."""
        words = english("with")
        person = self.name() if self.chance(0.5) else self.common_phrase(self.noun_of("person"), simple=True)
        return Phrase(words + person.english, person.marked("과") + korean("함께", words))

    def manner(self) -> Phrase:
        """Draw an adverb such as `quickly`."""
        return translated(*self.lexicon.manner.draw(self.dice))

    def time(self, tense: str) -> Phrase:
        """Draw a date, a day, an hour or a word such as `yesterday`, as the tense allows."""
        dice, lexicon, turn = self.dice, self.lexicon, self.dice.random()
        if turn < 0.12:
            (month, number), day = lexicon.months.draw(dice), lexicon.days.draw(dice)
            on, name, date = english("on"), english(month), english(str(day))
            return Phrase(on + name + date, korean(f"{number}월", name) + korean(f"{day}일에", on + date))
        if turn < 0.24 and tense == "past":
            year = lexicon.years.draw(dice)
            return translated(f"in_{year}", f"{year}년에")
        if turn < 0.4:
            latin, hangul = lexicon.weekdays.draw(dice)
            return translated(f"on_{latin}", f"{hangul}요일에")
        if turn < 0.48:
            latin, hangul = lexicon.seasons.draw(dice)
            return translated(f"in_{latin}", f"{hangul}에")
        if turn < 0.6:
            latin, hangul = lexicon.hours.draw(dice)
            at, hour, clock = english("at"), english(latin), english("o'clock")
            return Phrase(at + hour + clock, korean(hangul, hour) + korean("시에", at + clock))
        return translated(*lexicon.times[tense if self.chance(0.75) else "any"].draw(dice))

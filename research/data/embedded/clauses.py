"""Clauses and whole sentences of the embedded corpus: where English and Korean part ways.

Korean puts the verb last, what modifies before what is modified, and the subordinate clause before the main one. A
sentence is given a number of clauses to spend, on subordination, coordination, complements and relative clauses.
What follows a noun phrase that ends in a clause would seem to belong to that clause; so nothing does.
"""

from typing import NamedTuple

from research.data.embedded.phrases import (
    PEOPLE_AND_ANIMALS,
    Eojeol,
    NounPhrases,
    Opening,
    Phrase,
    Word,
    english,
)
from research.data.embedded.verbs import MOODS, adjective_of, complex_of, moods_for
from research.data.embedded.words import Noun, Pool, Sense

SITES = frozenset(("building", "place", "city"))
NO_CLASSES: frozenset[str] = frozenset()
SUBORDINATORS = Pool(("because", "when", "although", "after", "before", "until", "while"), (5, 5, 3, 3, 2, 1, 2))
COORDINATORS = Pool(("and", "but"), (1, 1))
CHAINING = ("final", "quoted")  # clauses that may have two verbs
ENDINGS = {"although": "opposed", "and": "joined", "but": "opposed"}  # the others are named like their word


class Sentence(NamedTuple):
    english: list[Word]
    korean: list[Eojeol]
    order: float  # of the main verb, see Sense
    heavy: bool = False  # ends in a clause of its own


class Subject(NamedTuple):
    kind: str
    plural: bool


def subjects_of(verb: list[Sense]) -> frozenset[str]:
    """The classes that may be the subject in any sense of a verb."""
    return NO_CLASSES.union(*(sense.subjects for sense in verb))


class Clauses(NounPhrases):
    """The grammar: `sentence(clauses)` draws one."""

    def sentence(self, clauses: int) -> Sentence:
        """A sentence of at most so many clauses, ending in a full stop."""
        budget = clauses - 1
        stop = english(".")
        if budget and self.chance(0.3):
            whole = self.subordinated(budget)
        elif budget and self.chance(0.12):
            whole = self.coordinated(budget)
        else:
            whole = self.clause("final", budget, time_first=True)
        return Sentence(whole.english + stop, [*whole.korean, Eojeol(".", stop)], whole.order)

    def subordinated(self, budget: int) -> Sentence:
        """`Because A , B` or `B because A`: in Korean A comes first, its conjunction last."""
        link = english(SUBORDINATORS.draw(self.dice))
        use = ENDINGS.get(link[0].text, link[0].text)
        inside = self.share(budget - 1)
        if use in ("because", "when", "opposed") and not inside and self.chance(0.1):
            side = self.weather(use, link)
        else:
            side = self.clause(use, inside, link=link)
        main = self.clause("final", budget - 1 - inside)
        if main.heavy or self.chance(0.5):
            return Sentence(link + side.english + english(",") + main.english, side.korean + main.korean, main.order)
        return Sentence(main.english + link + side.english, side.korean + main.korean, main.order)

    def coordinated(self, budget: int) -> Sentence:
        link = english(COORDINATORS.draw(self.dice))
        inside = self.share(budget - 1)
        one = self.clause(ENDINGS[link[0].text], inside, link=link, particle="은")
        other = self.clause("final", budget - 1 - inside)
        return Sentence(one.english + english(",") + link + other.english, one.korean + other.korean, other.order)

    def weather(self, use: str, link: list[Word]) -> Sentence:
        """`it rained`: 비가 왔다, with nothing for `it`."""
        rain = self.chance(0.6)
        it, word = english("it"), "rained" if rain else "snowed"
        words, said = complex_of(("", word, ""), ("비가" if rain else "눈이") + " 오", "past", use, link=link)
        return Sentence(it + words, said, 0.0)

    def share(self, budget: int) -> int:
        """A part of a budget, from none to all."""
        return int(self.dice.random() * (budget + 1))

    # -- clauses

    def clause(
        self, use: str, budget: int, *, link: list[Word] | None = None, particle: str = "", time_first: bool = False
    ) -> Sentence:
        """A clause with its subject. `use` says what for, as in `embedded_verbs`; `link` is its conjunction."""
        particle, link = particle or ("은" if use == "final" else "이"), link or []
        plan, for_subject, inside = self.plan(use, budget)
        if plan == "adjective":
            return self.adjective_clause(use, budget, link, particle)
        plan, verb, sense = self.main_verb(plan, use)
        head = self.noun_phrase(sense.subjects, subjects_of(verb), subject=True, budget=for_subject)
        subject = Subject(head.kind, head.plural)
        second = self.second_verb(subject) if plan == "transitive" and use in CHAINING and inside else []
        mood = "past" if second else self.mood(use, subject, sense)
        front = self.time(MOODS[mood].tense) if time_first and self.chance(0.2) else Phrase([], [])
        if second:
            rest = self.chained(verb, sense, second, subject, use, inside, link)
        else:
            rest = self.predicate(plan, verb, sense, subject, mood, use, inside, link, timed=not front.english)
        return Sentence(
            front.english + head.english + rest.english,
            front.korean + head.marked(particle) + rest.korean,
            sense.order,
            rest.heavy,
        )

    def main_verb(self, plan: str, use: str) -> tuple[str, list[Sense], Sense]:
        """A verb and one of its senses; no state where English wants its progressive (`while`).

        Where a small lexicon has nothing but states, an intransitive verb has to do: none of them is one.
        """
        verb = self.verb(plan)
        for _ in range(20):
            if not (use == "while" and verb[0].state):
                return plan, verb, self.one_of(verb)
            verb = self.verb(plan)
        verb = self.verb("intransitive")
        return "intransitive", verb, self.one_of(verb)

    def second_verb(self, subject: Subject) -> list[Sense]:
        """Now and then a verb to say of the same subject, with `and`."""
        if not self.chance(0.25):
            return []
        verb = self.verb("transitive", "subjects", frozenset((subject.kind,)))
        return [sense for sense in verb if subject.kind in sense.subjects]

    def plan(self, use: str, budget: int) -> tuple[str, int, int]:
        """(kind of predicate, clauses for the subject's relatives, clauses inside the predicate)."""
        if budget and self.chance(0.3):
            for_subject = self.share(budget - 1)
            return "saying", for_subject, budget - for_subject
        for_subject = self.share(budget)
        inside = budget - for_subject
        if inside:
            return (
                ("transitive" if self.chance(0.8) else "giving" if self.chance(0.6) else "motion"),
                for_subject,
                inside,
            )
        turn = self.dice.random()
        if turn < 0.08 and use in ("final", "quoted", "because", "opposed", "known"):
            return "adjective", for_subject, inside
        for plan, edge in (("intransitive", 0.22), ("giving", 0.33), ("motion", 0.43)):
            if turn < edge:
                return plan, for_subject, inside
        return "transitive", for_subject, inside

    def mood(self, use: str, subject: Subject, sense: Sense) -> str:
        return moods_for(use, subject.kind == "person", sense.state).draw(self.dice)

    def verb(self, valency: str, role: str = "subjects", kinds: frozenset[str] = NO_CLASSES) -> list[Sense]:
        """A verb as the list of its senses; an ambiguous one with the chance `ambiguity`. [] if there is none."""
        for unsure in (True, False) if self.chance(self.ambiguity) else (False,):
            pool = self.lexicon.verb_pool(valency, unsure, role, kinds)
            if len(pool):
                return pool.draw(self.dice)
        return []

    def adjective_clause(self, use: str, budget: int, link: list[Word], particle: str) -> Sentence:
        """`The house was old`: 집은 오래되었다."""
        pool = self.lexicon.adjective_pool("", self.chance(self.ambiguity), True)
        if not len(pool):
            pool = self.lexicon.adjective_pool("", False, True)
        adjective = pool.draw(self.dice)
        kinds = frozenset(adjective.senses)
        head = self.noun_phrase(kinds, kinds, subject=True, budget=budget)
        words, said = adjective_of(
            adjective.english, adjective.senses[head.kind], self.chance(0.2), use, plural=head.plural, link=link
        )
        return Sentence(head.english + words, head.marked(particle) + said, adjective.order)

    # -- predicates

    def predicate(
        self, plan: str, verb: list[Sense], sense: Sense, subject: Subject, mood: str, use: str, budget: int,
        link: list[Word], timed: bool = True,
    ) -> Phrase:  # fmt: skip
        """All of a clause but its subject: verb, objects, adverbials, and what `budget` puts inside them."""
        if plan == "saying":
            return self.saying(sense, subject, mood, use, budget, link)
        before, after = [], []  # English: after the verb; Korean: before it
        heavy = False
        if plan == "transitive":
            possible = NO_CLASSES.union(*(other.objects for other in verb if subject.kind in other.subjects))
            thing = self.noun_phrase(sense.objects, possible, budget=budget)
            after, before, heavy = thing.english, thing.marked(sense.particle), thing.heavy
        elif plan == "giving":
            after, before, heavy = self.gift(sense, budget)
        elif plan == "motion":
            to, goal = english("to"), self.noun_phrase(sense.objects, SITES, budget=budget, simple=True)
            after, before, heavy = to + goal.english, goal.marked(sense.particle, *to), goal.heavy
        adverb = self.manner() if not sense.state and self.chance(0.12) else None
        adverbials = [] if heavy else self.adverbials(sense, subject, plan, mood, timed)
        words, said = complex_of(sense.verb, sense.stem, mood, use, plural=subject.plural, link=link, adverb=adverb)
        tail = [word for phrase in adverbials for word in phrase.english]
        front = [word for phrase in reversed(adverbials) for word in phrase.korean]
        return Phrase(words + after + tail, front + before + said, heavy=heavy)

    def adverbials(self, sense: Sense, subject: Subject, plan: str, mood: str, timed: bool) -> list[Phrase]:
        """In English order, which Korean turns round: with the knife, with Minji, in the park, yesterday."""
        phrases = []
        if sense.instrument and self.chance(0.35):
            phrases.append(self.instrument(sense.instrument))
        elif subject.kind == "person" and plan != "giving" and self.chance(0.1):
            phrases.append(self.company())
        if plan != "motion" and subject.kind in PEOPLE_AND_ANIMALS and self.chance(0.28):
            phrases.append(self.place())
        if timed and self.chance(0.3):
            phrases.append(self.time(MOODS[mood].tense))
        return phrases

    def gift(self, sense: Sense, budget: int) -> tuple[list[Word], list[Eojeol], bool]:
        """`gave Minji the book` or `gave the book to Minji`: 민지에게 책을."""
        people, things = frozenset(("person",)), sense.objects
        taker = self.noun_phrase(people, people, simple=True)
        thing = self.noun_phrase(things, things, budget=budget)
        given = thing.marked("을")
        if thing.heavy or self.chance(0.5):
            return taker.english + thing.english, taker.marked("에게") + given, thing.heavy
        to = english("to")
        return thing.english + to + taker.english, taker.marked("에게", *to) + given, False

    def saying(self, sense: Sense, subject: Subject, mood: str, use: str, budget: int, link: list[Word]) -> Phrase:
        """`said that ...`: ... -다고 말했다; `knew that ...`: ... -(으)ㄴ 것을 알았다."""
        sort, _, stem = sense.stem.partition(" ")
        that = english("that")
        inner = self.clause("quoted" if sort == "고" else "known", budget - 1, link=that)
        words, said = complex_of(sense.verb, stem, mood, use, plural=subject.plural, link=link)
        return Phrase(words + that + inner.english, inner.korean + said, heavy=True)

    def chained(
        self, verb: list[Sense], sense: Sense, second: list[Sense], subject: Subject, use: str, budget: int,
        link: list[Word],
    ) -> Phrase:  # fmt: skip
        """`bought the apple and ate the pear`, one subject: 사과를 사고 배를 먹었다."""
        both = english("and")
        one = self.predicate("transitive", verb, sense, subject, "past", "chained", 0, both, timed=False)
        other = self.predicate(
            "transitive", second, self.one_of(second), subject, "past", use, budget - 1, link, timed=False
        )
        return Phrase(one.english + both + other.english, one.korean + other.korean, heavy=other.heavy)

    # -- relative clauses

    def opening(self, kinds: frozenset[str], budget: int) -> Opening | None:
        """A verb for a relative clause on a noun of one of these classes, or None if no verb has one.

        More clauses inside it had better hang on its object, at its end, than stand between its subject and its verb.
        """
        gap = "subjects" if self.chance(0.4 if budget == 1 else 0.85) else "objects"
        valency = "intransitive" if gap == "subjects" and budget == 1 and self.chance(0.25) else "transitive"
        verb = self.verb(valency, gap, kinds)
        allowed = NO_CLASSES.union(*(getattr(sense, gap) for sense in verb))
        return Opening(valency, gap, verb, allowed) if verb else None

    def relative(self, opening: Opening, head: Noun, plural: bool, budget: int) -> Phrase:
        """`that the man bought`: 남자가 산; `who bought the book`: 책을 산."""
        sense = self.one_of([sense for sense in opening.verb if head.kind in getattr(sense, opening.gap)])
        who = english("who" if head.kind == "person" and opening.gap == "subjects" else "that")
        if opening.gap == "subjects":
            subject = Subject(head.kind, plural)
            mood = self.mood("adnominal", subject, sense)
            inside = budget if opening.valency == "transitive" else 0
            rest = self.predicate(opening.valency, opening.verb, sense, subject, mood, "adnominal", inside, who)
            return Phrase(who + rest.english, rest.korean)
        giver = self.noun_phrase(sense.subjects, sense.subjects, subject=True, budget=budget)
        subject = Subject(giver.kind, giver.plural)
        mood = self.mood("adnominal", subject, sense)
        adverb = self.manner() if not sense.state and self.chance(0.1) else None
        words, said = complex_of(
            sense.verb, sense.stem, mood, "adnominal", plural=subject.plural, link=who, adverb=adverb
        )
        adverbials = self.adverbials(sense, subject, "transitive", mood, True) if self.chance(0.5) else []
        tail = [word for phrase in adverbials for word in phrase.english]
        front = [word for phrase in reversed(adverbials) for word in phrase.korean]
        return Phrase(who + giver.english + words + tail, giver.marked("이") + front + said)

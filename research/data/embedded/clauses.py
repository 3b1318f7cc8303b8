"""Clauses and whole sentences of the embedded corpus, built in both languages at once.

Korean puts the verb last, modifiers before their noun, and the subordinate clause before the main one. A sentence has a
budget of clauses, which it spends on subordination, coordination, complements and relative clauses. A noun phrase that
ends in a clause is the last of its own clause: a word after it would seem to belong to the inner one.
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
    joined,
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
    """A sentence or clause in both languages."""

    english: list[Word]
    korean: list[Eojeol]
    order: float  # of the main verb, see Sense
    heavy: bool = False  # it ends in a clause of its own


class Subject(NamedTuple):
    """The class and number of a subject."""

    kind: str
    plural: bool


class Clauses(NounPhrases):
    """The grammar; `sentence(clauses)` draws a sentence.

    Many methods share these arguments:
        budget: clauses to put inside.
        use: the role of the clause, which decides the ending of its Korean verb; see the table of `verbs`.
        link: the English conjunction or relative pronoun of the clause; the Korean verb that says it is linked to it.
        subject: class and number of the clause's subject.
        mood: a name of `MOODS`.
    """

    def sentence(self, clauses: int) -> Sentence:
        """Draw a sentence of at most `clauses` clauses, ending in a full stop."""
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
        """Draw `Because A , B` or `B because A`; in Korean A comes first, and its conjunction ends it."""
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
        """Draw two clauses with `and` or `but`."""
        link = english(COORDINATORS.draw(self.dice))
        inside = self.share(budget - 1)
        one = self.clause(ENDINGS[link[0].text], inside, link=link, particle="은")
        other = self.clause("final", budget - 1 - inside)
        return Sentence(one.english + english(",") + link + other.english, one.korean + other.korean, other.order)

    def weather(self, use: str, link: list[Word]) -> Sentence:
        """Draw `it rained`, 비가 왔다; Korean has no word for this `it`."""
        rain = self.chance(0.6)
        it, word = english("it"), "rained" if rain else "snowed"
        words, said = complex_of(("", word, ""), ("비가" if rain else "눈이") + " 오", "past", use, link=link)
        return Sentence(it + words, said, 0.0)

    def share(self, budget: int) -> int:
        """Draw a part of a budget, from none to all."""
        return int(self.dice.random() * (budget + 1))

    # -- clauses

    def clause(
        self, use: str, budget: int, *, link: list[Word] | None = None, particle: str = "", time_first: bool = False
    ) -> Sentence:
        """Draw a clause with its subject.

        particle: of the subject; "": 은 in a final clause, 이 in any other. time_first: it may begin with a time.
        """
        particle, link = particle or ("은" if use == "final" else "이"), link or []
        plan, for_subject, inside = self.plan(use, budget)
        if plan == "adjective":
            return self.adjective_clause(use, budget, link, particle)
        plan, verb, sense = self.main_verb(plan, use)
        possible = NO_CLASSES.union(*(other.subjects for other in verb))
        head = self.noun_phrase(sense.subjects, possible, subject=True, budget=for_subject)
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
        """Draw a verb and one of its senses; after `while` no state, because English needs the progressive there.

        If a small lexicon seems to have states alone, take an intransitive verb: none of them is a state.
        """
        verb = self.verb(plan)
        for _ in range(20):
            if not (use == "while" and verb[0].state):
                return plan, verb, self.one_of(verb)
            verb = self.verb(plan)
        verb = self.verb("intransitive")
        return "intransitive", verb, self.one_of(verb)

    def second_verb(self, subject: Subject) -> list[Sense]:
        """Draw a second verb for the same subject, in one of four cases; [] otherwise."""
        if not self.chance(0.25):
            return []
        verb = self.verb("transitive", "subjects", frozenset((subject.kind,)))
        return [sense for sense in verb if subject.kind in sense.subjects]

    def plan(self, use: str, budget: int) -> tuple[str, int, int]:
        """Draw (kind of predicate, clauses inside the subject, clauses inside the predicate)."""
        if budget and self.chance(0.3):
            for_subject = self.share(budget - 1)
            return "saying", for_subject, budget - for_subject
        for_subject = self.share(budget)
        inside = budget - for_subject
        if inside:
            kind = "transitive" if self.chance(0.8) else "giving" if self.chance(0.6) else "motion"
            return kind, for_subject, inside
        turn = self.dice.random()
        if turn < 0.08 and use in ("final", "quoted", "because", "opposed", "known"):
            return "adjective", for_subject, inside
        for plan, edge in (("intransitive", 0.22), ("giving", 0.33), ("motion", 0.43)):
            if turn < edge:
                return plan, for_subject, inside
        return "transitive", for_subject, inside

    def mood(self, use: str, subject: Subject, sense: Sense) -> str:
        """Draw a mood that the verb may have."""
        return moods_for(use, subject.kind == "person", sense.state).draw(self.dice)

    def verb(self, valency: str, role: str = "subjects", kinds: frozenset[str] = NO_CLASSES) -> list[Sense]:
        """Draw a verb as the list of its senses, an ambiguous one with probability `ambiguity`; [] if there is none."""
        for unsure in (True, False) if self.chance(self.ambiguity) else (False,):
            pool = self.lexicon.verb_pool(valency, unsure, role, kinds)
            if len(pool):
                return pool.draw(self.dice)
        return []

    def adjective_clause(self, use: str, budget: int, link: list[Word], particle: str) -> Sentence:
        """Draw a clause such as `the house was old`, 집은 오래되었다."""
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
        """Draw a clause without its subject: verb, objects, adverbials."""
        if plan == "saying":
            return self.saying(sense, subject, mood, use, budget, link)
        objects = Phrase([], [])  # English: after the verb; Korean: before it
        if plan == "transitive":
            possible = NO_CLASSES.union(*(other.objects for other in verb if subject.kind in other.subjects))
            thing = self.noun_phrase(sense.objects, possible, budget=budget)
            objects = Phrase(thing.english, thing.marked(sense.particle), heavy=thing.heavy)
        elif plan == "giving":
            objects = self.gift(sense, budget)
        elif plan == "motion":
            to, goal = english("to"), self.noun_phrase(sense.objects, SITES, budget=budget, simple=True)
            objects = Phrase(to + goal.english, goal.marked(sense.particle, *to), heavy=goal.heavy)
        adverb = self.manner() if not sense.state and self.chance(0.12) else None
        adverbials = Phrase([], []) if objects.heavy else self.adverbials(sense, subject, plan, mood, timed)
        words, said = complex_of(sense.verb, sense.stem, mood, use, plural=subject.plural, link=link, adverb=adverb)
        korean = adverbials.korean + objects.korean + said
        return Phrase(words + objects.english + adverbials.english, korean, heavy=objects.heavy)

    def adverbials(self, sense: Sense, subject: Subject, plan: str, mood: str, timed: bool) -> Phrase:
        """Draw adverbials: `with the knife in the park yesterday`; Korean has them in the reverse order."""
        phrases = []
        if sense.instrument and self.chance(0.35):
            phrases.append(self.instrument(sense.instrument))
        elif subject.kind == "person" and plan != "giving" and self.chance(0.1):
            phrases.append(self.company())
        if plan != "motion" and subject.kind in PEOPLE_AND_ANIMALS and self.chance(0.28):
            phrases.append(self.place())
        if timed and self.chance(0.3):
            phrases.append(self.time(MOODS[mood].tense))
        return joined(phrases, backwards=True)

    def gift(self, sense: Sense, budget: int) -> Phrase:
        """Draw the objects of `gave Minji the book` or `gave the book to Minji`, 민지에게 책을."""
        people, things = frozenset(("person",)), sense.objects
        taker = self.noun_phrase(people, people, simple=True)
        thing = self.noun_phrase(things, things, budget=budget)
        given = thing.marked("을")
        if thing.heavy or self.chance(0.5):
            return Phrase(taker.english + thing.english, taker.marked("에게") + given, heavy=thing.heavy)
        to = english("to")
        return Phrase(thing.english + to + taker.english, taker.marked("에게", *to) + given)

    def saying(self, sense: Sense, subject: Subject, mood: str, use: str, budget: int, link: list[Word]) -> Phrase:
        """Draw `said that ...`, ... -다고 말했다, or `knew that ...`, ... -(으)ㄴ 것을 알았다."""
        sort, _, stem = sense.stem.partition(" ")
        that = english("that")
        inner = self.clause("quoted" if sort == "고" else "known", budget - 1, link=that)
        words, said = complex_of(sense.verb, stem, mood, use, plural=subject.plural, link=link)
        return Phrase(words + that + inner.english, inner.korean + said, heavy=True)

    def chained(
        self, verb: list[Sense], sense: Sense, second: list[Sense], subject: Subject, use: str, budget: int,
        link: list[Word],
    ) -> Phrase:  # fmt: skip
        """Draw `bought the apple and ate the pear`, 사과를 사고 배를 먹었다."""
        both = english("and")
        one = self.predicate("transitive", verb, sense, subject, "past", "chained", 0, both, timed=False)
        other = self.predicate(
            "transitive", second, self.one_of(second), subject, "past", use, budget - 1, link, timed=False
        )
        return Phrase(one.english + both + other.english, one.korean + other.korean, heavy=other.heavy)

    # -- relative clauses

    def opening(self, kinds: frozenset[str], budget: int) -> Opening | None:
        """Draw the verb of a relative clause for a noun of one of these classes; None if no verb fits.

        A larger budget mostly makes the noun the subject, so that inner clauses follow the object and do not part
        subject and verb.
        """
        gap = "subjects" if self.chance(0.4 if budget == 1 else 0.85) else "objects"
        valency = "intransitive" if gap == "subjects" and budget == 1 and self.chance(0.25) else "transitive"
        verb = self.verb(valency, gap, kinds)
        allowed = NO_CLASSES.union(*(getattr(sense, gap) for sense in verb))
        return Opening(valency, gap, verb, allowed) if verb else None

    def relative(self, opening: Opening, head: Noun, plural: bool, budget: int) -> Phrase:
        """Draw `that the man bought`, 남자가 산, or `who bought the book`, 책을 산."""
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
        tail = self.adverbials(sense, subject, "transitive", mood, True) if self.chance(0.5) else Phrase([], [])
        return Phrase(who + giver.english + words + tail.english, giver.marked("이") + tail.korean + said)

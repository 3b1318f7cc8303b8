"""Verbs of the embedded corpus in both languages: tense and mood in English, the chain of endings in Korean.

`complex_of` writes one verb. `use`, the role of its clause, decides the last Korean ending:

    final      읽었다        the sentence's own verb
    quoted     읽었다고      said that ...
    known      읽은 것을     knew that ...
    adnominal  읽은          before the noun that the relative clause describes
    joined     읽었고        ..., and ...;   opposed: 읽었지만  ..., but ...; although ...
    chained    읽고          read ... and (the same subject)
    because, when, before, after, until, while:  읽었기 때문에, 읽었을 때, 읽기 전에, 읽은 후에, 읽을 때까지, 읽는 동안
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from research.data.embedded.korean import connect, past, plain
from research.data.embedded.phrases import Eojeol, Phrase, Word, english, korean
from research.data.embedded.words import Pool


class Mood(NamedTuple):
    """Tense, aspect and modality of a verb in both languages."""

    tense: str  # past | present | future: which adverbs of time fit
    auxiliaries: tuple[str, str]  # English: after a singular subject, after a plural one
    form: int  # of the English verb: 0 base, 1 past, 2 -ing
    ending: str = ""  # of the Korean verb
    helpers: str = ""  # Korean words after it; the last is a stem that takes the ending of the clause
    people: bool = False  # for persons only
    active: bool = False  # not for states
    past: bool = True  # the Korean ending has 었
    adnominal: str = "던"  # ending of the last helper before a noun: 던 (있던), 었던 (했던), ㄴ (않은), 는 (있는)


MOODS = {
    "past": Mood("past", ("", ""), 1),
    "progressive": Mood("past", ("was", "were"), 2, "고", "있", active=True),
    "ongoing": Mood("present", ("is", "are"), 2, "고", "있", active=True, past=False, adnominal="는"),
    "negative": Mood("past", ("did_not", "did_not"), 0, "지", "않", adnominal="ㄴ"),
    "future": Mood("future", ("will", "will"), 0, "ㄹ", "것이", active=True, past=False, adnominal="ㄹ"),
    "could": Mood("past", ("could", "could"), 0, "ㄹ", "수 있", people=True, active=True, adnominal="었던"),
    "could not": Mood("past", ("could_not", "could_not"), 0, "ㄹ", "수 없", people=True, adnominal="었던"),
    "had to": Mood("past", ("had_to", "had_to"), 0, "아야", "하", people=True, active=True, adnominal="었던"),
    "wanted to": Mood(
        "past", ("wanted_to", "wanted_to"), 0, "고", "싶어 하", people=True, active=True, adnominal="었던"
    ),
    "tried to": Mood("past", ("tried_to", "tried_to"), 0, "려고", "하", people=True, active=True, adnominal="었던"),
    "started to": Mood("past", ("started_to", "started_to"), 0, "기", "시작하", active=True, adnominal="ㄴ"),
}
OFTEN = {"past": 9, "progressive": 2, "negative": 2, "ongoing": 1, "future": 1}  # weights; all others 0.6
UNMARKED = ("before", "after", "until", "while", "chained")  # endings that leave no room for a mood
BEFORE_NOUNS = {"after": ("ㄴ", "후에"), "until": ("ㄹ", "때까지"), "while": ("는", "동안"), "before": ("기", "전에")}


@cache
def moods_for(use: str, person: bool, state: bool) -> Pool[str]:
    """Return the moods that a verb may have for this `use`, of a person or not, as a state or not."""
    if use in UNMARKED:
        return Pool(["progressive" if use == "while" else "past"])
    names = []
    for name, mood in MOODS.items():
        fits = (person or not mood.people) and not (state and mood.active)
        if fits and (mood.tense == "past" or use in ("final", "quoted", "adnominal")):
            names.append(name)
    return Pool(names, [OFTEN.get(name, 0.6) for name in names])


def complex_of(
    forms: tuple[str, str, str],
    stem: str,
    mood: str,
    use: str,
    *,
    plural: bool = False,
    link: Sequence[Word] = (),
    adverb: Phrase | None = None,
) -> tuple[list[Word], list[Eojeol]]:
    """Return the English and the Korean of a verb with all its helpers.

    Args:
        forms: English base, past and -ing.
        stem: of the Korean verb.
        mood: a name of `MOODS`.
        use: role of the clause, see the table above.
        plural: the subject is plural.
        link: the subordinating English word, which the Korean ending translates.
        adverb: of manner; it stands right before the verb in both languages.
    """
    way, link = MOODS[mood], list(link)
    verb, helpers = english(forms[way.form]), english(way.auxiliaries[plural]) if way.auxiliaries[plural] else []
    words = helpers + (adverb.english if adverb else []) + verb
    said = [word for word in helpers if word.text != "to"]
    *first, last = stem.split(" ")
    front = (adverb.korean if adverb else []) + [Eojeol(part, list(verb)) for part in first]
    if use in UNMARKED or not way.helpers:
        return words, front + ended(last, "verb", use, said + verb, link, way.past, "ㄴ")
    if mood == "future" and use == "adnominal":
        return words, [*front, Eojeol(connect(last, "ㄹ"), link + said + verb)]
    head = Eojeol(connect(last, way.ending), list(verb))
    *between, helper = way.helpers.split(" ")
    middle = [Eojeol(part, list(said)) for part in between]
    kind = {"있": "adjective", "없": "adjective", "것이": "copula"}.get(helper, "verb")
    is_past, adnominal = way.past, way.adnominal
    if mood == "progressive" and use == "when":
        is_past = False  # seen from inside: 자고 있을 때, not 자고 있었을 때
    if mood == "progressive" and use == "known":
        adnominal = "는"
    return words, [*front, head, *middle, *ended(helper, kind, use, said, link, is_past, adnominal)]


def adjective_of(
    adjective: str, stem: str, negative: bool, use: str, *, plural: bool = False, link: Sequence[Word] = ()
) -> tuple[list[Word], list[Eojeol]]:
    """Return the English and the Korean of `was old` or `was not old`; the Korean ending holds the copula."""
    be, word = english("were" if plural else "was"), english(adjective)
    *first, last = stem.split(" ")
    front = [Eojeol(part, list(word)) for part in first]
    if not negative:
        return be + word, front + ended(last, "adjective", use, be + word, list(link), True, "었던")
    be += english("not")
    front.append(Eojeol(connect(last, "지"), word))
    return be + word, front + ended("않", "verb", use, be, list(link), True, "ㄴ")


def ended(
    stem: str, kind: str, use: str, words: list[Word], link: list[Word], is_past: bool, adnominal: str
) -> list[Eojeol]:
    """Return a stem with the ending for `use`. kind: verb | adjective (있다 and 없다 too) | copula (것이다)."""
    base = past(stem) if is_past else stem.rstrip("*")
    if use in BEFORE_NOUNS:
        ending, noun = BEFORE_NOUNS[use]
        return [Eojeol(connect(stem, ending), words), *korean(noun, link)]
    if use == "when":
        return [Eojeol(base + "을" if is_past else connect(stem, "ㄹ"), words), *korean("때", link)]
    if use == "because":
        return [Eojeol(base + "기", words), *korean("때문에", link)]
    if use == "known":
        return [Eojeol(_adnominal(stem, adnominal), words), *korean("것을", link)]
    if use == "adnominal":
        text = _adnominal(stem, adnominal)
    elif use == "quoted" and kind == "copula":
        text = stem + "라고"
    elif use in ("final", "quoted"):
        text = (base + "다" if is_past else plain(stem, kind)) + ("고" if use == "quoted" else "")
    else:
        text = {"joined": base + "고", "opposed": base + "지만", "chained": connect(stem, "고")}[use]
    return [Eojeol(text, link + words)]


def _adnominal(stem: str, ending: str) -> str:
    if ending == "었던":
        return past(stem) + "던"
    return stem.rstrip("*") + "던" if ending == "던" else connect(stem, ending)

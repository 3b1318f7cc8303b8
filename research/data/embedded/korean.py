"""Korean spelling: particles that agree with a noun, and the endings of verbs and adjectives.

A Hangul syllable is one code point: U+AC00 + (lead * 21 + vowel) * 28 + tail, where tail 0 is an open syllable
(The Unicode Standard, 3.12). So agreement is computed from the last syllable.

A stem is a dictionary form without its 다. A star marks an irregular stem, which changes before a vowel:
ㅂ (돕* 도와), ㄷ (듣* 들어), ㅅ (짓* 지어) and ㅎ (하얗* 하얘). Stems in 르 double the ㄹ, except `PLAIN_REU`.
A stem may have several words; the last one is inflected ("키가 크").
"""

from functools import cache

FIRST, LAST = 0xAC00, 0xD7A3
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
NIEUN, DIGEUT, RIEUL, BIEUP, SIOT, SSANG_SIOT, HIEUT = 4, 7, 8, 17, 19, 20, 27  # as tails
PLAIN_REU = ("따르", "치르", "들르")
CONTRACTIONS = {
    "ㅗㅏ": "ㅘ",
    "ㅜㅓ": "ㅝ",
    "ㅣㅓ": "ㅕ",
    "ㅏㅏ": "ㅏ",
    "ㅓㅓ": "ㅓ",
    "ㅐㅓ": "ㅐ",
    "ㅔㅓ": "ㅔ",
    "ㅕㅓ": "ㅕ",
}
HIEUT_VOWELS = {"ㅏ": "ㅐ", "ㅑ": "ㅒ", "ㅓ": "ㅔ", "ㅕ": "ㅖ"}

PARTICLES = {  # name -> (after a consonant, after a vowel)
    "은": ("은", "는"),
    "이": ("이", "가"),
    "을": ("을", "를"),
    "과": ("과", "와"),
    "으로": ("으로", "로"),
}


def split_syllable(syllable: str) -> tuple[int, str, int]:
    """Split a Hangul syllable into (lead, vowel, tail); tail 0 is open."""
    code = ord(syllable)
    if not FIRST <= code <= LAST:
        raise ValueError(f"{syllable!r} is not a Hangul syllable")
    lead, rest = divmod(code - FIRST, 21 * 28)
    return lead, VOWELS[rest // 28], rest % 28


def join_syllable(lead: int, vowel: str, tail: int = 0) -> str:
    """Join what `split_syllable` splits."""
    return chr(FIRST + (lead * 21 + VOWELS.index(vowel)) * 28 + tail)


def tail(word: str) -> int:
    """Return the final consonant of a word's last syllable, 0 if there is none."""
    return split_syllable(word[-1])[2]


def with_tail(word: str, consonant: int) -> str:
    """Return the word with another tail in its last syllable."""
    lead, vowel, _ = split_syllable(word[-1])
    return word[:-1] + join_syllable(lead, vowel, consonant)


@cache
def with_particle(noun: str, particle: str) -> str:
    """Return the noun with its particle; 은/는, 이/가, 을/를, 과/와 and 으로/로 agree with its last sound."""
    if particle not in PARTICLES:
        return noun + particle
    consonant = tail(noun)
    closed = consonant not in (0, RIEUL) if particle == "으로" else consonant != 0  # 연필로: ㄹ counts as open
    return noun + PARTICLES[particle][0 if closed else 1]


def before_vowel(stem: str) -> str:
    """Return the stem as it is before endings with 으, including that 으: 먹으, 가, 만들, 들으, 도우, 지으, 하야."""
    if not stem.endswith("*"):
        return stem if tail(stem) in (0, RIEUL) else stem + "으"
    stem = stem[:-1]
    if tail(stem) == DIGEUT:
        return with_tail(stem, RIEUL) + "으"
    return with_tail(stem, 0) + {BIEUP: "우", SIOT: "으", HIEUT: ""}[tail(stem)]


def infinitive(stem: str) -> str:
    """Return the form in 아/어, contracted as in speech: 먹어, 가, 와, 마셔, 해, 써, 불러, 들어, 도와, 추워, 하얘."""
    irregular, stem = stem.endswith("*"), stem.rstrip("*")
    lead, vowel, consonant = split_syllable(stem[-1])
    bright = "ㅏ" if vowel in "ㅏㅑㅗ" else "ㅓ"
    syllable = "아" if bright == "ㅏ" else "어"
    if irregular and consonant == BIEUP:
        return with_tail(stem, 0) + ("와" if stem in ("돕", "곱") else "워")
    if irregular and consonant == HIEUT:
        return stem[:-1] + join_syllable(lead, HIEUT_VOWELS[vowel])
    if irregular:
        return with_tail(stem, RIEUL if consonant == DIGEUT else 0) + syllable
    if consonant:
        return stem + syllable
    if stem.endswith("하"):
        return stem[:-1] + "해"
    if vowel == "ㅡ":
        before = stem[:-1]
        bright = "ㅏ" if before and before[-1] != " " and split_syllable(before[-1])[1] in "ㅏㅑㅗ" else "ㅓ"
        if stem.endswith("르") and not stem.endswith(PLAIN_REU):
            before = with_tail(before, RIEUL)
        return before + join_syllable(lead, bright)
    contracted = CONTRACTIONS.get(vowel + bright)
    return stem[:-1] + join_syllable(lead, contracted) if contracted else stem + syllable


def _shut(stem: str, consonant: int) -> str:
    """Add (으)ㄴ or (으)ㄹ: the consonant closes the open syllable, or replaces a ㄹ."""
    return with_tail(before_vowel(stem), consonant)


@cache
def past(stem: str) -> str:
    """Return the past stem: 먹었, 갔, 했."""
    return with_tail(infinitive(stem), SSANG_SIOT)


@cache
def connect(stem: str, ending: str) -> str:
    """Return the stem with an ending that has no tense.

    고 지 기: as they are; 는: 먹는, 만드는; ㄴ: 먹은, 간; ㄹ: 먹을, 갈; 려고: 먹으려고; 아야: 먹어야.
    """
    if ending in ("고", "지", "기"):
        return stem.rstrip("*") + ending
    if ending == "는":
        plain = stem.rstrip("*")
        return (with_tail(plain, 0) if tail(plain) == RIEUL else plain) + "는"
    if ending in ("ㄴ", "ㄹ"):
        return _shut(stem, NIEUN if ending == "ㄴ" else RIEUL)
    if ending == "려고":
        return before_vowel(stem) + "려고"
    if ending == "아야":
        return infinitive(stem) + "야"
    raise ValueError(f"no ending {ending!r}")


def plain(stem: str, kind: str) -> str:
    """Return the plain present: 간다, 먹는다, 만든다 for a verb; 크다, 있다, 것이다 otherwise."""
    bare = stem.rstrip("*")
    if kind != "verb":
        return bare + "다"
    return with_tail(bare, NIEUN) + "다" if tail(bare) in (0, RIEUL) else bare + "는다"

"""Hangul in Latin letters, for pictures drawn where no font has Hangul.

Revised Romanization of Korean (National Institute of Korean Language, 2000), with the sound changes between the
syllables of a word: a final consonant moves before a vowel (백암 Baegam), nasals (백마 Baengma), liquids (신라 Silla),
ㅎ (좋고 joko) and ㄷ, ㅌ before 이 (같이 gachi). What depends on where a word is divided is left out (학여울, 신문로),
and ㄱ, ㄷ, ㅂ before ㅎ stay as they are written (묵호 Mukho): the rule for nouns.
"""

FIRST, LAST = 0xAC00, 0xD7A3
INITIALS = ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p", "h"]
VOWELS = ["a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo"]
VOWELS += ["u", "wo", "we", "wi", "yu", "eu", "ui", "i"]

# Each final as it sounds at the end, and what stays and what moves when a vowel follows.
FINALS = [
    ("", "", ""),
    ("k", "", "g"),
    ("k", "", "kk"),
    ("k", "k", "s"),
    ("n", "", "n"),
    ("n", "n", "j"),
    ("n", "", "n"),
    ("t", "", "d"),
    ("l", "", "r"),
    ("k", "l", "g"),
    ("m", "l", "m"),
    ("l", "l", "b"),
    ("l", "l", "s"),
    ("l", "l", "t"),
    ("p", "l", "p"),
    ("l", "", "r"),
    ("m", "", "m"),
    ("p", "", "b"),
    ("p", "p", "s"),
    ("t", "", "s"),
    ("t", "", "ss"),
    ("ng", "ng", ""),
    ("t", "", "j"),
    ("t", "", "ch"),
    ("k", "", "k"),
    ("t", "", "t"),
    ("p", "", "p"),
    ("t", "", ""),
]
ASPIRATING = {6: "n", 15: "l", 27: ""}  # finals with ㅎ: what is left once it has joined the next consonant
ASPIRATED = {"g": "k", "d": "t", "j": "ch"}
PALATAL = {"d": "j", "t": "ch"}
NASAL = {"k": "ng", "t": "n", "p": "m"}


def is_syllable(character: str) -> bool:
    """Return whether `character` is one precomposed Hangul syllable."""
    return FIRST <= ord(character) <= LAST


def romanise(text: str) -> str:
    """`text` with every run of Hangul syllables romanised; all else is left as it is."""
    written: list[str] = []
    word: list[tuple[int, int, int]] = []
    for character in text:
        if is_syllable(character):
            initial, rest = divmod(ord(character) - FIRST, len(VOWELS) * len(FINALS))
            word.append((initial, *divmod(rest, len(FINALS))))
        else:
            written += [_word(word), character]
            word = []
    return "".join([*written, _word(word)])


def _word(syllables: list[tuple[int, int, int]]) -> str:
    """The syllables, as (initial, vowel, final) indices, of one word."""
    letters = ""
    onset = INITIALS[syllables[0][0]] if syllables else ""
    for index, (_, vowel, final) in enumerate(syllables):
        letters += onset + VOWELS[vowel]
        if index + 1 == len(syllables):
            return letters + FINALS[final][0]
        following, next_vowel, _ = syllables[index + 1]
        coda, onset = _meet(final, INITIALS[following], VOWELS[next_vowel])
        letters += coda
    return letters


def _meet(final: int, onset: str, vowel: str) -> tuple[str, str]:
    """Return the sounds of a final and of the next syllable's initial beside each other."""
    coda, stays, moves = FINALS[final]
    if not onset:
        return stays, PALATAL.get(moves, moves) if vowel == "i" else moves
    if final in ASPIRATING and onset in ASPIRATED:
        return ASPIRATING[final], ASPIRATED[onset]
    if onset in ("n", "m") and coda in NASAL:
        return NASAL[coda], onset
    if onset == "r" and coda in NASAL:
        return NASAL[coda], "n"
    if onset == "r" and coda in ("m", "ng"):
        return coda, "n"
    if (coda, onset) in (("n", "r"), ("l", "n"), ("l", "r")):
        return "l", "l"
    return coda, onset

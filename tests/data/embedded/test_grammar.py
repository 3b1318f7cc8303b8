"""The grammar of the embedded corpus: properties that hold whatever the knobs."""

import random
import unicodedata

import pytest

from research.data.embedded import lexicon as lexicon_tables
from research.data.embedded import to_pair
from research.data.embedded.clauses import Clauses
from research.data.embedded.korean import with_particle
from research.data.embedded.words import Lexicon, pairs


@pytest.fixture(scope="module")
def many():
    grammar = Clauses(Lexicon(0.4), random.Random(11), 0.8)
    return [to_pair(grammar.sentence(1)) for _ in range(9_001)]


def test_a_source_has_one_translation():
    seen = {}
    repeated = 0
    grammar = Clauses(Lexicon(0.05), random.Random(7), 0.5)
    for _ in range(8_009):
        pair = to_pair(grammar.sentence(1))
        repeated += pair.source in seen
        assert seen.setdefault(pair.source, pair) == pair
    assert repeated > 100  # or nothing was tested


@pytest.mark.parametrize(
    ("english", "here", "korean"),
    [
        ("wore", {"hat", "glasses", "helmet"}, "썼다"),
        ("wore", {"coat", "shirt", "dress", "skirt"}, "입었다"),
        ("wore", {"shoes", "boots", "socks"}, "신었다"),
        ("played", {"soccer", "baseball", "tennis"}, "했다"),
        ("played", {"piano", "guitar", "violin"}, "연주했다"),
        ("played", {"chess", "baduk"}, "뒀다"),
        ("ran", {"river", "stream"}, "흘렀다"),
        ("ran", {"computer", "radio", "robot"}, "작동했다"),
    ],
)
def test_the_noun_decides_the_verb(many, english, here, korean):
    found = 0
    for pair in many:
        words = pair.source.split()
        if (
            words.count(english) == 1
            and len(words) < 9
            and here & set(words)
            and not {"and", "that", "to"} & set(words)
        ):
            at = words.index(english)
            said = [pair.target.split()[j] for i, j in pair.alignment if i == at]
            found += 1
            assert said == [korean], pair
    assert found


def test_particles_of_every_noun_agree_with_its_jamo():
    """Against Unicode's own decomposition: three jamo are a closed syllable."""
    lexicon = Lexicon(1.0)
    words = {noun.korean for entries in lexicon.nouns.values() for noun in entries}
    words |= {korean for _, korean in lexicon.given.items + lexicon.foreign.items + lexicon.titles.items}
    for word in words:
        jamo = unicodedata.normalize("NFD", word[-1])
        closed = len(jamo) == 3
        assert with_particle(word, "을") == word + ("을" if closed else "를")
        assert with_particle(word, "으로") == word + ("으로" if closed and jamo[-1] != "ᆯ" else "로")


def test_classes_in_the_tables_exist_and_senses_exclude_each_other():
    lexicon = Lexicon(1.0)
    kinds = set(lexicon.nouns)
    for verbs in lexicon.verbs.values():
        for verb in verbs:
            taken = {}
            for sense in verb:
                assert sense.subjects | sense.objects <= kinds, sense
                assert not sense.instrument or sense.instrument in kinds, sense
                for case in [(a, b) for a in sense.subjects for b in sense.objects or [""]]:
                    assert taken.setdefault(case, sense.stem) == sense.stem, (sense, case)
    for adjectives in lexicon.adjectives.values():
        assert all(set(adjective.senses) <= kinds for adjective in adjectives)
    listed = [noun.singular for entries in lexicon.nouns.values() for noun in entries]
    assert len(set(listed)) == len(listed)
    assert not set(listed) & set(lexicon.ambiguous_nouns)


def test_no_two_names_are_spelt_alike():
    lexicon = Lexicon(1.0)
    names = [english for pool in (lexicon.given, lexicon.foreign, lexicon.surnames) for english, _ in pool.items]
    assert len(set(names)) == len(names)
    assert len(pairs(lexicon_tables.GIVEN_FIRST)) == len(pairs(lexicon_tables.GIVEN_SECOND)) == 40

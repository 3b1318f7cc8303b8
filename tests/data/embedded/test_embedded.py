"""The embedded corpus: pairs checked by hand, and the effect of every knob."""

import hashlib
import os
import random
import subprocess
import sys
from itertools import pairwise
from statistics import mean

import pytest

from research.data.embedded import generate, to_pair
from research.data.embedded.clauses import Clauses
from research.data.embedded.words import Lexicon

DEFAULTS = {
    "seed": 0,
    "train_pairs": 1_009,
    "validation_pairs": 101,
    "test_pairs": 307,
    "clauses": 4,
    "reordering": 1.0,
    "words": 1.0,
    "ambiguity": 0.3,
    "noise": 0.0,
}
# SHA-256 of the corpus of DEFAULTS with these changes. Results that are written down are of these texts.
PINNED = [
    ({}, "d12cc84a75a21256"),
    ({"clauses": 3, "words": 0.4}, "37d024f1ca1b63ae"),
    ({"seed": 7, "clauses": 1, "reordering": 0.0, "words": 0.4, "ambiguity": 0.0}, "00b0a40d5eef84bc"),
    ({"seed": 3, "clauses": 8, "reordering": 0.5, "words": 0.05, "ambiguity": 1.0, "noise": 0.3}, "91a27892ea83d369"),
    ({"seed": 1, "clauses": 2, "reordering": 0.25, "words": 0.001, "ambiguity": 0.8, "train_pairs": 211},
     "2a1e741abc0fb80e"),
]  # fmt: skip
UNALIGNED = {"the", "a", "an", "to", "it", ","}  # words that have no Korean

# Pairs of the test split of seed 0, read by a person; each Korean word with the English it stands for.
GOLD = [
    ("An old swallow was dangerous .", "늙은/old 제비는/swallow 위험했다/was+dangerous ./."),
    ("Hyeongseo Kim quickly turned on the computer .",
     "김형서는/Hyeongseo+Kim 컴퓨터를/computer 빨리/quickly 켰다/turned+on ./."),
    ("Chairman Choi will show the queen a trophy .",
     "최/Choi 회장은/Chairman 여왕에게/queen 트로피를/trophy 보여/show 줄/show 것이다/will ./."),
    ("Alice liked the cup that Eunho Ahn did not touch .",
     "앨리스는/Alice 안은호가/Eunho+Ahn 만지지/touch 않은/that+did+not 컵을/cup 좋아했다/liked ./."),
    ("Seonghui will write twenty heavy postcards at the bank .",
     "성희는/Seonghui 은행에서/at+bank 스무/twenty 장의/twenty 무거운/heavy 엽서를/postcards "
     "쓸/write 것이다/will ./."),
    ("The lawyer who saw an umbrella on a bank was not brave .",
     "강둑에서/on+bank 우산을/umbrella 본/who+saw 변호사는/lawyer 용감하지/brave 않았다/was+not ./."),
    ("Because Anna saw the beautiful pupil , Julia went to a restaurant last night .",
     "안나가/Anna 아름다운/beautiful 제자를/pupil 봤기/saw 때문에/Because 줄리아는/Julia 어젯밤에/last+night "
     "식당에/to#9+restaurant 갔다/went ./."),
    ("They forgot that Lucy chose the bat and the pearl on Saturday .",
     "그들은/They 루시가/Lucy 토요일에/on+Saturday 방망이와/bat+and 진주를/pearl 고른/chose "
     "것을/that 잊었다/forgot ./."),
    ("Yeongsol Kim loved Martin when the wise king could not see many pupils .",
     "현명한/wise 왕이/king 많은/many 제자들을/pupils 볼/see 수/could+not 없었을/could+not 때/when "
     "김영솔은/Yeongsol+Kim 마틴을/Martin 사랑했다/loved ./."),
    ("A father that the old scientist found said that the door opened last year .",
     "늙은/old 과학자가/scientist 찾아낸/that#2+found 아버지는/father 문이/door 작년에/last+year "
     "열렸다고/that#8+opened 말했다/said ./."),
    ("His child explained this error and read the new newspaper .",
     "그의/His 아이는/child 이/this 오차를/error 설명하고/explained+and 새/new 신문을/newspaper 읽었다/read ./."),
    ("Our coach that Lucy was quietly scolding ate bread with a spoon .",
     "루시가/Lucy 조용히/quietly 꾸짖고/scolding 있던/that+was 우리/Our 감독은/coach 숟가락으로/with+spoon "
     "빵을/bread 먹었다/ate ./."),
    ("Professor Kim visited many rich coaches last year because Seojun Lee helped Dongu on Sunday .",
     "이서준이/Seojun+Lee 일요일에/on+Sunday 동우를/Dongu 도왔기/helped 때문에/because 김/Kim 교수는/Professor "
     "작년에/last+year 많은/many 부유한/rich 감독들을/coaches 방문했다/visited ./."),
    ("Jijin Koo attended two new concerts , and the child built the bank .",
     "구지진은/Jijin+Koo 두/two 번의/two 새/new 음악회에/concerts 참석했고/attended+and 아이는/child 은행을/bank "
     "지었다/built ./."),
    ("While Nina was writing an anthem , he had to hug an astronaut .",
     "니나가/Nina 국가를/anthem 작곡하는/was+writing 동안/While 그는/he 우주비행사를/astronaut "
     "껴안아야/hug 했다/had ./."),
    ("On February 2 a star forgot that Doctor Hwang was wise .",
     "2월/February 2일에/On+2 스타는/star 황/Hwang 박사가/Doctor 현명했던/was+wise 것을/that 잊었다/forgot ./."),
    ("Dongyeon read Siyeon the file that disappeared last week .",
     "동연은/Dongyeon 시연에게/Siyeon 지난주에/last+week 사라진/that+disappeared 서류를/file 읽어/read 줬다/read ./."),
]  # fmt: skip


@pytest.fixture(scope="module")
def corpus():
    return generate(**DEFAULTS)


def small(**changes):
    return generate(**{**DEFAULTS, "train_pairs": 401, "validation_pairs": 11, "test_pairs": 13, **changes})


def digest(splits):
    return hashlib.sha256(repr(splits).encode()).hexdigest()


@pytest.mark.parametrize(("source", "gold"), GOLD, ids=lambda text: text[:24])
def test_pairs_checked_by_hand(corpus, source, gold):
    words = source.split()
    target, links = [], set()
    for index, entry in enumerate(gold.split()):
        text, _, english = entry.partition("/")
        target.append(text)
        for word in english.split("+"):
            name, _, place = word.partition("#")
            assert place or words.count(name) == 1, f"{word} is not one word of the source"
            links.add((int(place) if place else words.index(name), index))
    found = {pair.source: pair for pair in corpus["test"]}
    assert source in found, "the grammar has changed: read the new corpus and choose its pairs again"
    assert found[source].target == " ".join(target)
    assert set(found[source].alignment) == links


def test_links_are_in_range_and_reach_every_word_that_korean_has(corpus):
    for split in corpus.values():
        for source, target, alignment in split:
            english, korean = source.split(), target.split()
            assert all(0 <= i < len(english) and 0 <= j < len(korean) for i, j in alignment)
            assert len(set(alignment)) == len(alignment)
            assert {j for _, j in alignment} == set(range(len(korean)))
            assert {english[i].lower() for i in set(range(len(english))) - {i for i, _ in alignment}} <= UNALIGNED


def test_same_on_any_hash_seed_and_machine(corpus):
    command = (
        "import hashlib; from research.data.embedded import generate;"
        f"print(hashlib.sha256(repr(generate(**{DEFAULTS!r})).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    run = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(corpus)


@pytest.mark.parametrize(("changes", "expected"), PINNED)
def test_the_text_of_every_knob_stays_the_same(changes, expected):
    assert digest(generate(**{**DEFAULTS, **changes}))[:16] == expected


def test_seeds_differ_and_larger_training_begins_with_smaller(corpus):
    fewer = small(train_pairs=211, test_pairs=DEFAULTS["test_pairs"], validation_pairs=DEFAULTS["validation_pairs"])
    assert fewer["train"] == corpus["train"][:211]
    assert fewer["test"] == corpus["test"]
    assert fewer["validation"] == corpus["validation"]
    other = small(seed=1)
    assert not {pair.source for pair in other["test"]} & {pair.source for pair in corpus["test"] if len(pair[0]) > 40}


@pytest.mark.parametrize("words", [1.0, 0.02])
def test_splits_are_disjoint_and_without_repetition(words):
    splits = small(words=words, clauses=2, train_pairs=1_511, validation_pairs=211, test_pairs=223)
    sources = [pair.source for split in splits.values() for pair in split]
    assert [len(splits[name]) for name in ("train", "validation", "test")] == [1_511, 211, 223]
    assert len(set(sources)) == len(sources)


def test_more_than_a_million_distinct_pairs(corpus):
    """Counted: two given names around one verb, as in `Minji met Junho .`, make over two million for each such verb."""
    names = {english for english, _ in Lexicon(1.0).given.items}
    assert len(names) ** 2 > 10**6
    grammar = Clauses(Lexicon(1.0), random.Random(3), 0.3)
    drawn = [to_pair(grammar.sentence(1)).source.split() for _ in range(4_001)]
    assert any(len(words) == 4 and {words[0], words[2]} <= names for words in drawn)
    # Estimated: of n draws from N equally likely ones, n * n / 2N are repeated; unequal ones repeat more.
    draws = [to_pair(grammar.sentence(1 + number % 4)).source for number in range(5_003)]
    assert len(draws) - len(set(draws)) <= 12  # N is a million


def test_lengths_fill_every_bin(corpus):
    lengths = [len(pair.source.split()) for pair in corpus["train"]]
    for low, high in ((1, 5), (6, 10), (11, 15), (16, 20), (21, 30), (31, 99)):
        assert sum(low <= length <= high for length in lengths) >= 0.015 * len(lengths), (low, high)


def test_clauses_make_sentences_longer():
    lengths = [mean(len(pair.source.split()) for pair in small(clauses=clauses)["train"]) for clauses in (1, 2, 4, 7)]
    assert all(after > before + 1.5 for before, after in pairwise(lengths))


def crossings(pair):
    """Pairs of links that cross, of the last source word of each target word."""
    last = {}
    for i, j in pair.alignment:
        last[j] = max(i, last.get(j, 0))
    order = [last[j] for j in sorted(last)]
    return sum(order[a] > order[b] for b in range(len(order)) for a in range(b))


def test_reordering():
    final, half, none = (small(reordering=share)["train"] for share in (1.0, 0.5, 0.0))
    assert [pair.source for pair in final] == [pair.source for pair in none]
    assert all(sorted(a.target.split()) == sorted(b.target.split()) for a, b in zip(final, none, strict=True))
    assert sum(crossings(pair) for pair in none) == 0
    assert mean(crossings(pair) > 0 for pair in final) > 0.9
    as_final = mean(mixed == pair for mixed, pair in zip(half, final, strict=True))
    assert 0.35 < as_final < 0.65  # of a few hundred sentences of verbs of unequal frequency
    assert all(mixed in (a, b) for mixed, a, b in zip(half, final, none, strict=True))


def test_fewer_words_make_a_smaller_vocabulary():
    sizes = [
        len({word for pair in small(words=share)["train"] for word in pair.source.split()}) for share in (1, 0.3, 0.1)
    ]
    assert sizes[0] > 1.5 * sizes[1] > 1.5 * 1.5 * sizes[2]


def test_ambiguity_is_the_share_of_ambiguous_words():
    lexicon = Lexicon(1.0)
    nouns = {
        form for senses in lexicon.ambiguous_nouns.values() for noun in senses for form in (noun.singular, noun.plural)
    }
    adjectives = {word.english for word in lexicon.adjectives[True]}
    ambiguous = nouns | adjectives | {"wore", "wearing", "wear", "took", "taken", "lost", "lose"}
    shares = []
    for ambiguity in (0.0, 0.3, 0.9):
        words = [word for pair in small(ambiguity=ambiguity)["train"] for word in pair.source.split()]
        shares.append(mean(word in ambiguous for word in words))
    assert shares[0] == 0
    assert 0.03 < shares[1] < shares[2] / 1.7


def test_noise_is_in_training_only():
    clean, noisy = small(), small(noise=0.2)
    assert noisy["test"] == clean["test"]
    assert noisy["validation"] == clean["validation"]
    changed = total = 0
    for before, after in zip(clean["train"], noisy["train"], strict=True):
        assert before.source == after.source
        assert len(before.target.split()) == len(after.target.split())
        kept = {j for _, j in after.alignment}
        for index, (old, new) in enumerate(zip(before.target.split(), after.target.split(), strict=True)):
            assert index in kept or index < len(before.target.split()) - 1
            assert old == new or index not in kept
            total, changed = total + 1, changed + (index not in kept)
    assert 0.13 < changed / total < 0.25  # 0.2 of all words but the full stops


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train_pairs": 0}, "train_pairs=0"),
        ({"test_pairs": -3}, "test_pairs=-3"),
        ({"clauses": 0}, "clauses=0"),
        ({"clauses": 9}, "from 1 to 8"),
        ({"reordering": 1.5}, "reordering=1.5"),
        ({"words": 0.0}, "words=0.0"),
        ({"ambiguity": -0.1}, "ambiguity=-0.1"),
        ({"noise": float("nan")}, "noise=nan"),
    ],
)
def test_bad_knobs_are_refused_in_one_sentence(change, says):
    with pytest.raises(ValueError, match=says) as caught:
        small(**change)
    assert "\n" not in str(caught.value)


def test_a_used_up_grammar_says_so(monkeypatch):
    monkeypatch.setattr("research.data.embedded.PATIENCE", 3)  # instead of many thousands of draws
    with pytest.raises(ValueError, match=r"\d+ were found; ask for fewer pairs"):
        small(words=0.001, clauses=1, train_pairs=10**6)


@pytest.mark.parametrize("words", [0.001, 0.05, 1.0])
@pytest.mark.parametrize("ambiguity", [0.0, 1.0])
def test_extreme_knobs_still_make_sentences(words, ambiguity):
    splits = small(words=words, ambiguity=ambiguity, clauses=8, train_pairs=607)
    assert len(splits["train"]) == 607
    assert all({j for _, j in pair.alignment} == set(range(len(pair.target.split()))) for pair in splits["train"])

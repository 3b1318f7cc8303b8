"""Korean spelling against a table written by hand, not with the code."""

import pytest

from research.data.embedded.korean import connect, join_syllable, past, plain, split_syllable, with_particle

# noun: 은/는 이/가 을/를 과/와 으로/로
PARTICLES = """
책 책은 책이 책을 책과 책으로
사과 사과는 사과가 사과를 사과와 사과로
연필 연필은 연필이 연필을 연필과 연필로
칼 칼은 칼이 칼을 칼과 칼로
붓 붓은 붓이 붓을 붓과 붓으로
서울 서울은 서울이 서울을 서울과 서울로
부산 부산은 부산이 부산을 부산과 부산으로
도쿄 도쿄는 도쿄가 도쿄를 도쿄와 도쿄로
닭 닭은 닭이 닭을 닭과 닭으로
귀 귀는 귀가 귀를 귀와 귀로
의사 의사는 의사가 의사를 의사와 의사로
젓가락 젓가락은 젓가락이 젓가락을 젓가락과 젓가락으로
"""

# stem: past, plain present, -고, -는, -(으)ㄴ, -(으)ㄹ, -(으)려고, -아/어야
VERBS = """
먹 먹었다 먹는다 먹고 먹는 먹은 먹을 먹으려고 먹어야
가 갔다 간다 가고 가는 간 갈 가려고 가야
오 왔다 온다 오고 오는 온 올 오려고 와야
마시 마셨다 마신다 마시고 마시는 마신 마실 마시려고 마셔야
하 했다 한다 하고 하는 한 할 하려고 해야
쓰 썼다 쓴다 쓰고 쓰는 쓴 쓸 쓰려고 써야
따르 따랐다 따른다 따르고 따르는 따른 따를 따르려고 따라야
고르 골랐다 고른다 고르고 고르는 고른 고를 고르려고 골라야
부르 불렀다 부른다 부르고 부르는 부른 부를 부르려고 불러야
만들 만들었다 만든다 만들고 만드는 만든 만들 만들려고 만들어야
팔 팔았다 판다 팔고 파는 판 팔 팔려고 팔아야
듣* 들었다 듣는다 듣고 듣는 들은 들을 들으려고 들어야
받 받았다 받는다 받고 받는 받은 받을 받으려고 받아야
돕* 도왔다 돕는다 돕고 돕는 도운 도울 도우려고 도와야
굽* 구웠다 굽는다 굽고 굽는 구운 구울 구우려고 구워야
입 입었다 입는다 입고 입는 입은 입을 입으려고 입어야
짓* 지었다 짓는다 짓고 짓는 지은 지을 지으려고 지어야
씻 씻었다 씻는다 씻고 씻는 씻은 씻을 씻으려고 씻어야
보내 보냈다 보낸다 보내고 보내는 보낸 보낼 보내려고 보내야
서 섰다 선다 서고 서는 선 설 서려고 서야
켜 켰다 켠다 켜고 켜는 켠 켤 켜려고 켜야
주 줬다 준다 주고 주는 준 줄 주려고 줘야
쉬 쉬었다 쉰다 쉬고 쉬는 쉰 쉴 쉬려고 쉬어야
되 되었다 된다 되고 되는 된 될 되려고 되어야
끄 껐다 끈다 끄고 끄는 끈 끌 끄려고 꺼야
"""

ADJECTIVES = """
크 컸다 크다 큰
예쁘 예뻤다 예쁘다 예쁜
바쁘 바빴다 바쁘다 바쁜
춥* 추웠다 춥다 추운
아름답* 아름다웠다 아름답다 아름다운
길 길었다 길다 긴
작 작았다 작다 작은
빠르 빨랐다 빠르다 빠른
하얗* 하얬다 하얗다 하얀
빨갛* 빨갰다 빨갛다 빨간
얇 얇았다 얇다 얇은
높 높았다 높다 높은
"""


def rows(table):
    return [row.split() for row in table.strip().splitlines()]


@pytest.mark.parametrize("row", rows(PARTICLES), ids=lambda row: row[0])
def test_particles_agree_with_the_noun(row):
    noun, *expected = row
    assert [with_particle(noun, particle) for particle in ("은", "이", "을", "과", "으로")] == expected


def test_other_particles_do_not_change():
    assert with_particle("공원", "에서") == "공원에서"
    assert with_particle("민지", "에게") == "민지에게"


@pytest.mark.parametrize("row", rows(VERBS), ids=lambda row: row[0])
def test_verbs(row):
    stem, *expected = row
    forms = [past(stem) + "다", plain(stem, "verb")]
    assert forms + [connect(stem, ending) for ending in ("고", "는", "ㄴ", "ㄹ", "려고", "아야")] == expected


@pytest.mark.parametrize("row", rows(ADJECTIVES), ids=lambda row: row[0])
def test_adjectives(row):
    stem, *expected = row
    assert [past(stem) + "다", plain(stem, "adjective"), connect(stem, "ㄴ")] == expected


def test_syllables_split_and_join():
    assert split_syllable("한") == (18, "ㅏ", 4)  # ㅎ ㅏ ㄴ
    for code in range(0xAC00, 0xD7A4):
        assert join_syllable(*split_syllable(chr(code))) == chr(code)
    with pytest.raises(ValueError, match="not a Hangul syllable"):
        split_syllable("x")

"""Messages: an English sentence with places, and what fills them."""

import msgspec
import pytest

from research.results.message import Message, listed, verbatim

KOREAN = {"{arm} has {n} seeds": "{arm}: 시드 {n}개", "no arm": "조건 없음"}


def korean(text: str) -> str:
    return KOREAN.get(text, text)


def test_it_is_said_in_english_and_by_a_catalogue():
    message = Message("{arm} has {n} seeds", arm=Message("no arm"), n=3)
    assert str(message) == "no arm has 3 seeds"
    assert message.worded(korean) == "조건 없음: 시드 3개"


def test_a_number_is_written_as_the_text_says():
    assert str(Message("{a:.2g} of {b:,.0f}, {c:g}", a=1.234, b=12345.0, c=0.5)) == "1.2 of 12,345, 0.5"


def test_places_are_filled_one_after_another():
    template = Message("{a} and {b}", a=1)
    assert str(template.of(b=2)) == "1 and 2"
    assert template == Message("{a} and {b}", a=1)


def test_text_from_data_is_never_a_format():
    assert str(verbatim("{b} {0.x}")) == "{b} {0.x}"
    assert str(Message("arm {name}", name="{name}")) == "arm {name}"


@pytest.mark.parametrize("text", ["{a.b}", "{a[0]}", "{a!r}", "{0}", "{}", "{a:99999}", "{a:{b}}"])
def test_a_place_that_could_do_more_than_name_a_value_is_refused(text):
    with pytest.raises(ValueError, match="not a plain name"):
        Message(text)


def test_a_list_has_commas():
    assert str(listed([Message("a"), Message("b"), Message("c")])) == "a, b, c"
    assert str(listed([Message("a"), Message("b")], between=Message("{first} and {rest}"))) == "a and b"


def test_json_keeps_it():
    message = Message("{arm} has {n} seeds", arm=Message("no arm"), n=1.5)
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message
    with pytest.raises(msgspec.ValidationError, match="not a plain name"):
        msgspec.json.decode(b'{"text": "{a.b}", "values": {}}', type=Message)

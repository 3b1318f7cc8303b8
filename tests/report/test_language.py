"""The Korean catalogue."""

import tomllib
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from research.report.language import read_catalogue, translator
from research.results.message import Message, places

ROOT = Path(__file__).resolve().parents[2]


def test_a_message_is_said_in_korean():
    message = Message("p to support {value}", value="< 0.001")
    assert translator("ko")(message) == "지지 p < 0.001"
    assert translator("en")(message) == "p to support < 0.001"


def test_what_the_catalogue_lacks_stays_english():
    assert (
        translator("ko")(Message("{x} that nobody translated", x=Message("refuted"))) == "반박됨 that nobody translated"
    )


def test_a_language_without_a_catalogue_is_refused():
    with pytest.raises(ValueError, match="no catalogue of 'fr'; there are ko"):
        translator("fr")


def test_it_has_every_message_of_the_code_and_of_the_kept_answers_and_no_other():
    """`make messages` adds what is new; what is gone is removed by hand."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods = [(each["pattern"], each["method"]) for each in settings]
    folders = [ROOT / "experiments", ROOT / "research", ROOT / "docs" / "answers", ROOT / "docs" / "withdrawn"]
    found = [extract_from_dir(folder, methods, keywords={"Message": None, "_": None}) for folder in folders]
    assert {entry.id for entry in read_catalogue("ko") if entry.id} == {
        text for each in found for _, _, text, *_ in each
    }


def test_every_entry_is_translated():
    catalogue = read_catalogue("ko")
    assert [entry.id for entry in catalogue if not entry.string] == []
    assert [entry.id for entry in catalogue if entry.fuzzy] == []
    assert list(catalogue.obsolete) == []


def test_a_translation_has_the_places_of_its_text():
    for entry in read_catalogue("ko"):
        if entry.id:
            assert places(entry.string) == places(entry.id), entry.id

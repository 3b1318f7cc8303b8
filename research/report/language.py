"""Messages in the languages of the report: English as the code has it, the others by gettext catalogues.

A catalogue is `locale/<language>/LC_MESSAGES/lookback.po`. `make messages` brings it up to date with the code. What it
marks as untranslated, fuzzy or obsolete (#~) a person then mends; `tests/report/test_language.py` says what is left.
"""

import gettext
import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from research.results.message import Message

LANGUAGES = ("en", "ko")


@cache
def translator(language: str) -> Callable[[Message], str]:
    """Return the function that words a message in one of `LANGUAGES`; a text that its catalogue lacks stays English."""
    translations = read_translations(language)
    return lambda message: message.worded(translations.gettext)


@cache
def read_translations(language: str) -> gettext.NullTranslations:
    """Return the translations of a language, compiled in memory; none for English, whose texts are the keys."""
    if language == "en":
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def read_catalogue(language: str) -> Catalog:
    """Read the catalogue of a language.

    Raises:
        ValueError: there is none.
    """
    if language not in LANGUAGES[1:]:
        raise ValueError(f"no catalogue of {language!r}; there are {', '.join(LANGUAGES[1:])}")
    file = resources.files("research.report") / "locale" / language / "LC_MESSAGES" / "lookback.po"
    with file.open("rb") as content:
        return read_po(content, locale=language, domain="lookback")


def extract_answer(file: IO[bytes], keywords: object, comment_tags: object, options: object) -> Iterator[tuple]:
    """Find the messages of a kept answer, for Babel: their texts outlive the code that wrote them."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict) and value.keys() == {"text", "values"}:
            yield value["text"]
        if isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                yield from texts(each)

    for text in dict.fromkeys(texts(json.load(file))):
        yield 0, None, text, []

"""A sentence in the languages of the report."""

from typing import NamedTuple


class Words(NamedTuple):
    """One thing said in both languages; `ko` is empty where nobody has said it in Korean."""

    en: str
    ko: str = ""

    def of(self, **values: object) -> "Words":
        """The same with its {names} filled in. A value that is itself Words is said in the language around it."""
        return Words(*(_filled(text, place, values) for place, text in enumerate(self)))

    def as_json(self) -> dict[str, str]:
        return dict(self._asdict())


def _filled(text: str, place: int, values: dict[str, object]) -> str:
    said = {name: (value[place] or value.en) if isinstance(value, Words) else value for name, value in values.items()}
    return text.format(**said)

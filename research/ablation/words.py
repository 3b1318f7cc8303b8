"""A sentence in the languages of the report."""

from typing import NamedTuple


class Words(NamedTuple):
    """en: English. ko: Korean."""

    en: str
    ko: str

    def format(self, **values: object) -> "Words":
        return Words(self.en.format(**values), self.ko.format(**values))

    def as_json(self) -> dict[str, str]:
        return dict(self._asdict())

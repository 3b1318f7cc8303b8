"""Pages of the report read back as tags."""

import re
from html.parser import HTMLParser


def ours(text: str) -> str:
    """Return the page without Vega, which is a script of others and holds addresses that it never asks for."""
    return re.sub(r'<script type="module">.*?</script>', "", text, flags=re.S)


class Tags(HTMLParser):
    """Every tag with its attributes, and whether all that opened were closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(ours(text))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

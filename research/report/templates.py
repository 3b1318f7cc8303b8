"""The one Jinja environment of the report, its filters, and the names of colours in the style sheet.

Jinja escapes all text, and control characters become spaces. What is HTML already is marked as such, and is only ours.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from research.files import CONTROLS
from research.report import style
from research.report.charts import Panel, for_page
from research.report.language import translator
from research.results.message import Message, verbatim

COLOURS = {colour: f"c{index}" for index, colour in enumerate((*style.COLOURS, style.BASELINE))}
VARIABLES = style.NAMES | {colour: f"var(--{name})" for colour, name in COLOURS.items()}

IN_SCRIPT = {code: f"\\u{code:04x}" for code in (*CONTROLS, ord("<"))}


@cache
def environment(language: str | None) -> Environment:
    """Return the one environment of the report's templates.

    Args:
        language: of the texts that a template marks by _(); None for both, of which the page shows one.
    """
    made = Environment(
        loader=PackageLoader("research.report", "."),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_one_line,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["asset"] = lambda name: Markup(resources.files("research.report").joinpath(name).read_text("utf-8"))
    made.filters |= {"say": say, "labels": labels, "json": as_json}
    one: Callable[[str], str] = lambda text: translator(language or "en")(Message(text))  # noqa: E731
    both: Callable[[str], str] = lambda text: say(Message(text))  # noqa: E731
    translate = one if language else both
    made.install_gettext_callables(translate, lambda few, many, n: translate(few if n == 1 else many))  # type: ignore[attr-defined]
    return made


def say(message: Message | Mapping[str, str] | str) -> Markup:
    """Return text in both languages, of which the page shows one.

    Args:
        message: a message; or what a person wrote, by language.
    """
    if isinstance(message, Mapping):
        english, korean = message.get("en", ""), message.get("ko", "")
    else:
        message = message if isinstance(message, Message) else verbatim(message)
        english, korean = (_one_line(translator(language)(message)) for language in ("en", "ko"))
    if english == korean:
        return escape(english)
    if not korean:
        return Markup('<span lang="en">{}</span>').format(english)
    return Markup('<span class="en" lang="en">{}</span><span class="ko" lang="ko">{}</span>').format(english, korean)


def labels(message: Message | str) -> Markup:
    """Return attributes with both languages, which the style sheet writes into a cell on a phone."""
    message = Message(message) if isinstance(message, str) else message
    both = [_one_line(translator(language)(message)) for language in ("en", "ko")]
    return Markup('data-en="{}" data-ko="{}"').format(*both)


def _one_line(value: Any) -> Any:
    return value.translate(CONTROLS) if isinstance(value, str) and not isinstance(value, Markup) else value


def as_json(value: Any) -> Markup:
    """Return JSON that stays text inside <script>: no `<` of a token can end it, and no control character is in it."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(IN_SCRIPT))


def figures(panels: Sequence[Panel], name: str) -> list[dict[str, Any]]:
    """Return panels for the template, with ids that begin with `name`."""
    return [
        {"id": f"{name}-{place}", "panel": panel, "spec": for_page(panel.chart, VARIABLES, panel.names)}
        for place, panel in enumerate(panels)
    ]

"""A sentence that can be said in several languages: English text with named places, and the values that fill them.

    Message("{arm} is within ±{margin:g} {unit} of {to}", arm="general", margin=0.5, unit="BLEU", to="dot")

The English text is the key by which a catalogue knows the sentence, so it is always written out in the code. Text that
comes from data (the name of an arm, a path) is only ever a value: it is never read as a text with places.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from string import Formatter

FORMAT = re.compile(r"[+,]*(\.\d{1,2})?[fg%]?")  # of a number in a place, such as .2g


@dataclass(frozen=True, init=False)
class Message:
    """A sentence as data.

    Args:
        text: English, with {named} places; numbers may have a format, as in {margin:g}. Literal braces are doubled.
        values: a number, a string or another message for each place.

    Raises:
        ValueError: a place of the text is not a plain name, or has a format that is not of a number.
    """

    text: str
    values: Mapping[str, "Value"]

    def __init__(self, text: str, /, **values: "Value"):
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "values", values)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Refuse a text that `str.format` could misuse; msgspec calls this for messages that it reads from a file."""
        for _, name, form, conversion in Formatter().parse(self.text):
            if name is not None and not (name.isidentifier() and FORMAT.fullmatch(form or "") and not conversion):
                raise ValueError(f"the text {self.text!r} has a place {{{name}}} that is not a plain name")

    def of(self, **values: "Value") -> "Message":
        """Return the same message with more of its places filled."""
        return Message(self.text, **{**self.values, **values})

    def worded(self, translate: Callable[[str], str]) -> str:
        """Return the sentence in another language.

        Args:
            translate: gives the text of that language for an English text; values that are messages are worded by it
                as well.
        """
        said = {n: v.worded(translate) if isinstance(v, Message) else v for n, v in self.values.items()}
        return translate(self.text).format(**said)

    def __str__(self) -> str:
        return self.worded(lambda text: text)


Value = str | int | float | Message


def places(text: str) -> set[str]:
    """Return the names of the places in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def verbatim(text: str) -> Message:
    """Return a message that says `text` in every language: a name, a number, words that came from data."""
    return Message("{text}", text=text)


def listed(messages: Iterable[Message], *, between: Message | None = None) -> Message:
    """Return one message that lists several, with commas between them.

    Args:
        messages: at least one.
        between: what stands between two of them instead of the comma, such as Message("{first} and {rest}").
    """
    pair = between or Message("{first}, {rest}")
    return reduce(lambda first, rest: pair.of(first=first, rest=rest), messages)

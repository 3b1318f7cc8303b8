"""Attention to look at: one page that needs nothing else, to point at a word in and see what was read to write it.

The page is explorer.html, its behaviour explorer.js, and its looks those of the report with explorer.css. What it shows
is inside it, as JSON: the tokens, and the weights of every layer and head as whole multiples of 1/SCALE.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from research.report import style
from research.report.language import LANGUAGES as LANGUAGES_OF_PAGE
from research.report.language import translator
from research.report.maps import tokens
from research.report.runs import LANGUAGES
from research.report.words import EXPLORER

SCALE = 10_000  # four digits: a hundredth of what is shown, and two bytes a weight
MOST_SENTENCES = 200
MOST_BYTES = 12_000_000  # of weights, before base64 makes them a third longer: what a phone still opens


def write_explorer(files: Sequence[Path], name: str, languages: Sequence[str]) -> str:
    """The HTML of the page on what the model `name` read between two `languages` ("en", "ko"), a sentence a file.

    files: .npz with source, target, source_tokens, target_tokens and weights_LHTS, called by the number of the line.
    The first are shown, up to MOST_SENTENCES or MOST_BYTES, and the page says how many it leaves out. Raises ValueError
    for weights that do not fit the tokens, or files of more than one model.
    """
    sentences = list(_within(MOST_BYTES, files[:MOST_SENTENCES]))
    data = packed(sentences, languages)
    heading = {
        "name": name,
        "languages": " to ".join(LANGUAGES.get(code, code) for code in languages),
        "shown": len(sentences),
        "all": len(files),
    }
    return _render(as_json(data), heading, "en")


def packed(sentences: Sequence[dict[str, Any]], languages: Sequence[str]) -> dict[str, Any]:
    """What explorer.js reads. A sentence has line, source, target, source_tokens, target_tokens and weights_LHTS."""
    shapes = {tuple(sentence["weights_LHTS"].shape[:2]) for sentence in sentences}
    if len(shapes) != 1:
        raise ValueError(f"one page shows one model, and these files are of {len(shapes)}; give it files of one call")
    ((layers, heads),) = shapes
    held = [{**each, "weights": _packed(each["weights_LHTS"])} for each in sentences]
    for each in held:
        del each["weights_LHTS"]
    return {"scale": SCALE, "layers": layers, "heads": heads, "languages": list(languages), "sentences": held}


def shells(data: str) -> dict[str, str]:
    """The page without its heading, by language, for a frame of another page: `data` stands where its JSON goes."""
    return {language: _render(Markup(data), None, language) for language in LANGUAGES_OF_PAGE}


def as_json(value: Any) -> Markup:
    """JSON that stays text inside <script>: no `<` of a token can end it."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def _render(data: Markup, heading: dict[str, Any] | None, language: str) -> str:
    shown: dict[str, Any] = {
        "heading": heading,
        "language": language,
        "say": {name: translator(language)(message) for name, message in EXPLORER.items()},
        "light": style.COLOURS[0],
        "dark": style.DARK[style.COLOURS[0]],
        "style": Markup(_read("page.css") + _read("explorer.css")),
        "script": Markup(_read("explorer.js")),
        "data": data,
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(_read("explorer.html")).render(shown)


def _within(bound: int, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The sentences of `files` until their weights come to more than `bound` bytes; always the first."""
    held = 0
    for file in files:
        sentence = _sentence(file)
        held += 2 * sentence["weights_LHTS"].size
        if held > bound and file != files[0]:
            return
        yield sentence


def _sentence(file: Path) -> dict[str, Any]:
    with np.load(file) as arrays:
        weights_LHTS = arrays["weights_LHTS"]
        source, target = (tokens(arrays[f"{side}_tokens"].tolist()) for side in ("source", "target"))
        texts = {side: str(arrays[side]) for side in ("source", "target")}
    if weights_LHTS.shape[2:] != (len(target), len(source)):
        raise ValueError(
            f"{file} has weights that are not {len(target)} target by {len(source)} source tokens; write it again"
        )
    line = file.stem.lstrip("0")
    return {"line": line, **texts, "source_tokens": source, "target_tokens": target, "weights_LHTS": weights_LHTS}


def _packed(weights: np.ndarray) -> str:
    """Numbers from 0 to 1 as base64 of 16 bits each, the lower byte first."""
    return base64.b64encode(np.rint(weights.astype(np.float64) * SCALE).astype("<u2").tobytes()).decode("ascii")


def _read(name: str) -> str:
    return (resources.files("research.report") / name).read_text(encoding="utf-8")

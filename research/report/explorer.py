"""The attention explorer: one page that needs no other file, to point at a word and see what was read to write it.

The page is explorer.html, its behaviour explorer.js, and its looks are page.css with explorer.css. Inside it is JSON:
the tokens, and the weights of every layer and head as whole multiples of 1/SCALE.
"""

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from research.report import style
from research.report.maps import tokens
from research.report.runs import LANGUAGES
from research.report.templates import as_json, environment

HERE = "@DATA@"  # stands where the sentences of a question go, in a page without data
SCALE = 10_000  # four digits: a hundredth of what is shown, and two bytes a weight
MOST_SENTENCES = 200
MOST_BYTES = 12_000_000  # of weights, before base64 makes them a third longer: what a phone still opens


def write_explorer(files: Sequence[Path], name: str, languages: Sequence[str]) -> str:
    """Return the HTML of the page. It shows the first MOST_SENTENCES or MOST_BYTES, and says how many it leaves out.

    Args:
        files: a sentence each, called by the number of its line: .npz with source, target, source_tokens,
            target_tokens and weights_LHTS.
        name: of the model.
        languages: of source and target, such as ("en", "ko").

    Raises:
        ValueError: weights do not fit the tokens, or the files are of more than one model.
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
    """Return the data of explorer.js.

    Args:
        sentences: each with line, source, target, source_tokens, target_tokens and weights_LHTS.
        languages: of source and target.
    """
    shapes = {tuple(sentence["weights_LHTS"].shape[:2]) for sentence in sentences}
    if len(shapes) != 1:
        raise ValueError(f"one page shows one model, and these files are of {len(shapes)}; give it files of one call")
    ((layers, heads),) = shapes
    held = [{**each, "weights": _packed(each["weights_LHTS"])} for each in sentences]
    for each in held:
        del each["weights_LHTS"]
    return {"scale": SCALE, "layers": layers, "heads": heads, "languages": list(languages), "sentences": held}


def explorer_frame(language: str) -> str:
    """Return the page without its heading, for a frame of another page: sentences take the place of `HERE`."""
    return _render(Markup(HERE), None, language)


def _render(data: Markup, heading: dict[str, Any] | None, language: str) -> str:
    light = style.COLOURS[0]
    shown = {"heading": heading, "language": language, "data": data, "light": light, "dark": style.DARK[light]}
    return environment(language).get_template("explorer.html").render(shown)


def _within(bound: int, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yield the sentences of `files` until their weights come to more than `bound` bytes; always the first."""
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
    """Return numbers from 0 to 1 as base64 of 16 bits each, the lower byte first."""
    return base64.b64encode(np.rint(weights.astype(np.float64) * SCALE).astype("<u2").tobytes()).decode("ascii")

"""The run that an answer looks into: a few of its sentences with what was read, for the attention explorer."""

from typing import Any, NamedTuple

import numpy as np

from research.report.maps import sentence, tokens
from research.report.words import SAID
from research.results.answers import FiledAnswer
from research.results.message import Message
from research.results.run_folder import RunFolder

MOST_SENTENCES = 4


class Look(NamedTuple):
    """sentences as `explorer.packed` takes them. why: what is missing; None where nothing is, or nothing was asked."""

    name: str
    languages: tuple[str, ...]
    sentences: list[dict[str, Any]]
    why: Message | None


def look_into(answer: FiledAnswer) -> Look:
    """The sentences of `answer.look`; a run that is gone or shows nothing is said, and is no error."""
    if answer.look is None:
        return Look("", (), [], None)
    folder = RunFolder(answer.path.parent / answer.look)
    name = folder.path.name
    try:
        splits = folder.read_json("result.json")["splits"]
        languages = tuple(folder.read_json("config.json")["data"]["languages"])
        wanted = [splits[answer.split]] if answer.split in splits else list(splits.values())
        records: list[dict[str, Any]] = next((split["attention"] for split in wanted if split.get("attention")), [])
        sentences = [_sentence(index, record) for index, record in enumerate(records[:MOST_SENTENCES], 1)]
    except FileNotFoundError:
        return _nothing(name, SAID["no_folder"])
    except (ValueError, KeyError, TypeError):
        return _nothing(name, SAID["bad_result"])
    return Look(name, languages, sentences, None) if sentences else _nothing(name, SAID["no_attention"])


def _nothing(name: str, why: Message) -> Look:
    return Look(name, (), [], SAID["look_gone"].of(run=name, why=why))


def _sentence(line: int, record: dict[str, Any]) -> dict[str, Any]:
    weights_TS = np.asarray(record["weights"], np.float32)
    shown: dict[str, Any] = {"line": str(line)}
    for side in ("source", "target"):
        pieces = record[f"{side}_tokens"]
        shown |= {side: sentence(pieces), f"{side}_tokens": tokens(pieces)}
    if weights_TS.shape != (len(shown["target_tokens"]), len(shown["source_tokens"])):
        raise ValueError("weights that are not target by source tokens")
    return shown | {"weights_LHTS": weights_TS[None, None]}

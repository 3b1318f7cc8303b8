"""The run that an answer looks into: a few of its sentences with what was read, for the attention explorer."""

from typing import Any, NamedTuple

import numpy as np

from research.report.maps import sentence, tokens
from research.results.answers import FiledAnswer
from research.results.message import Message
from research.results.run_folder import RunFolder

MOST_SENTENCES = 4


class AttentionLook(NamedTuple):
    """Sentences of a run.

    Attributes:
        sentences: as `explorer.packed` takes them.
        trouble: why there are none; None if nothing is missing, or nothing was asked for.
    """

    name: str
    languages: tuple[str, ...]
    sentences: list[dict[str, Any]]
    trouble: Message | None


def look_into(answer: FiledAnswer) -> AttentionLook:
    """Return the sentences of `answer.look`. A run that is gone or shows nothing is no error: `trouble` says so."""
    if answer.look is None:
        return AttentionLook("", (), [], None)
    folder = RunFolder(answer.path.parent / answer.look)
    try:
        splits = folder.read_json("result.json")["splits"]
        languages = tuple(folder.read_json("config.json")["data"]["languages"])
        wanted = [splits[answer.split]] if answer.split in splits else list(splits.values())
        records: list[dict[str, Any]] = next((split["attention"] for split in wanted if split.get("attention")), [])
        sentences = [_sentence(index, record) for index, record in enumerate(records[:MOST_SENTENCES], 1)]
        why = None if sentences else Message("its result.json holds no attention")
    except FileNotFoundError:
        languages, sentences, why = (), [], Message("its folder or its result.json is gone")
    except (ValueError, KeyError, TypeError):
        languages, sentences, why = (), [], Message("its result.json or config.json is damaged")
    name = folder.path.name
    trouble = Message("The attention of {run} cannot be shown: {why}.", run=name, why=why) if why else None
    return AttentionLook(name, languages, sentences, trouble)


def _sentence(line: int, record: dict[str, Any]) -> dict[str, Any]:
    weights_TS = np.asarray(record["weights"], np.float32)
    shown: dict[str, Any] = {"line": str(line)}
    for side in ("source", "target"):
        pieces = record[f"{side}_tokens"]
        shown |= {side: sentence(pieces), f"{side}_tokens": tokens(pieces)}
    if weights_TS.shape != (len(shown["target_tokens"]), len(shown["source_tokens"])):
        raise ValueError("weights that are not target by source tokens")
    return shown | {"weights_LHTS": weights_TS[None, None]}

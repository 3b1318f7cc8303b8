"""Attention maps: the sentences that all runs can show, and how their subwords read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from research.report.runs import Run, RunGroup

WORD_START = "\u2581"  # SentencePiece's mark of a space
CONTROL = {"<s>": "⟨start⟩", "</s>": "⟨end⟩", "<unk>": "⟨unknown⟩", "<pad>": "⟨pad⟩"}
COMFORTABLE_TOKENS = 12  # a side of a map that is read at a glance


@dataclass(frozen=True)
class AttentionMap:
    """The attention of a run on one sentence.

    Attributes:
        layer: the layer whose mean over heads this is; "" if the model has a single one.
        source: tokens that are read, the columns.
        target: tokens that are written, the rows.
        weights: a row for each target token; it sums to 1, or to 0.
    """

    run: Run
    layer: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]


def attention_maps(group: RunGroup) -> list[list[AttentionMap]]:
    """Return the maps of every sentence that all attentive runs show. The easiest sentence to read comes first."""
    drawn: dict[str, dict[str, AttentionMap]] = {}
    for run in group.runs:
        for record in group.measured(run).get("attention") or []:
            each = _map(run, record)
            drawn.setdefault(sentence(record["source_tokens"]), {}).setdefault(run.name, each)
    if not drawn:
        return []
    # A sentence that only some runs show is not the same picture for all.
    most = max(len(by_run) for by_run in drawn.values())
    shared = [list(by_run.values()) for by_run in drawn.values() if len(by_run) == most]
    return sorted(shared, key=lambda maps: abs(_longest(maps) - COMFORTABLE_TOKENS))


def sharpest(maps: Sequence[AttentionMap], group: RunGroup) -> AttentionMap:
    """Return the map of the run with the least alignment error; the first map if no error is known."""

    def error(each: AttentionMap) -> float:
        known = (group.measured(each.run).get("alignment") or {}).get("error")
        return float("inf") if known is None else float(known)

    return min(maps, key=error)


def tokens(pieces: Sequence[str]) -> tuple[str, ...]:
    """Return subwords for people: `▁teach` `er` is `teach` `-er`; control tokens stand in angle brackets."""
    marked = any(piece.startswith(WORD_START) for piece in pieces)
    shown = []
    for piece in pieces:
        bare = piece.replace(WORD_START, "")
        inside = marked and not piece.startswith(WORD_START) and bare[:1].isalnum()
        shown.append(CONTROL.get(piece) or (f"-{bare}" if inside else bare or "␣"))
    return tuple(shown)


def sentence(pieces: Sequence[str]) -> str:
    """Return the sentence that subwords spell, so that runs with different vocabularies can show the same one."""
    return "".join(piece for piece in pieces if piece not in CONTROL).replace(WORD_START, " ").strip()


def _map(run: Run, record: dict[str, Any]) -> AttentionMap:
    source, target = tokens(record["source_tokens"]), tokens(record["target_tokens"])
    weights = tuple(tuple(map(float, row)) for row in record["weights"])
    if len(weights) != len(target) or any(len(row) != len(source) for row in weights):
        raise ValueError(
            f"{run.path / 'result.json'} has an attention map whose weights are not {len(target)} target tokens by "
            f"{len(source)} source tokens; evaluate the run again"
        )
    layer = "" if run.architecture in ("luong", "bahdanau") else str(record.get("layer", ""))
    return AttentionMap(run, layer.replace("_", " "), source, target, weights)


def _longest(maps: Sequence[AttentionMap]) -> int:
    return max(max(len(each.source), len(each.target)) for each in maps)

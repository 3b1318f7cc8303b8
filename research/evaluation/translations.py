"""The translations that an evaluation left in a run folder, and the scores that it recorded of them."""

from collections.abc import Mapping
from typing import Any

from research.data.text import read_lines
from research.evaluation.quality import CorpusScore
from research.results.run_folder import RunFolder


def searches(folder: RunFolder, split: str) -> dict[str, Any]:
    """Return what result.json has of each search of a split; {} if it was not evaluated on it."""
    return folder.result().get("splits", {}).get(split, {}).get("searches", {})


def read_translations(folder: RunFolder, split: str, search: str, *, sentences: int) -> list[str]:
    """Read the translations of a split by a search; ValueError or OSError unless there is one for each sentence."""
    file = folder.path / "translations" / f"{split}.{search}.txt"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing, though the run was evaluated; evaluate it again")
    translations = read_lines(file)
    if len(translations) != sentences:
        raise ValueError(
            f"{file} has {len(translations):,} lines for the {sentences:,} sentences of {split}; evaluate it again"
        )
    return translations


def refuse_stale(
    name: str, split: str, search: str, measure: str, scored: CorpusScore, recorded: Mapping[str, Any]
) -> None:
    """Refuse translations of which result.json has another score: evaluated in between, or an evaluation was stopped.

    Under another signature (another sacreBLEU, say) the scores may differ.

    Args:
        name: the run, for the error.
        split, search, measure: what was translated and measured.
        scored: the score of the translations that are there.
        recorded: what result.json has of the search.
    """
    before = recorded.get(measure, {})
    if before.get("signature") == scored.signature and abs(before["score"] - scored.score) > 1e-6:
        raise ValueError(
            f"{name}: its translations of {split} by {search} score {scored.score:.2f}, but result.json says "
            f"{before['score']:.2f}; evaluate it again"
        )

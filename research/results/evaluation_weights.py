"""The weights of a run that are evaluated: of its best or last checkpoint, or a mean of its last ones."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.results.checkpoints import Checkpoints


def evaluation_params(folder: Path | str, *, which: str, average_last: int) -> tuple[Any, list[int]]:
    """Return the weights to evaluate, and the steps of the checkpoints that they come from, the last one last.

    Args:
        folder: the folder of the checkpoints.
        which: "best" or "last".
        average_last: above 1, the mean of so many last checkpoints is taken instead of `which`, or of all where there
            are fewer. If the run kept an exponential average of its weights, the average is taken in place of the
            weights.

    Raises:
        FileNotFoundError: when there are no checkpoints.
        ValueError: for another `which`, and for a damaged checkpoint.

    Reference:
        Vaswani et al. 2017, section 6.1.
    """
    refuse_unknown(which)
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"no checkpoints at {folder}; train the run first with `python run.py train`")
    checkpoints = Checkpoints(folder, keep_last=max(average_last, 1))
    try:
        steps = checkpoints.steps()
        if not steps:
            raise FileNotFoundError(f"no checkpoints in {folder}; train the run first with `python run.py train`")
        if average_last > 1:
            chosen = steps[-average_last:]
        else:
            chosen = [checkpoints.best_step() if which == "best" else steps[-1]]
        return mean([evaluated_weights(checkpoints.restore(step)[0]) for step in chosen]), chosen
    finally:
        checkpoints.close()


def evaluated_weights(state: dict[str, Any]) -> Any:
    """Return the exponential average of a restored state if there is one, else its weights."""
    return state["averaged"] if state.get("averaged") else state["params"]


def refuse_unknown(which: str) -> None:
    """Raise ValueError for a checkpoint that is neither the "best" nor the "last"."""
    if which not in ("best", "last"):
        raise ValueError(f"evaluation.checkpoint={which!r} is unknown; choose best or last")


def mean(trees: list[Any]) -> Any:
    """Return the mean of several trees of arrays, summed in float64."""
    return jax.tree.map(lambda *leaves: np.mean(leaves, axis=0, dtype=np.float64).astype(leaves[0].dtype), *trees)

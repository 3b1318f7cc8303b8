"""Make arms spend alike: the same steps, arithmetic, seconds or parameters as the first arm.

- flops: steps_i = steps_1 · f_1 / f_i, f the analytic training FLOPs a target token (models/flops.py)
- seconds: steps_i = steps_1 · s_1 / s_i, s the measured seconds of a training step on this machine
- parameters: the width, an even one that the heads divide, whose model is nearest to the first arm's in size
- steps: as the config says

An arm with a budget (`arms.BUDGET`) spends so many times as much: with 0.25, 1 and 4, arms make a frontier.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, MutableMapping
from functools import cache
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from research import data
from research.ablation.stopwatch import seconds_per_step_apart
from research.models.flops import training_flops_per_token
from research.results.identity import config_as_json, config_digest, config_from_json
from research.training.translator_training import TranslatorTraining, make_training

MATCHES = ("steps", "flops", "seconds", "parameters")
WIDEST = 4  # times the arm's own width that a match may need
SLACK = 0.05  # of the first arm's size


class _Sizes(NamedTuple):
    """Subwords of each vocabulary, and mean tokens of a training sentence a side, with its end-of-sentence token."""

    source_vocabulary: int
    target_vocabulary: int
    source: float
    target: float


def match(
    by: str, arms: Mapping[str, ConfigDict], timed: MutableMapping[str, float], budgets: Mapping[str, float] = {}
) -> dict[str, ConfigDict]:
    """Return the arms' configs, changed so that every arm has the same cost as the first, times its budget.

    Args:
        by: one of `MATCHES`.
        arms: arm -> its config.
        timed: digest of a config -> seconds of a step. Steps that are measured are added: on another day they would
            take other seconds, and arms would be matched in another way.
        budgets: arm -> its budget, which its steps hold already; 1 for those that have none.

    Raises:
        ValueError: `by` is unknown, or no width comes near the size of the first arm.
    """

    def seconds(config: ConfigDict) -> float:
        key = config_digest(config, without=("seed",))
        if key not in timed:
            timed[key] = _seconds(config)
        return timed[key]

    if by not in MATCHES:
        raise ValueError(f"no match by {by!r}; choose one of {', '.join(MATCHES)}")
    first, reference = next(iter(arms.items()))
    if by == "steps":
        return dict(arms)
    if by == "parameters":
        return {name: _same_parameters(reference, config, name) for name, config in arms.items()}
    cost = {"flops": flops_per_token, "seconds": seconds}[by]
    unit = reference.training.steps * cost(reference) / budgets.get(first, 1)
    return {name: _spending(unit * budgets.get(name, 1), config, cost) for name, config in arms.items()}


def flops_per_token(config: ConfigDict) -> float:
    """Return training FLOPs a target token, by the mean lengths of the config's corpus."""
    sizes = _sizes(_key(config))
    return training_flops_per_token(_training(config).translator, sizes.source, sizes.target)


def parameters(config: ConfigDict) -> int:
    """Count the parameters of a config's model; nothing is allocated."""
    return _training(config).parameters


def _spending(spent: float, config: ConfigDict, cost: Callable[[ConfigDict], float]) -> ConfigDict:
    config = config.copy_and_resolve_references()
    config.training.steps = max(1, round(spent / cost(config)))
    return config


def _same_parameters(reference: ConfigDict, config: ConfigDict, name: str) -> ConfigDict:
    wanted, unit = parameters(reference), math.lcm(2, config.model.heads) if "heads" in config.model else 2
    widths = range(unit, WIDEST * config.model.width + 1, unit)
    above = bisect_left(widths, wanted, key=lambda width: parameters(_widened(config, width)))  # size rises with width
    near = [_widened(config, width) for width in widths[max(above - 1, 0) : above + 1]]
    best = min(near, key=lambda each: abs(parameters(each) - wanted))
    if (off := abs(parameters(best) - wanted)) > SLACK * wanted:
        raise ValueError(
            f"{name} has no width whose size is within {SLACK:.0%} of the first arm's {wanted:,} parameters; width "
            f"{best.model.width} is {off:,} off: match by flops or seconds"
        )
    return best


def _widened(config: ConfigDict, width: int) -> ConfigDict:
    """Return the config with another width, and all that is in proportion to it."""
    widened = config_from_json(config_as_json(config))
    for field in ("embedding", "ffn"):
        if field in config.model:
            widened.model[field] = config.model[field] * width // config.model.width
    widened.model.width = width
    return widened


def _training(config: ConfigDict) -> TranslatorTraining:
    sizes = _sizes(_key(config))
    return make_training(config, source_vocabulary=sizes.source_vocabulary, target_vocabulary=sizes.target_vocabulary)


def _key(config: ConfigDict) -> str:
    return json.dumps(config_as_json(config)["data"], sort_keys=True)


@cache
def _sizes(key: str) -> _Sizes:
    config = config_from_json({"data": json.loads(key)}).data
    corpus = data.build(config)
    vocabularies = data.build_vocabularies(config, corpus.splits["train"])
    examples = data.encode_training(corpus.splits["train"], vocabularies).within(config.max_tokens)
    means = [float(side.lengths.mean()) + 1 for side in (examples.sources, examples.targets) if side is not None]
    return _Sizes(len(vocabularies.source), len(vocabularies.target), *means)


def _seconds(config: ConfigDict) -> float:
    sizes = _sizes(_key(config))
    return float(np.median(seconds_per_step_apart(config, length=round(max(sizes.source, sizes.target)))))

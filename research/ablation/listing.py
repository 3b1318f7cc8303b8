"""List the questions: their arms, and what the runs would cost here."""

import time
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict
from rich.console import Group, RenderableType
from rich.text import Text

from research import models
from research.ablation.experiment import Experiment
from research.models.flops import training_flops_per_token
from research.results.tables import NOTHING, TextTable, terminal_table

TYPICAL_TOKENS = 15.0  # of a sentence; what a step costs hardly depends on it
SHARE_OF_POSITIONS = 0.4  # of a batch that hold a target token: 0.2 to 0.7 in the runs of docs/withdrawn/
SHARE_OF_MATMUL = 0.1  # of a large matrix product's rate, that small models reach on a CPU
SECONDS_BESIDE_STEPS = 15.0  # of a run: starting, compiling, evaluating
SIDE = 1_024


def listing(
    experiments: Mapping[str, Experiment],
    get_config: Callable[[str], ConfigDict],
    *,
    override: Callable[[ConfigDict], object],
    corpus: str,
    seeds: int,
) -> RenderableType:
    """Lay out a row for each question.

    Minutes are a guess from FLOPs and the rate of a matrix product measured now, one job at a time; runs that several
    questions share are counted in each. Where a question can't be asked of this corpus, its row says why.

    Args:
        experiments: question -> its experiment.
        get_config: architecture -> its config.
        override: what a person changes in every arm.
        corpus: the stem of the config file.
        seeds: runs of each arm.
    """
    rate = SHARE_OF_MATMUL * _matmul_rate()
    rows = []
    total = 0.0
    for name, experiment in experiments.items():
        try:
            configs = experiment.configs(get_config, override, corpus=corpus)
        except ValueError as error:
            rows.append([name, str(len(experiment.arms)), NOTHING, NOTHING, str(error)])
            continue
        runs = seeds * len(configs)
        seconds = seeds * sum(
            SECONDS_BESIDE_STEPS + (experiment.work == "train") * _flops(each) / rate for each in configs.values()
        )
        total += seconds
        rows.append([name, str(len(configs)), str(runs), f"{seconds / 60:,.0f}", str(experiment.claim)])
    sheet = TextTable(["question", "arms", "runs", "minutes, about", "claim"], rows)
    total_line = f"{total / 3600:,.1f} hours in all, about, with {seeds} seeds, one run after another"
    return Group(terminal_table(sheet, fold=[4], align="lrrrl"), Text(total_line))


def _flops(config: ConfigDict) -> float:
    size = config.data.vocabulary.size
    translator = models.build(config.model, source_vocabulary=size, target_vocabulary=size)
    per_token = training_flops_per_token(translator, TYPICAL_TOKENS, TYPICAL_TOKENS)
    tokens = SHARE_OF_POSITIONS * float(config.data.batch_tokens) * float(config.training.steps)
    return per_token * tokens


def _matmul_rate() -> float:
    """Return FLOPs a second of a square product, the best of a few."""
    product = jax.jit(jnp.matmul)
    matrix = jnp.ones((SIDE, SIDE))
    product(matrix, matrix).block_until_ready()
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        product(matrix, matrix).block_until_ready()
        seconds.append(time.perf_counter() - begin)
    return 2 * SIDE**3 / min(seconds)

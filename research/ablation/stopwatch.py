"""How long a training step takes, on sentences of one length; what the question of parallelism measures."""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from research.data.vocabulary import PAD
from research.models.flops import training_flops_per_token
from research.parallel import host
from research.parallel.devices import Devices
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder
from research.training.trainer import commit, make_training, of_seed

FIRST = 2  # steps that are not timed: compiling, and what follows it
LEAST_STEPS, LEAST_SECONDS = 5, 1.0


def seconds_per_step(config: ConfigDict, *, length: int) -> list[float]:
    """Of each timed step, on sentences of `length` tokens a side, as many as `data.batch_tokens` allows (one at least).

    The ids are random: a step costs what it costs whatever the words are.
    """
    host.prepare()
    size = config.data.vocabulary.size
    training = make_training(config, source_vocabulary=size, target_vocabulary=size)
    program = Devices(config.training.strategy, host.training_devices()).program(training.step, 1)
    placed = program.place([training.initial(config.seed)])
    ids_BT = np.random.default_rng(config.seed).integers(PAD + 1, size, (_rows(config, length), length), dtype=np.int32)
    batch = dict.fromkeys(("source_BS", "target_in_BT", "target_out_BT"), ids_BT)
    seconds: list[float] = []
    while len(seconds) < FIRST + LEAST_STEPS or sum(seconds[FIRST:]) < LEAST_SECONDS:
        begin = time.perf_counter()
        placed, metrics = program.step(placed, [batch], [config.seed])
        program.metrics(metrics)  # when they are there, the step is done
        seconds.append(time.perf_counter() - begin)
    return seconds[FIRST:]


def seconds_per_step_apart(config: ConfigDict, *, length: int) -> list[float]:
    """`seconds_per_step` in a process of its own: one that has computed keeps an accelerator's memory until it ends,
    and those that it launches would find none."""
    config = config.copy_and_resolve_references()  # references can't be sent
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(seconds_per_step, config, length=length).result()


def time_steps(config: ConfigDict, folder: Path, *, seed: int, command: str) -> None:
    """A run folder that was not trained: its result.json holds "timing" alone. The length is `data.max_tokens`."""
    config = of_seed(config, seed)
    length, size = config.data.max_tokens, config.data.vocabulary.size
    seconds = seconds_per_step(config, length=length)
    training = make_training(config, source_vocabulary=size, target_vocabulary=size)
    flops = training_flops_per_token(training.translator, length, length)
    median, tokens = float(np.median(seconds)), _rows(config, length) * length
    facts = {
        "name": folder.name,
        "command": command,
        "commit": commit(),
        "devices": jax.local_devices()[0].device_kind,
        "steps": len(seconds),
        "seconds": sum(seconds),
        "tokens": len(seconds) * tokens,
        "parameters": training.parameters,
        "flops_per_token": flops,
    }
    timing = {
        "length": length,
        "seconds_per_step": median,
        "tokens_per_second": tokens / median,
        "flops_per_second": flops * tokens / median,
    }
    run = RunFolder(folder)
    run.write_json("config.json", config_as_json(config))
    run.update_provenance(facts)
    run.write_json("result.json", {**facts, "config": config_as_json(config), "timing": timing})


def _rows(config: ConfigDict, length: int) -> int:
    return max(int(config.data.batch_tokens) // length, 1)

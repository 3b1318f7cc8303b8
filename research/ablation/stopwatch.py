"""Measure how long a training step takes on sentences of one length; the question `parallelism` asks it."""

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
from research.results.identity import config_as_json
from research.results.run_folder import RunFolder
from research.training.provenance import commit, now
from research.training.trainer import training_devices, with_seed
from research.training.translator_training import make_training

FIRST = 2  # steps that are not timed: the first compiles
LEAST_STEPS, LEAST_SECONDS = 5, 1.0


def seconds_per_step(config: ConfigDict, *, length: int) -> list[float]:
    """Time training steps in this process.

    Args:
        config: of the run; a batch has as many sentences as `data.batch_tokens` allows, one at least. Ids are random,
            for the time of a step does not depend on the words.
        length: tokens of each sentence, on either side.

    Returns:
        The seconds of each timed step.
    """
    host.prepare()
    size = config.data.vocabulary.size
    training = make_training(config, source_vocabulary=size, target_vocabulary=size)
    devices = training_devices(config.training)
    program = devices.program(training.step, 1)
    placed = program.place([devices.made(training.initial, config.seed)])
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
    """Run `seconds_per_step` in a process of its own.

    A process that has computed keeps an accelerator's memory until it ends, and jobs that it launches would find none.
    """
    config = config.copy_and_resolve_references()  # references can't be sent
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(seconds_per_step, config, length=length).result()


def time_steps(config: ConfigDict, folder: Path, *, seed: int, command: str) -> None:
    """Time steps, and write a run folder whose result.json holds "timing" alone.

    Args:
        config: of the run; sentences have `data.max_tokens` tokens.
        folder: the run folder.
        seed: of the run.
        command: how a person makes it again.
    """
    config = with_seed(config, seed)
    length, size = config.data.max_tokens, config.data.vocabulary.size
    seconds = seconds_per_step(config, length=length)
    training = make_training(config, source_vocabulary=size, target_vocabulary=size)
    flops = training_flops_per_token(training.translator, length, length)
    median, tokens = float(np.median(seconds)), _rows(config, length) * length
    facts = {
        "name": folder.name,
        "command": command,
        "began": now(),
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
